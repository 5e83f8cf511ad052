using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Tests;
using IP = TwinTrack.Conntrack.IpProtocol;

namespace TwinTrack.Interop.Tests;

/// <summary>One flow of each kind there is, by name.</summary>
internal static class FlowKinds
{
    private const FlowStatus Unreplied = FlowStatus.Confirmed;
    private const FlowStatus Replied = FlowStatus.Confirmed | FlowStatus.SeenReply;
    private const FlowStatus Assured = Replied | FlowStatus.Assured;
    private const byte Esp = 50;
    private const string Client = "10.81.1.2";
    private const string Server = "10.81.2.2";
    private const string Client6 = "fd81:1::2";
    private const string Server6 = "fd81:2::2";
    private const string Nat = "10.81.2.1";
    private const string Nat6 = "fd81:2::1";

    // A rule with the highest label is what makes the kernel reserve room for labels.
    private const string LabelRule =
        "table inet labels {\n chain forward {\n type filter hook forward priority 0;\n ct label set 127\n }\n}\n";

    private static readonly (string Name, PackedFlow Flow)[] Table = [.. Tcp(), .. Others(), .. Translated(), .. Rare()];

    /// <summary>All that the sender replicates.</summary>
    /// <remarks>
    /// The original sends ports for DCCP whether there are any or not, and takes them from what its buffer held.
    /// </remarks>
    public static IEnumerable<PackedFlow> All(Make sender = Make.Ours) => Table
        .Where(entry => sender == Make.Ours || entry.Name != "dccp").Select(entry => entry.Flow);

    public static PackedFlow Find(string name) =>
        Table.Single(entry => string.Equals(entry.Name, name, StringComparison.Ordinal)).Flow;

    public static void GiveLabels(Node node) => node.Firewall.Namespace.Require(["nft", "-f", "-"], LabelRule);

    private static IEnumerable<(string Name, PackedFlow Flow)> Tcp()
    {
        (string Name, TcpState State, uint Timeout, FlowStatus Status)[] states =
        [
            ("SYN_SENT", TcpState.SynSent, 120, Unreplied),
            ("SYN_RECV", TcpState.SynReceived, 60, Replied),
            ("ESTABLISHED", TcpState.Established, 600, Assured),
            ("FIN_WAIT", TcpState.FinWait, 120, Assured),
            ("CLOSE_WAIT", TcpState.CloseWait, 90, Assured),
            ("LAST_ACK", TcpState.LastAck, 90, Assured),
            ("TIME_WAIT", TcpState.TimeWait, 120, Assured),
            ("CLOSE", TcpState.Close, 100, Assured),
            ("SYN_SENT2", TcpState.SynSent2, 120, Unreplied),
        ];
        ushort port = 40_000;
        foreach ((string name, TcpState state, uint timeout, FlowStatus status) in states)
        {
            PackedFlow flow = Established(Client, Server, ++port);
            flow.TcpState = (byte)state;
            flow.Timeout = timeout;
            flow.Status = status;
            yield return ("tcp " + name, flow);
        }

        yield return ("tcp over IPv6", Established(Client6, Server6, 41_000));
    }

    private static IEnumerable<(string Name, PackedFlow Flow)> Others()
    {
        yield return ("udp unreplied", With(Flows.Ports(Client, Server, IP.Udp, 5353), Unreplied));
        yield return ("udp assured", With(Flows.Ports(Client, Server, IP.Udp, 5354), Assured));
        yield return ("udp over IPv6", With(Flows.Ports(Client6, Server6, IP.Udp, 5355), Unreplied));
        yield return ("icmp", With(Flows.Echo(Client, Server, IP.Icmp, 0x1234, 8, 0), Unreplied));
        yield return ("icmp timestamp", With(Flows.Echo(Client, Server, IP.Icmp, 0x1235, 13, 14), Replied));
        yield return ("icmpv6", With(Flows.Echo(Client6, Server6, IP.IcmpV6, 0x5678, 128, 129), Unreplied));
        yield return ("sctp", Sctp(Client, Server, 36_412));
        yield return ("sctp over IPv6", Sctp(Client6, Server6, 36_413));
        yield return ("gre 1", With(Flows.Ports(Client, Server, IP.Gre, 0x10), Unreplied));
        yield return ("gre 2", With(Flows.Ports(Client, Server, IP.Gre, 0x11), Unreplied));
        yield return ("gre to another", With(Flows.Ports(Client, "10.81.2.3", IP.Gre, 0x12), Assured));
        yield return ("udplite 1", With(Flows.Ports(Client, Server, IP.UdpLite, 7001), Unreplied));
        yield return ("udplite 2", With(Flows.Ports(Client, Server, IP.UdpLite, 7002), Unreplied));
        // This kernel has no tracker for it, so it is a protocol without ports.
        yield return ("dccp", With(Bare(Client, Server, IP.Dccp), Unreplied));
        yield return ("esp", With(Bare(Client, Server, Esp), Unreplied));
        yield return ("esp over IPv6", With(Bare(Client6, Server6, Esp), Replied));
    }

