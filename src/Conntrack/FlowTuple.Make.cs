namespace TwinTrack.Conntrack;

// Making tuples and turning them round.
public partial struct FlowTuple
{
    /// <summary>Makes a tuple with addresses only, as protocols without a tracker have it.</summary>
    /// <param name="protocol">See <see cref="IpProtocol"/>.</param>
    /// <param name="source">Source address, dotted or with colons.</param>
    /// <param name="destination">Destination address of the same family.</param>
    /// <exception cref="FormatException">An address cannot be read, or the families differ.</exception>
    public static FlowTuple Of(byte protocol, string source, string destination)
    {
        FlowTuple tuple = default;
        if (!Address.TryParse(source, out tuple.Source, out tuple.Family)) throw new FormatException(source);
        if (!Address.TryParse(destination, out tuple.Destination, out byte family) || family != tuple.Family)
            throw new FormatException(destination);
        tuple.Protocol = protocol;
        tuple.Parts = TupleParts.Addresses | TupleParts.Protocol;
        return tuple;
    }

    /// <summary>Makes a tuple with ports: TCP, UDP, UDP-Lite, SCTP; with keys: GRE.</summary>
    /// <param name="protocol">See <see cref="IpProtocol"/>.</param>
    /// <param name="source">Source address, dotted or with colons.</param>
    /// <param name="sourcePort">Source port or key, host order.</param>
    /// <param name="destination">Destination address of the same family.</param>
    /// <param name="destinationPort">Destination port or key, host order.</param>
    /// <exception cref="FormatException">An address cannot be read, or the families differ.</exception>
    public static FlowTuple Of(
        byte protocol, string source, ushort sourcePort, string destination, ushort destinationPort)
    {
        FlowTuple tuple = Of(protocol, source, destination);
        tuple.SourcePort = sourcePort;
        tuple.DestinationPort = destinationPort;
        tuple.Parts |= TupleParts.Ports;
        return tuple;
    }

    /// <summary>Makes the tuple of an echo request; the family of the addresses chooses ICMP or ICMPv6.</summary>
    /// <param name="source">Source address, dotted or with colons.</param>
    /// <param name="destination">Destination address of the same family.</param>
    /// <param name="id">Identifier, host order.</param>
    /// <exception cref="FormatException">An address cannot be read, or the families differ.</exception>
    public static FlowTuple Echo(string source, string destination, ushort id)
    {
        FlowTuple tuple = Of(IpProtocol.Icmp, source, destination);
        tuple.IcmpType = 8;
        if (tuple.Family == AddressFamily.IPv6)
        {
            tuple.Protocol = IpProtocol.IcmpV6;
            tuple.IcmpType = 128;
        }

        tuple.IcmpId = id;
        tuple.Parts |= TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        return tuple;
    }

    /// <summary>
    /// The tuple of the other direction of an untranslated flow. The zone of this direction is left out.
    /// </summary>
    /// <param name="reply">The result.</param>
    /// <returns>False for an ICMP type that has no counterpart: such a flow cannot exist.</returns>
    public readonly bool TryReverse(out FlowTuple reply)
    {
        reply = this;
        (reply.Source, reply.Destination) = (Destination, Source);
        (reply.SourcePort, reply.DestinationPort) = (DestinationPort, SourcePort);
        reply.Parts &= ~(TupleParts.Addresses | TupleParts.Ports | TupleParts.Zone);
        if (Has(TupleParts.Source)) reply.Parts |= TupleParts.Destination;
        if (Has(TupleParts.Destination)) reply.Parts |= TupleParts.Source;
        if (Has(TupleParts.SourcePort)) reply.Parts |= TupleParts.DestinationPort;
        if (Has(TupleParts.DestinationPort)) reply.Parts |= TupleParts.SourcePort;
        if (!Has(TupleParts.IcmpTypeCode)) return true;

        byte type = Protocol == IpProtocol.IcmpV6 ? OtherIcmpV6(IcmpType) : OtherIcmp(IcmpType);
        reply.IcmpType = type;
        return type != byte.MaxValue;
    }

    /// <summary>The addresses with their ports, for messages to people who look for a mistake.</summary>
    public override readonly string ToString()
    {
        string from = Has(TupleParts.Source) ? Source.ToText(Family) : "?";
        string to = Has(TupleParts.Destination) ? Destination.ToText(Family) : "?";
        string fromPort = Has(TupleParts.SourcePort) ? $" {SourcePort}" : "";
        string toPort = Has(TupleParts.DestinationPort) ? $" {DestinationPort}" : "";
        string icmp = Has(TupleParts.IcmpTypeCode) ? $" type {IcmpType} code {IcmpCode}" : "";
        string id = Has(TupleParts.IcmpId) ? $" id {IcmpId}" : "";
        string zone = Has(TupleParts.Zone) ? $" zone {Zone}" : "";
        return $"{Protocol}: {from}{fromPort} > {to}{toPort}{icmp}{id}{zone}";
    }

    // Echo, timestamp, information and address mask, each request with its reply.
    private static byte OtherIcmp(byte type) => type switch
    {
        0 => 8,
        8 => 0,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => byte.MaxValue,
    };

    // Echo and node information.
    private static byte OtherIcmpV6(byte type) => type switch
    {
        128 => 129,
        129 => 128,
        139 => 140,
        140 => 139,
        _ => byte.MaxValue,
    };
}
