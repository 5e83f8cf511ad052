using System.Text;

namespace TwinTrack.Conntrack.Tests;

/// <summary>Flows for tests: complete enough for the kernel to accept them.</summary>
internal static class Flows
{
    public static PackedFlow Tcp(ushort port) => With(Ports("10.83.0.1", "10.83.0.2", IpProtocol.Tcp, port), Tcp);

    public static PackedFlow Tcp6(ushort port) => With(Ports("fd83::1", "fd83::2", IpProtocol.Tcp, port), Tcp);

    public static PackedFlow Udp(ushort port) => Ports("10.83.0.1", "10.83.0.2", IpProtocol.Udp, port);

    public static PackedFlow Udp6(ushort port) => Ports("fd83::1", "fd83::2", IpProtocol.Udp, port);

    public static PackedFlow Gre(ushort key) => Ports("10.83.0.1", "10.83.0.2", IpProtocol.Gre, key);

    public static PackedFlow Gre6(ushort key) => Ports("fd83::1", "fd83::2", IpProtocol.Gre, key);

    public static PackedFlow Sctp(ushort port) => With(Ports("10.83.0.1", "10.83.0.2", IpProtocol.Sctp, port), Sctp);

    public static PackedFlow Sctp6(ushort port) => With(Ports("fd83::1", "fd83::2", IpProtocol.Sctp, port), Sctp);

    public static PackedFlow Icmp(ushort id) => Echo("10.83.0.1", "10.83.0.2", IpProtocol.Icmp, id, 8, 0);

    public static PackedFlow Icmp6(ushort id) => Echo("fd83::1", "fd83::2", IpProtocol.IcmpV6, id, 128, 129);

    public static PackedFlow Ports(string from, string to, byte protocol, ushort port)
    {
        PackedFlow flow = Bare(from, to, protocol);
        flow.Original.SourcePort = port;
        flow.Original.DestinationPort = 80;
        flow.Original.Parts |= TupleParts.Ports;
        flow.Reply.SourcePort = 80;
        flow.Reply.DestinationPort = port;
        flow.Reply.Parts |= TupleParts.Ports;
        return flow;
    }

    public static PackedFlow Echo(string from, string to, byte protocol, ushort id, byte request, byte reply)
    {
        PackedFlow flow = Bare(from, to, protocol);
        flow.Original.IcmpId = id;
        flow.Original.IcmpType = request;
        flow.Original.Parts |= TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        flow.Reply.IcmpId = id;
        flow.Reply.IcmpType = reply;
        flow.Reply.Parts |= TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        return flow;
    }

    public static string HelperName(in PackedFlow flow)
    {
        ReadOnlySpan<byte> name = flow.Helper;
        return Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]);
    }

    public static Address Address(string text)
    {
        if (!Conntrack.Address.TryParse(text, out Address address, out _)) throw new FormatException(text);
        return address;
    }

    private static PackedFlow Bare(string from, string to, byte protocol)
    {
        PackedFlow flow = default;
        flow.Original = Tuple(from, to, protocol);
        flow.Reply = Tuple(to, from, protocol);
        flow.Timeout = 300;
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Timeout | FlowFields.Status;
        return flow;
    }

    private static FlowTuple Tuple(string from, string to, byte protocol)
    {
        FlowTuple tuple = default;
        if (!Conntrack.Address.TryParse(from, out tuple.Source, out tuple.Family)) throw new FormatException(from);
        tuple.Destination = Address(to);
        tuple.Protocol = protocol;
        tuple.Parts = TupleParts.Addresses | TupleParts.Protocol;
        return tuple;
    }

    private static PackedFlow With(PackedFlow flow, Func<PackedFlow, PackedFlow> change) => change(flow);

    private static PackedFlow Tcp(PackedFlow flow)
    {
        flow.TcpState = (byte)TcpState.Established;
        flow.TcpFlagsOriginal = flow.TcpFlagsOriginalMask = (byte)(TcpFlags.BeLiberal | TcpFlags.SackPermitted);
        flow.TcpFlagsReply = flow.TcpFlagsReplyMask = (byte)TcpFlags.BeLiberal;
        flow.Fields |= FlowFields.TcpState | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;
        return flow;
    }

    private static PackedFlow Sctp(PackedFlow flow)
    {
        flow.SctpState = (byte)SctpState.Established;
        flow.SctpTagOriginal = 0x11223344;
        flow.SctpTagReply = 0x55667788;
        flow.Fields |= FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;
        return flow;
    }
}