    private static IEnumerable<(string Name, PackedFlow Flow)> Translated()
    {
        const string inside = "10.81.1.10";
        const string inside6 = "fd81:1::10";
        yield return ("tcp snat", Snat(Established(inside, Server, 42_001), Nat));
        yield return ("tcp snat with port", Snat(Established(inside, Server, 42_002), Nat, 0x1234));
        yield return ("tcp dnat", Dnat(Established(inside, "10.81.1.1", 42_003), Server));
        yield return ("udp dnat with port", Dnat(Flows.Ports(inside, "10.81.1.1", IP.Udp, 42_004), Server, 0x5678));
        yield return (
            "udp snat and dnat with ports",
            Snat(Dnat(Flows.Ports(inside, "10.81.1.1", IP.Udp, 42_005), Server, 1111), Nat, 2222));
        yield return ("icmp snat", Snat(Flows.Echo(inside, Server, IP.Icmp, 0x4321, 8, 0), Nat));
        yield return ("udplite snat", Snat(Flows.Ports(inside, Server, IP.UdpLite, 7003), Nat));
        yield return ("gre snat", Snat(Flows.Ports(inside, Server, IP.Gre, 0x13), Nat));
        yield return ("esp snat", Snat(Bare(inside, Server, Esp), Nat));
        yield return ("icmpv6 snat", Snat(Flows.Echo(inside6, Server6, IP.IcmpV6, 0x8765, 128, 129), Nat6));
        yield return ("tcp snat over IPv6", Snat(Established(inside6, Server6, 42_006), Nat6));
        yield return ("tcp dnat over IPv6", Dnat(Established(inside6, "fd81:1::1", 42_007), Server6));
        yield return (
            "udp snat and dnat with ports over IPv6",
            Snat(Dnat(Flows.Ports(inside6, "fd81:1::1", IP.Udp, 42_008), Server6, 1112), Nat6, 2223));
        yield return ("sctp snat with port", Snat(Sctp(inside, Server, 42_009), Nat, 3333));
        yield return ("tcp port translation only", Snat(Established(inside, Server, 42_010), inside, 4444));
    }

