namespace TwinTrack.Conntrack;

/// <summary>Which parts of a tuple are known.</summary>
[Flags]
public enum TupleParts : byte
{
    /// <summary>Nothing is known.</summary>
    None = 0,

    /// <summary>CTA_IP_V4_SRC or CTA_IP_V6_SRC, and with it the family.</summary>
    Source = 1,

    /// <summary>CTA_IP_V4_DST or CTA_IP_V6_DST, and with it the family.</summary>
    Destination = 2,

    /// <summary>CTA_PROTO_NUM.</summary>
    Protocol = 4,

    /// <summary>CTA_PROTO_SRC_PORT: a port, or the GRE key.</summary>
    SourcePort = 8,

    /// <summary>CTA_PROTO_DST_PORT: a port, or the GRE key.</summary>
    DestinationPort = 16,

    /// <summary>CTA_PROTO_ICMP_ID or CTA_PROTO_ICMPV6_ID.</summary>
    IcmpId = 32,

    /// <summary>Type and code of ICMP or ICMPv6.</summary>
    IcmpTypeCode = 64,

    /// <summary>CTA_TUPLE_ZONE: a zone that is valid for this direction only.</summary>
    Zone = 128,

    /// <summary>Both addresses.</summary>
    Addresses = Source | Destination,

    /// <summary>Both ports.</summary>
    Ports = SourcePort | DestinationPort,
}

/// <summary>One direction of a flow: addresses, protocol, and what the protocol demultiplexes by.</summary>
/// <remarks>Plain fields in host order; only those named in <see cref="Parts"/> mean anything.</remarks>
public partial struct FlowTuple : IEquatable<FlowTuple>
{
    /// <summary>Source address; a mask in the mask tuple of an expectation.</summary>
    public Address Source;

    /// <summary>Destination address.</summary>
    public Address Destination;

    /// <summary>Source port, or source key for GRE; host order.</summary>
    public ushort SourcePort;

    /// <summary>Destination port, or destination key for GRE; host order.</summary>
    public ushort DestinationPort;

    /// <summary>ICMP or ICMPv6 identifier; host order.</summary>
    public ushort IcmpId;

    /// <summary>Zone of this direction only (CTA_TUPLE_ZONE); host order.</summary>
    public ushort Zone;

    /// <summary>ICMP or ICMPv6 type.</summary>
    public byte IcmpType;

    /// <summary>ICMP or ICMPv6 code.</summary>
    public byte IcmpCode;

    /// <summary>2 or 10, see <see cref="AddressFamily"/>.</summary>
    public byte Family;

    /// <summary>IP protocol number (IPPROTO_*).</summary>
    public byte Protocol;

    /// <summary>Which of the other fields are known.</summary>
    public TupleParts Parts;

    /// <summary>Whether every part in <paramref name="parts"/> is known.</summary>
    public readonly bool Has(TupleParts parts) => (Parts & parts) == parts;

    /// <inheritdoc/>
    public readonly bool Equals(FlowTuple other) =>
        Parts == other.Parts && Family == other.Family
        && (!Has(TupleParts.Source) || Source == other.Source)
        && (!Has(TupleParts.Destination) || Destination == other.Destination)
        && (!Has(TupleParts.Protocol) || Protocol == other.Protocol)
        && (!Has(TupleParts.SourcePort) || SourcePort == other.SourcePort)
        && (!Has(TupleParts.DestinationPort) || DestinationPort == other.DestinationPort)
        && (!Has(TupleParts.IcmpId) || IcmpId == other.IcmpId)
        && (!Has(TupleParts.IcmpTypeCode) || (IcmpType == other.IcmpType && IcmpCode == other.IcmpCode))
        && (!Has(TupleParts.Zone) || Zone == other.Zone);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is FlowTuple other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Parts);
        if (Has(TupleParts.Source)) hash.Add(Source);
        if (Has(TupleParts.Destination)) hash.Add(Destination);
        if (Has(TupleParts.Protocol)) hash.Add(Protocol);
        if (Has(TupleParts.SourcePort)) hash.Add(SourcePort);
        if (Has(TupleParts.DestinationPort)) hash.Add(DestinationPort);
        if (Has(TupleParts.IcmpId)) hash.Add(IcmpId);
        return hash.ToHashCode();
    }

    /// <summary>Compares every known part.</summary>
    public static bool operator ==(FlowTuple left, FlowTuple right) => left.Equals(right);

    /// <summary>Compares every known part.</summary>
    public static bool operator !=(FlowTuple left, FlowTuple right) => !left.Equals(right);
}

/// <summary>IP protocol numbers that connection tracking knows by name.</summary>
public static class IpProtocol
{
    /// <summary>IPPROTO_ICMP.</summary>
    public const byte Icmp = 1;

    /// <summary>IPPROTO_TCP.</summary>
    public const byte Tcp = 6;

    /// <summary>IPPROTO_UDP.</summary>
    public const byte Udp = 17;

    /// <summary>IPPROTO_DCCP.</summary>
    public const byte Dccp = 33;

    /// <summary>IPPROTO_GRE.</summary>
    public const byte Gre = 47;

    /// <summary>IPPROTO_ICMPV6.</summary>
    public const byte IcmpV6 = 58;

    /// <summary>IPPROTO_SCTP.</summary>
    public const byte Sctp = 132;

    /// <summary>IPPROTO_UDPLITE.</summary>
    public const byte UdpLite = 136;
}
