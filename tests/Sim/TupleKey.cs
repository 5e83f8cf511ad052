using TwinTrack.Conntrack;

namespace TwinTrack.Sim;

/// <summary>What tells one direction of a flow from all others: everything that demultiplexes, and the zone.</summary>
internal readonly record struct TupleKey(
    Address Source, Address Destination, ushort First, ushort Second, ushort Zone, byte Protocol, byte Family)
{
    public static TupleKey Of(in FlowTuple tuple, ushort zone)
    {
        ushort first = 0;
        ushort second = 0;
        if (tuple.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            first = tuple.IcmpId;
            second = (ushort)((tuple.IcmpType << 8) | tuple.IcmpCode);
        }
        else if (tuple.Has(TupleParts.Ports))
        {
            first = tuple.SourcePort;
            second = tuple.DestinationPort;
        }

        return new(tuple.Source, tuple.Destination, first, second, zone, tuple.Protocol, tuple.Family);
    }

    /// <summary>The name of a flow: its original tuple.</summary>
    public static TupleKey Of(in PackedFlow flow) => Of(in flow.Original, ZoneOf(in flow));

    public static ushort ZoneOf(in PackedFlow flow) => flow.Has(FlowFields.Zone) ? flow.Zone : (ushort)0;

    /// <summary>A hash that is the same in every process, unlike that of the runtime.</summary>
    public uint StableHash()
    {
        ulong hash = Source.First;
        hash = Mix(hash ^ Source.Second);
        hash = Mix(hash ^ Destination.First);
        hash = Mix(hash ^ Destination.Second);
        hash = Mix(hash ^ First ^ ((ulong)Second << 16) ^ ((ulong)Zone << 32) ^ ((ulong)Protocol << 48));
        return (uint)(hash >> 32);
    }

    public override string ToString()
    {
        string zone = Zone == 0 ? "" : $" zone {Zone}";
        string source = Source.ToText(Family);
        string destination = Destination.ToText(Family);
        if (Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
            return $"{Name(Protocol)} {source} > {destination} id {First} type {Second >> 8}{zone}";
        if (First == 0 && Second == 0) return $"{Name(Protocol)} {source} > {destination}{zone}";
        return Family == AddressFamily.IPv4
            ? $"{Name(Protocol)} {source}:{First} > {destination}:{Second}{zone}"
            : $"{Name(Protocol)} [{source}]:{First} > [{destination}]:{Second}{zone}";
    }

    private static string Name(byte protocol) => protocol switch
    {
        IpProtocol.Icmp => "icmp",
        IpProtocol.Tcp => "tcp",
        IpProtocol.Udp => "udp",
        IpProtocol.Gre => "gre",
        IpProtocol.IcmpV6 => "icmp6",
        IpProtocol.Sctp => "sctp",
        _ => $"protocol{protocol}",
    };

    private static ulong Mix(ulong value)
    {
        value *= 0x9E37_79B9_7F4A_7C15;
        return value ^ (value >> 29);
    }
}
