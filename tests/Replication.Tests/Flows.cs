using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Makes flows for the tests and reads them as text.</summary>
internal static class Flows
{
    private static readonly Address Server = Host("192.0.2.1");

    /// <summary>An established TCP flow as a kernel event tells it; each number makes another flow.</summary>
    public static PackedFlow Tcp(int number, TcpState state = TcpState.Established)
    {
        PackedFlow flow = default;
        var source = new Address((uint)(10 | (number >> 14 << 8)), 0);      // 10.x.y.0 as the bytes lie
        flow.Original = Tuple(IpProtocol.Tcp, source, Server, (ushort)(1024 + (number & 0x3fff)), 80);
        flow.Reply = Tuple(IpProtocol.Tcp, Server, source, 80, flow.Original.SourcePort);
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        flow.Timeout = 600;
        flow.TcpState = (byte)state;
        flow.Fields =
            FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout | FlowFields.TcpState;
        return flow;
    }

    /// <summary>A UDP flow between two addresses of either family.</summary>
    public static PackedFlow Udp(
        string source, string destination, ushort sourcePort = 5353, ushort destinationPort = 53)
    {
        PackedFlow flow = default;
        byte family = FamilyOf(source);
        flow.Original = Tuple(IpProtocol.Udp, Host(source), Host(destination), sourcePort, destinationPort, family);
        flow.Reply = Tuple(IpProtocol.Udp, Host(destination), Host(source), destinationPort, sourcePort, family);
        flow.Status = FlowStatus.Confirmed;
        flow.Timeout = 30;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout;
        return flow;
    }

    public static FlowTuple Tuple(
        byte protocol, Address source, Address destination, ushort sourcePort, ushort destinationPort,
        byte family = AddressFamily.IPv4) => new()
        {
            Source = source,
            Destination = destination,
            Family = family,
            Protocol = protocol,
            SourcePort = sourcePort,
            DestinationPort = destinationPort,
            Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports,
        };

    public static Address Host(string text)
    {
        Assert.True(Address.TryParse(text, out Address address, out _), text);
        return address;
    }

    public static void SetHelper(ref PackedFlow flow, string name)
    {
        Span<byte> helper = flow.Helper;
        helper.Clear();
        Encoding.ASCII.GetBytes(name, helper);
        flow.Fields |= FlowFields.Helper;
    }

    /// <summary>The line that conntrackd prints for the flow, without times.</summary>
    public static string Text(in PackedFlow flow)
    {
        byte[] buffer = new byte[1024];
        var line = new LineWriter(buffer);
        FlowText.Write(ref line, in flow, new FlowTextStyle(FlowTextParts.None));
        Assert.False(line.IsFull);
        return Encoding.ASCII.GetString(line.Written);
    }

    /// <summary>The lines of a cache, sorted.</summary>
    public static List<string> Lines(SyncEngine engine, CacheKind cache, Instant now = default)
    {
        var lines = new List<string>();
        ulong cursor = 0;
        PackedFlow flow = default;
        while (engine.ReadNext(cache, ref cursor, now, ref flow, out _)) lines.Add(Text(in flow));
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    /// <summary>
    /// What a kernel would say of a flow that a peer told of: the translation appears in the reply tuple.
    /// </summary>
    public static void ToKernelView(ref PackedFlow flow)
    {
        ref FlowTuple reply = ref flow.Reply;
        reply = flow.Original;
        reply.Source = flow.Has(FlowFields.DestinationNat) ? flow.DestinationNat.First : flow.Original.Destination;
        reply.Destination = flow.Has(FlowFields.SourceNat) ? flow.SourceNat.First : flow.Original.Source;
        reply.SourcePort =
            flow.Has(FlowFields.DestinationNatPort) ? flow.DestinationNat.FirstPort : flow.Original.DestinationPort;
        reply.DestinationPort =
            flow.Has(FlowFields.SourceNatPort) ? flow.SourceNat.FirstPort : flow.Original.SourcePort;
        flow.Fields |= FlowFields.Reply;
        flow.Fields &= ~(FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort
            | FlowFields.DestinationNatPort);
    }

    /// <summary>Reads the body of a flow message; fails the test if it is refused.</summary>
    public static PackedFlow Read(ReadOnlySpan<byte> body)
    {
        PackedFlow flow = default;
        Assert.True(FlowMessage.TryRead(body, new SyncOptions(), ref flow));
        return flow;
    }

    private static byte FamilyOf(string text)
    {
        Assert.True(Address.TryParse(text, out _, out byte family), text);
        return family;
    }
}
