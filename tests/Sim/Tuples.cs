using TwinTrack.Conntrack;

namespace TwinTrack.Sim;

/// <summary>Makes tuples of text and numbers.</summary>
internal static class Tuples
{
    public static Address Parse(string text, out byte family)
    {
        if (!Address.TryParse(text, out Address address, out family)) throw new FormatException($"no address: {text}");
        return address;
    }

    /// <summary>Ports, keys, or the identifier and the type of an ICMP request.</summary>
    public static FlowTuple Make(string from, string to, byte protocol, ushort first, ushort second) =>
        Make(Parse(from, out byte family), Parse(to, out _), family, protocol, first, second);

    /// <summary>Ports, keys, or the identifier and the type of an ICMP request.</summary>
    public static FlowTuple Make(Address from, Address to, byte family, byte protocol, ushort first, ushort second)
    {
        FlowTuple tuple = default;
        tuple.Source = from;
        tuple.Destination = to;
        tuple.Family = family;
        tuple.Protocol = protocol;
        tuple.Parts = TupleParts.Addresses | TupleParts.Protocol;
        if (protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            tuple.IcmpId = first;
            tuple.IcmpType = protocol == IpProtocol.Icmp ? (byte)8 : (byte)128;
            tuple.Parts |= TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        }
        else if (HasPorts(protocol))
        {
            tuple.SourcePort = first;
            tuple.DestinationPort = second;
            tuple.Parts |= TupleParts.Ports;
        }

        return tuple;
    }

    /// <summary>The other direction, without translation.</summary>
    public static FlowTuple Mirror(in FlowTuple tuple)
    {
        FlowTuple mirrored = tuple;
        mirrored.Source = tuple.Destination;
        mirrored.Destination = tuple.Source;
        mirrored.SourcePort = tuple.DestinationPort;
        mirrored.DestinationPort = tuple.SourcePort;
        mirrored.IcmpType = tuple.IcmpType switch
        {
            8 => 0,
            0 => 8,
            128 => 129,
            129 => 128,
            _ => tuple.IcmpType,
        };
        return mirrored;
    }

    public static bool HasPorts(byte protocol) => protocol is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.UdpLite
        or IpProtocol.Sctp or IpProtocol.Dccp or IpProtocol.Gre;
}