    private static IEnumerable<(string Name, PackedFlow Flow)> Rare()
    {
        const string from = "10.81.1.11";
        PackedFlow marked = Established(from, Server, 43_001);
        marked.Mark = 0x12345678;
        marked.Fields |= FlowFields.Mark;
        yield return ("mark", marked);

        yield return ("zone 7", InZone(Established(from, Server, 43_002), 7));
        yield return ("zone 8", InZone(Established(from, Server, 43_002), 8));
        PackedFlow oneWay = Established(from, Server, 43_003);
        oneWay.Original.Zone = 9;
        oneWay.Original.Parts |= TupleParts.Zone;
        yield return ("zone of one direction", oneWay);

        PackedFlow wayBack = Established(from, Server, 43_010);
        wayBack.Reply.Zone = 10;
        wayBack.Reply.Parts |= TupleParts.Zone;
        yield return ("zone of the way back", wayBack);

        PackedFlow labelled = Established(from, Server, 43_004);
        labelled.Labels = new(1UL << 37, 1UL << 62);
        labelled.Fields |= FlowFields.Labels;
        yield return ("labels", labelled);

        PackedFlow control = Established(from, Server, 43_005);
        control.Original.DestinationPort = control.Reply.SourcePort = 21;
        "ftp"u8.CopyTo(control.Helper);
        control.Fields |= FlowFields.Helper;
        yield return ("helper", control);

        PackedFlow data = Established(from, Server, 43_006);
        data.Master = control.Original;
        data.Fields |= FlowFields.Master;
        yield return ("related to a master", data);

        PackedFlow request = With(Flows.Ports(Client6, Server6, IP.Udp, 43_011), Assured);
        request.Original.DestinationPort = request.Reply.SourcePort = 69;
        "tftp"u8.CopyTo(request.Helper);
        request.Fields |= FlowFields.Helper;
        yield return ("helper over IPv6", request);

        PackedFlow transfer = With(Flows.Ports(Server6, Client6, IP.Udp, 43_012), Assured);
        transfer.Master = request.Original;
        transfer.Fields |= FlowFields.Master;
        yield return ("related over IPv6", transfer);

        PackedFlow shifted = Snat(Established(from, Server, 43_007), Nat);
        shifted.SequenceOriginal = new(0xd8efca69, 0, -4);
        shifted.SequenceReply = new(0x01020304, 5, 6);
        shifted.Fields |= FlowFields.SequenceOriginal | FlowFields.SequenceReply;
        yield return ("sequence adjustment", shifted);

        PackedFlow proxied = Established(from, Server, 43_008);
        proxied.SynProxy = new(0xf6df1630, 0x0025941b, 0xd5424a63);
        proxied.Fields |= FlowFields.SynProxy;
        yield return ("synproxy", proxied);

        PackedFlow scaled = Established(from, Server, 43_009);
        scaled.TcpWindowScaleOriginal = 7;
        scaled.TcpWindowScaleReply = 9;
        scaled.TcpFlagsOriginal = scaled.TcpFlagsOriginalMask = (byte)TcpFlags.WindowScale;
        scaled.TcpFlagsReply = scaled.TcpFlagsReplyMask = (byte)TcpFlags.WindowScale;
        scaled.Fields |= FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply
            | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;
        yield return ("window scale", scaled);
    }

    private static PackedFlow Established(string from, string to, ushort port)
    {
        PackedFlow flow = With(Flows.Ports(from, to, IP.Tcp, port), Assured);
        flow.Timeout = 600;
        flow.TcpState = (byte)TcpState.Established;
        flow.Fields |= FlowFields.TcpState;
        return flow;
    }

    private static PackedFlow Sctp(string from, string to, ushort port)
    {
        PackedFlow flow = With(Flows.Ports(from, to, IP.Sctp, port), Assured);
        flow.SctpState = (byte)SctpState.Established;
        flow.SctpTagOriginal = 0x11223344;
        flow.SctpTagReply = 0x55667788;
        flow.Fields |= FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;
        return flow;
    }

    private static PackedFlow Bare(string from, string to, byte protocol)
    {
        PackedFlow flow = Flows.Ports(from, to, protocol, 1);
        flow.Original.Parts &= ~TupleParts.Ports;
        flow.Reply.Parts &= ~TupleParts.Ports;
        return flow;
    }

    private static PackedFlow With(PackedFlow flow, FlowStatus status) => flow with { Status = status };

    private static PackedFlow InZone(PackedFlow flow, ushort zone)
    {
        flow.Zone = zone;
        flow.Fields |= FlowFields.Zone;
        return flow;
    }

    private static PackedFlow Snat(PackedFlow flow, string address, ushort port = 0)
    {
        flow.SourceNat = Range(address, port);
        flow.Fields |= port == 0 ? FlowFields.SourceNat : FlowFields.SourceNat | FlowFields.SourceNatPort;
        return flow;
    }

    private static PackedFlow Dnat(PackedFlow flow, string address, ushort port = 0)
    {
        flow.DestinationNat = Range(address, port);
        flow.Fields |= port == 0
            ? FlowFields.DestinationNat
            : FlowFields.DestinationNat | FlowFields.DestinationNatPort;
        return flow;
    }

    private static NatRange Range(string address, ushort port) => new()
    {
        First = Flows.Address(address),
        Last = Flows.Address(address),
        FirstPort = port,
        LastPort = port,
    };
}
