using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Tuples between netlink and memory: the nests CTA_TUPLE_*, CTA_EXPECT_TUPLE, _MASK, _MASTER.</summary>
internal static class TupleCodec
{
    /// <summary>Reads what is inside the tuple's nest.</summary>
    /// <param name="nest">The value of the tuple attribute.</param>
    /// <param name="family">Family of the message; 0 lets the addresses decide.</param>
    /// <param name="tuple">Overwritten; its parts say what was there.</param>
    /// <returns>False for damage and for addresses of two families.</returns>
    public static bool TryRead(ReadOnlySpan<byte> nest, byte family, ref FlowTuple tuple)
    {
        tuple = default;
        tuple.Family = family;
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case TupleAttributeType.Address:
                    if (!TryReadAddresses(reader.Value, ref tuple)) return false;
                    break;
                case TupleAttributeType.Protocol:
                    if (!TryReadPorts(reader.Value, ref tuple)) return false;
                    break;
                case TupleAttributeType.Zone:
                    tuple.Zone = reader.ReadUInt16();
                    tuple.Parts |= TupleParts.Zone;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    /// <summary>Writes the known parts of a tuple as the attribute <paramref name="type"/>.</summary>
    public static void Write(NetlinkWriter writer, int type, in FlowTuple tuple)
    {
        using (writer.Nest(type))
        {
            if ((tuple.Parts & TupleParts.Addresses) != TupleParts.None)
            {
                using (writer.Nest(TupleAttributeType.Address)) WriteAddresses(writer, in tuple);
            }

            if ((tuple.Parts & ~(TupleParts.Addresses | TupleParts.Zone)) != TupleParts.None)
            {
                using (writer.Nest(TupleAttributeType.Protocol)) WritePorts(writer, in tuple);
            }

            if (tuple.Has(TupleParts.Zone)) writer.PutUInt16(TupleAttributeType.Zone, tuple.Zone);
        }
    }

    private static bool TryReadAddresses(ReadOnlySpan<byte> nest, ref FlowTuple tuple)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case AddressAttributeType.IPv4Source:
                case AddressAttributeType.IPv6Source:
                    if (!Fits(reader.Type, reader.Value.Length, ref tuple)) return false;
                    tuple.Source = Address.Read(reader.Value);
                    tuple.Parts |= TupleParts.Source;
                    break;
                case AddressAttributeType.IPv4Destination:
                case AddressAttributeType.IPv6Destination:
                    if (!Fits(reader.Type, reader.Value.Length, ref tuple)) return false;
                    tuple.Destination = Address.Read(reader.Value);
                    tuple.Parts |= TupleParts.Destination;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    // Whether an address of this attribute has its size and the family of everything else in the tuple.
    private static bool Fits(int type, int length, ref FlowTuple tuple)
    {
        bool isIPv4 = type <= AddressAttributeType.IPv4Destination;
        byte family = isIPv4 ? AddressFamily.IPv4 : AddressFamily.IPv6;
        if (length != (isIPv4 ? 4 : 16)) return false;
        if (tuple.Family == AddressFamily.Unspecified) tuple.Family = family;
        return tuple.Family == family;
    }

    private static bool TryReadPorts(ReadOnlySpan<byte> nest, ref FlowTuple tuple)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case PortAttributeType.Number:
                    tuple.Protocol = reader.ReadByte();
                    tuple.Parts |= TupleParts.Protocol;
                    break;
                case PortAttributeType.SourcePort:
                    tuple.SourcePort = reader.ReadUInt16();
                    tuple.Parts |= TupleParts.SourcePort;
                    break;
                case PortAttributeType.DestinationPort:
                    tuple.DestinationPort = reader.ReadUInt16();
                    tuple.Parts |= TupleParts.DestinationPort;
                    break;
                case PortAttributeType.IcmpId:
                case PortAttributeType.IcmpV6Id:
                    tuple.IcmpId = reader.ReadUInt16();
                    tuple.Parts |= TupleParts.IcmpId;
                    break;
                case PortAttributeType.IcmpType:
                case PortAttributeType.IcmpV6Type:
                    tuple.IcmpType = reader.ReadByte();
                    tuple.Parts |= TupleParts.IcmpTypeCode;
                    break;
                case PortAttributeType.IcmpCode:
                case PortAttributeType.IcmpV6Code:
                    tuple.IcmpCode = reader.ReadByte();
                    tuple.Parts |= TupleParts.IcmpTypeCode;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static void WriteAddresses(NetlinkWriter writer, in FlowTuple tuple)
    {
        bool isIPv4 = tuple.Family == AddressFamily.IPv4;
        int size = isIPv4 ? 4 : 16;
        if (tuple.Has(TupleParts.Source))
        {
            int type = isIPv4 ? AddressAttributeType.IPv4Source : AddressAttributeType.IPv6Source;
            tuple.Source.Write(writer.Attribute(type, size), tuple.Family);
        }

        if (tuple.Has(TupleParts.Destination))
        {
            int type = isIPv4 ? AddressAttributeType.IPv4Destination : AddressAttributeType.IPv6Destination;
            tuple.Destination.Write(writer.Attribute(type, size), tuple.Family);
        }
    }

    private static void WritePorts(NetlinkWriter writer, in FlowTuple tuple)
    {
        if (tuple.Has(TupleParts.Protocol)) writer.PutByte(PortAttributeType.Number, tuple.Protocol);
        if (tuple.Has(TupleParts.SourcePort)) writer.PutUInt16(PortAttributeType.SourcePort, tuple.SourcePort);
        if (tuple.Has(TupleParts.DestinationPort))
            writer.PutUInt16(PortAttributeType.DestinationPort, tuple.DestinationPort);

        // ICMPv6 numbers its three attributes behind those of ICMP.
        bool isV6 = tuple.Protocol == IpProtocol.IcmpV6;
        if (tuple.Has(TupleParts.IcmpId))
            writer.PutUInt16(isV6 ? PortAttributeType.IcmpV6Id : PortAttributeType.IcmpId, tuple.IcmpId);
        if (!tuple.Has(TupleParts.IcmpTypeCode)) return;

        writer.PutByte(isV6 ? PortAttributeType.IcmpV6Type : PortAttributeType.IcmpType, tuple.IcmpType);
        writer.PutByte(isV6 ? PortAttributeType.IcmpV6Code : PortAttributeType.IcmpCode, tuple.IcmpCode);
    }
}
