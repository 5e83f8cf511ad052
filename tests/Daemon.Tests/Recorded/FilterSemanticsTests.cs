using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;
using TwinTrack.Tests;
using Xunit;
using Address = TwinTrack.Conntrack.Address;

namespace TwinTrack.Daemon.Tests.Recorded;

/// <summary>What the filters of the recording let into the cache of the original they let into ours.</summary>
public sealed class FilterSemanticsTests
{
    private const string Mark = "=== ";
    private const string Repeated = "Filter { Address Accept { IPv4_address 0.0.0.0/0 IPv6_address ::/0 } }";
    private static readonly TcpState[] _opening = [TcpState.SynSent, TcpState.SynReceived, TcpState.Established];
    private static readonly TcpState[] _whole = [.. _opening, TcpState.FinWait, TcpState.LastAck, TcpState.TimeWait];

    // The flows of the test bed by what names them in a listing, and the states they go through.
    private static readonly Traffic[] _traffic =
    [
        new("dport=80 ", Tcp("10.82.0.2", "10.82.1.2"), _opening),
        new("dport=8006 ", Tcp("fd82::2", "fd82:1::2"), _opening),
        new("dport=8080 ", Tcp("10.82.0.2", "10.82.1.2"), _whole),
        new("dport=81 ", Tcp("10.82.0.2", "10.82.1.99"), [TcpState.SynSent]),
        new("dport=53 ", Flow(17, "10.82.0.2", "10.82.1.2"), []),
        new("type=8 ", Flow(1, "10.82.0.2", "10.82.1.2"), []),
    ];

    // For the last filters of the recording there were two flows only.
    private static readonly string[] _few = ["dport=80 ", "dport=8006 "];

    public static TheoryData<string> Filters =>
    [
        .. Lines().Where(line => line.StartsWith(Mark, StringComparison.Ordinal)).Select(line => line[Mark.Length..]),
    ];

    [Theory, MemberData(nameof(Filters))]
    public void A_filter_lets_pass_what_it_let_pass_in_the_recording(string text)
    {
        string[] block = [.. Lines().SkipWhile(line => line != Mark + text).Skip(1)
            .TakeWhile(line => !line.StartsWith(Mark, StringComparison.Ordinal))];
        bool isFull = block.Any(line => line.Contains("events received", StringComparison.Ordinal));
        string file = $"General {{ {text} }}\nStats {{ }}\n";
        FilterConfig config = ConfigReader.Parse("recorded", file, Config.Samples.Protocols).Config!.General.Filter!;
        FlowFilter filter = config.ToFlowFilter();

        // Below the line that begins with two dashes is what an original keeps of flows that have ended.
        string[] listed = [.. block.TakeWhile(line => !line.StartsWith("--", StringComparison.Ordinal))
            .Where(line => line.Contains("src=", StringComparison.Ordinal)).Select(Shorten)];
        string[] passing = [.. _traffic.Where(flow => isFull || _few.Contains(flow.Name, StringComparer.Ordinal))
            .Select(flow => flow.LastKnown(filter)).OfType<string>()];

        // An original drops the second prefix of length 0 as repeated, though it is of another family.
        if (text == Repeated) listed = [.. listed, "dport=8006 ESTABLISHED"];
        Assert.Equal(listed.Order(StringComparer.Ordinal), passing.Order(StringComparer.Ordinal));
        Assert.Equal(
            config.InKernel, block.Any(line => line.Contains("kernel-space event filtering", StringComparison.Ordinal)));
    }

    private static string[] Lines() => GoldenFiles.Read("outputs/filter-semantics.txt").Split('\n');

    // tcp      6 ESTABLISHED src=10.82.0.2 dst=10.82.1.2 sport=56498 dport=8080 src=... becomes dport=8080 ESTABLISHED.
    private static string Shorten(string line)
    {
        string name = _traffic.Single(flow => line.Contains(flow.Name, StringComparison.Ordinal)).Name;
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words[0] == "tcp" ? name + words[2] : name;
    }

    private static PackedFlow Tcp(string source, string destination)
    {
        PackedFlow flow = Flow(6, source, destination);
        flow.Fields |= FlowFields.TcpState;
        return flow;
    }

    private static PackedFlow Flow(byte protocol, string source, string destination)
    {
        var flow = new PackedFlow { Fields = FlowFields.Original | FlowFields.Reply };
        flow.Original = Tuple(protocol, source, destination);
        flow.Reply = Tuple(protocol, destination, source);
        return flow;
    }

    private static FlowTuple Tuple(byte protocol, string source, string destination) => new()
    {
        Parts = TupleParts.Addresses | TupleParts.Protocol,
        Family = source.Contains(':', StringComparison.Ordinal) ? AddressFamily.IPv6 : AddressFamily.IPv4,
        Protocol = protocol,
        Source = ToAddress(source),
        Destination = ToAddress(destination),
    };

    private static Address ToAddress(string text) =>
        Address.Read(System.Net.IPAddress.Parse(text).GetAddressBytes());

    private sealed record Traffic(string Name, PackedFlow Flow, TcpState[] States)
    {
        /// <summary>The flow as the cache holds it in the end; null if nothing of it was let in.</summary>
        public string? LastKnown(FlowFilter filter)
        {
            PackedFlow flow = Flow;
            if (States.Length == 0) return filter.Accepts(in flow, isDestroy: false) ? Name : null;

            string? known = null;
            foreach (TcpState state in States)
            {
                flow.TcpState = (byte)state;
                if (filter.Accepts(in flow, isDestroy: false)) known = Name + Encoding.ASCII.GetString(FlowNames.State(state));
            }

            return known;
        }
    }
}
