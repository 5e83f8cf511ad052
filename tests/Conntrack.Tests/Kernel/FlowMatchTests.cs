using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class FlowMatchTests
{
    public static TheoryData<string, string> Cases => new()
    {
        { "everything", "icmp icmp6 sctp tcp tcp-marked tcp6 tcp6-other udp udp-zone" },
        { "mark 0x10 under 0xf0", "tcp-marked" },
        { "assured", "icmp icmp6 sctp tcp tcp6 tcp6-other udp udp-zone" },
        { "not assured", "tcp-marked" },
        { "zone 7", "udp-zone" },
        { "zone 0", "icmp icmp6 sctp tcp tcp-marked tcp6 tcp6-other udp" },
        { "tcp", "tcp tcp-marked tcp6 tcp6-other" },
        { "from 10.83.0.1", "icmp sctp tcp udp udp-zone" },
        { "from fd83::1", "icmp6 tcp6" },
        { "to fd83::2 in tcp", "tcp6 tcp6-other" },
        { "replies to 10.83.0.9", "tcp-marked" },
        { "port 4001 of sctp", "sctp" },
        { "port 4001 of tcp from 10.83.0.1", "tcp" },
        { "icmp id 4001", "icmp" },
    };

    private static readonly string[] NotForTheKernel =
        ["everything", "tcp", "from fd83::1", "to fd83::2 in tcp", "port 4001 of sctp", "icmp id 4001"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_dump_with_conditions_gives_the_flows_that_fulfil_them(string condition, string expected) =>
        PrivateNetwork.Run(() =>
        {
            using var client = new ConntrackClient();
            Dictionary<FlowTuple, string> names = CreateFlows(client);
            Flow pattern = Pattern(condition);

            List<string> seen = [];
            NetlinkError error = client.Dump(
                (in PackedFlow flow) => seen.Add(Name(names, in flow)), in pattern.Packed);
            Assert.Equal(NetlinkError.Success, error);
            Assert.Equal(expected, string.Join(' ', seen.Order(StringComparer.Ordinal)));
        });

    [Theory]
    [MemberData(nameof(Cases))]
    public void Only_the_flows_that_fulfil_the_conditions_are_deleted(string condition, string expected) =>
        PrivateNetwork.Run(() =>
        {
            using var client = new ConntrackClient();
            Dictionary<FlowTuple, string> names = CreateFlows(client);
            Flow pattern = Pattern(condition);
            Assert.Equal(NetlinkError.Success, client.DeleteMatching(in pattern.Packed, out int deleted));
            Assert.Equal(expected.Split(' ').Length, deleted);

            List<string> left = [];
            client.Dump((in PackedFlow flow) => left.Add(Name(names, in flow)));
            AssertLeft(names, expected, left);
        });

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_flush_with_conditions_agrees_with_the_kernel_where_it_can_be_written(
        string condition, string expected) => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        Dictionary<FlowTuple, string> names = CreateFlows(client);
        Flow pattern = Pattern(condition);
        using var raw = new NetlinkClient(NetlinkProtocol.Netfilter);
        bool isExact = FlowCodec.TryWriteFlush(
            raw.Writer, raw.NextSequence, in pattern.Packed, flags: MessageFlags.Ack);
        if (!isExact)
        {
            Assert.Contains(condition, NotForTheKernel, StringComparer.Ordinal);
            return;
        }

        Assert.Equal(NetlinkError.Success, raw.Transact());
        List<string> left = [];
        client.Dump((in PackedFlow flow) => left.Add(Name(names, in flow)));
        AssertLeft(names, expected, left);
    });

    private static void AssertLeft(Dictionary<FlowTuple, string> names, string gone, List<string> left) =>
        Assert.Equal(
            names.Values
                .Append("udp-zone")
                .Except(gone.Split(' '), StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
            left.Order(StringComparer.Ordinal));

    private static string Name(Dictionary<FlowTuple, string> names, in PackedFlow flow) =>
        names[flow.Original] + (flow.Has(FlowFields.Zone) ? "-zone" : "");

    private static Flow Pattern(string condition)
    {
        var pattern = new Flow();
        ref PackedFlow packed = ref pattern.Packed;
        switch (condition)
        {
            case "mark 0x10 under 0xf0":
                pattern.Mark = 0x10;
                packed.MarkMask = 0xf0;
                packed.Fields |= FlowFields.MarkMask;
                break;
            case "assured": pattern.Status = FlowStatus.Assured; break;
            case "not assured":
                pattern.Status = FlowStatus.None;
                packed.StatusMask = FlowStatus.Assured;
                packed.Fields |= FlowFields.StatusMask;
                break;
            case "zone 7": pattern.Zone = 7; break;
            case "zone 0": pattern.Zone = 0; break;
            case "tcp": pattern.Original = Part(Flows.Tcp(1).Original, TupleParts.Protocol); break;
            case "from 10.83.0.1": pattern.Original = Part(Flows.Tcp(1).Original, TupleParts.Source); break;
            case "from fd83::1": pattern.Original = Part(Flows.Tcp6(1).Original, TupleParts.Source); break;
            case "to fd83::2 in tcp":
                pattern.Original = Part(Flows.Tcp6(1).Original, TupleParts.Destination | TupleParts.Protocol);
                break;
            case "replies to 10.83.0.9":
                FlowTuple reply = FlowTuple.Of(IpProtocol.Tcp, "10.83.0.2", "10.83.0.9");
                pattern.Reply = Part(reply, TupleParts.Destination);
                break;
            case "port 4001 of sctp":
                pattern.Original = Part(Flows.Sctp(4001).Original, TupleParts.SourcePort | TupleParts.Protocol);
                break;
            case "port 4001 of tcp from 10.83.0.1":
                const TupleParts Parts = TupleParts.Source | TupleParts.SourcePort | TupleParts.Protocol;
                pattern.Original = Part(Flows.Tcp(4001).Original, Parts);
                break;
            case "icmp id 4001":
                pattern.Original = Part(Flows.Icmp(4001).Original, TupleParts.IcmpId | TupleParts.Protocol);
                break;
        }

        return pattern;
    }

    private static FlowTuple Part(FlowTuple tuple, TupleParts parts)
    {
        tuple.Parts = parts;
        return tuple;
    }

    private static Dictionary<FlowTuple, string> CreateFlows(ConntrackClient client)
    {
        Dictionary<FlowTuple, string> names = [];
        void Add(string name, PackedFlow flow)
        {
            Assert.Equal(Errno.None, client.Create(in flow).Code);
            if (!flow.Has(FlowFields.Zone)) names.Add(flow.Original, name);
        }

        Add("tcp", Flows.Tcp(4001));
        Add("tcp6", Flows.Tcp6(4001));
        Add("udp", Flows.Udp(4001));
        Add("icmp", Flows.Icmp(4001));
        Add("icmp6", Flows.Icmp6(4001));
        Add("sctp", Flows.Sctp(4001));
        Add("tcp6-other", Flows.Ports("fd83::9", "fd83::2", IpProtocol.Tcp, 4001));
        PackedFlow marked = Flows.Ports("10.83.0.9", "10.83.0.2", IpProtocol.Tcp, 4001);
        marked.Mark = 0x1f;
        marked.Status = FlowStatus.Confirmed;
        marked.Fields |= FlowFields.Mark;
        Add("tcp-marked", marked);
        PackedFlow zoned = Flows.Udp(4001);
        zoned.Zone = 7;
        zoned.Fields |= FlowFields.Zone;
        Add("udp-zone", zoned);
        return names;
    }
}
