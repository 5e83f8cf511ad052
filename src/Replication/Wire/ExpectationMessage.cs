using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Wire;

/// <summary>Attributes of an expectation on the wire: a space of numbers of their own.</summary>
internal enum ExpectationAttribute : ushort
{
    MasterIPv4 = 0,
    MasterIPv6 = 1,
    MasterProtocol = 2,
    MasterPorts = 3,
    TupleIPv4 = 4,
    TupleIPv6 = 5,
    TupleProtocol = 6,
    TuplePorts = 7,
    MaskIPv4 = 8,
    MaskIPv6 = 9,
    MaskProtocol = 10,
    MaskPorts = 11,
    Timeout = 12,
    Flags = 13,
    Class = 14,
    NatIPv4 = 15,
    NatPorts = 16,
    NatProtocol = 17,
    NatDirection = 18,
    Helper = 19,
    Function = 20,
}

/// <summary>Expectations as attributes of a peer's message.</summary>
/// <remarks>
/// Two things have no attribute of the original's, and travel in ways that its receiver passes over:
/// the zone in a <see cref="PeerTrailer"/>; the addresses of a translation over IPv6 in an attribute TupleIPv6 before
/// the one that holds the tuple, for of an attribute that comes twice it keeps the last.
/// </remarks>
internal static class ExpectationMessage
{
    /// <summary>No expectation message of ours is longer.</summary>
    public const int MaxSize = 384;

    private const int HelperLimit = 16;      // length field: at most 11 characters and a terminator are accepted
    private const int FunctionLimit = 32;    // length field: at most 27 characters and a terminator

    // The length field a receiver demands: four tuples of addresses (IPv4, IPv6), protocol and ports (the last one, of
    // NAT, has no IPv6), with timeout, flags and class before the last, and the direction of NAT behind it.
    private static ReadOnlySpan<byte> Lengths =>
        [12, 36, 5, 8, 12, 36, 5, 8, 12, 36, 5, 8, 8, 8, 8, 12, 8, 5, 8, HelperLimit, FunctionLimit];

    /// <summary>Writes the attributes of an expectation in the original's order.</summary>
    /// <returns>Bytes written, a multiple of 4.</returns>
    public static int Write(in PackedExpectation expectation, SyncOptions options, Span<byte> body)
    {
        var writer = new PeerWriter(body);
        bool hasPorts = expectation.Master.Protocol
            is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp or IpProtocol.Dccp;
        WriteTuple(ref writer, in expectation.Master, ExpectationAttribute.MasterIPv4, hasPorts);
        bool hasNat = expectation.Has(ExpectationFields.NatTuple);
        bool isNatIPv6 = hasNat && expectation.NatTuple.Family == AddressFamily.IPv6;
        if (isNatIPv6) WriteIPv6(ref writer, in expectation.NatTuple, ExpectationAttribute.TupleIPv6);
        WriteTuple(ref writer, in expectation.Tuple, ExpectationAttribute.TupleIPv4, hasPorts);
        WriteTuple(ref writer, in expectation.Mask, ExpectationAttribute.MaskIPv4, hasPorts);

        if (expectation.Has(ExpectationFields.Timeout) && options.CommitTimeoutSeconds is null)
            writer.AddUInt32(ExpectationAttribute.Timeout, expectation.Timeout);
        writer.AddUInt32(
            ExpectationAttribute.Flags, expectation.Has(ExpectationFields.Flags) ? (uint)expectation.Flags : 0);
        if (expectation.Has(ExpectationFields.Class))
            writer.AddUInt32(ExpectationAttribute.Class, expectation.Class);
        if (hasNat) WriteNat(ref writer, in expectation, hasPorts);
        if (expectation.Has(ExpectationFields.Helper))
            WriteName(ref writer, ExpectationAttribute.Helper, expectation.Helper, HelperLimit);
        if (expectation.Has(ExpectationFields.Function))
            WriteName(ref writer, ExpectationAttribute.Function, expectation.Function, FunctionLimit);
        if (expectation.Has(ExpectationFields.Zone) && expectation.Zone != 0)
            new PeerTrailer(ZoneScope.Both, expectation.Zone).Write(ref writer);
        return writer.Length;
    }

    /// <summary>
    /// Reads the attributes of an expectation; a refusal leaves it unusable but changes nothing else.
    /// </summary>
    /// <remarks>Addresses and protocols of tuple, mask and master are required.</remarks>
    public static bool TryRead(ReadOnlySpan<byte> body, ref PackedExpectation expectation)
    {
        expectation = default;
        FlowTuple firstIPv6 = default;
        bool isSecondIPv6 = false;
        var reader = new PeerAttributeReader(body);
        while (reader.MoveNext())
        {
            if (!HasValidLength(reader.Number, reader.Value.Length + 4)) return false;
            var number = (ExpectationAttribute)reader.Number;
            if (number == ExpectationAttribute.TupleIPv6)
            {
                isSecondIPv6 = expectation.Tuple.Family == AddressFamily.IPv6;
                if (isSecondIPv6) firstIPv6 = expectation.Tuple;
            }

            ReadAttribute(number, reader.Value, ref expectation);
        }

        if (reader.IsMalformed) return false;
        if (isSecondIPv6) SetNatAddresses(in firstIPv6, ref expectation);
        if (PeerTrailer.TryRead(reader.Rest, out PeerTrailer trailer) && trailer.Scope == ZoneScope.Both)
        {
            expectation.Zone = trailer.Zone;
            expectation.Fields |= ExpectationFields.Zone;
        }

        return IsWhole(in expectation.Tuple) && IsWhole(in expectation.Mask) && IsWhole(in expectation.Master);
    }

    private static bool IsWhole(in FlowTuple tuple) => tuple.Has(TupleParts.Addresses | TupleParts.Protocol);

    private static bool HasValidLength(ushort number, int length)
    {
        if (number >= Lengths.Length) return false;
        bool isVariable = (ExpectationAttribute)number is ExpectationAttribute.Helper or ExpectationAttribute.Function;
        return isVariable ? length <= Lengths[number] : length == Lengths[number];
    }

    // The attributes of a tuple follow each other: IPv4, IPv6, protocol, ports.
    private static void WriteTuple(
        ref PeerWriter writer, in FlowTuple tuple, ExpectationAttribute first, bool hasPorts)
    {
        if (tuple.Family == AddressFamily.IPv4) WriteIPv4(ref writer, in tuple, first);
        else WriteIPv6(ref writer, in tuple, first + 1);
        writer.AddByte(first + 2, tuple.Protocol);
        if (hasPorts) WritePorts(ref writer, in tuple, first + 3);
    }

    private static void WriteNat(ref PeerWriter writer, in PackedExpectation expectation, bool hasPorts)
    {
        ref readonly FlowTuple tuple = ref expectation.NatTuple;
        if (tuple.Family == AddressFamily.IPv4) WriteIPv4(ref writer, in tuple, ExpectationAttribute.NatIPv4);
        writer.AddByte(ExpectationAttribute.NatProtocol, tuple.Protocol);
        if (hasPorts) WritePorts(ref writer, in tuple, ExpectationAttribute.NatPorts);
        writer.AddUInt32(
            ExpectationAttribute.NatDirection,
            expectation.Has(ExpectationFields.NatDirection) ? expectation.NatDirection : 0);
    }

    private static void WriteIPv4(ref PeerWriter writer, in FlowTuple tuple, ExpectationAttribute number)
    {
        Span<byte> pair = writer.Add(number, 8);
        tuple.Source.Write(pair, AddressFamily.IPv4);
        tuple.Destination.Write(pair[4..], AddressFamily.IPv4);
    }

    private static void WriteIPv6(ref PeerWriter writer, in FlowTuple tuple, ExpectationAttribute number)
    {
        Span<byte> pair = writer.Add(number, 32);
        tuple.Source.Write(pair, AddressFamily.IPv6);
        tuple.Destination.Write(pair[16..], AddressFamily.IPv6);
    }

    private static void WritePorts(ref PeerWriter writer, in FlowTuple tuple, ExpectationAttribute number)
    {
        Span<byte> ports = writer.Add(number, 4);
        BinaryPrimitives.WriteUInt16BigEndian(ports, tuple.Has(TupleParts.SourcePort) ? tuple.SourcePort : (ushort)0);
        BinaryPrimitives.WriteUInt16BigEndian(
            ports[2..], tuple.Has(TupleParts.DestinationPort) ? tuple.DestinationPort : (ushort)0);
    }

    // A name the peer would refuse, and with it the whole message, is left out.
    private static void WriteName(
        ref PeerWriter writer, ExpectationAttribute number, scoped ReadOnlySpan<byte> padded, int limit)
    {
        int length = padded.IndexOf((byte)0);
        if (length <= 0 || 4 + length + 1 > limit) return;
        padded[..(length + 1)].CopyTo(writer.Add(number, length + 1));
    }

    private static void ReadAttribute(
        ExpectationAttribute number, ReadOnlySpan<byte> value, ref PackedExpectation expectation)
    {
        switch (number)
        {
            case <= ExpectationAttribute.MasterPorts:
                expectation.Fields |= ExpectationFields.Master;
                ReadTuple(number, value, ref expectation.Master);
                break;
            case <= ExpectationAttribute.TuplePorts:
                expectation.Fields |= ExpectationFields.Tuple;
                ReadTuple(number - ExpectationAttribute.TupleIPv4 + ExpectationAttribute.MasterIPv4, value,
                    ref expectation.Tuple);
                break;
            case <= ExpectationAttribute.MaskPorts:
                expectation.Fields |= ExpectationFields.Mask;
                ReadTuple(number - ExpectationAttribute.MaskIPv4 + ExpectationAttribute.MasterIPv4, value,
                    ref expectation.Mask);
                break;
            case ExpectationAttribute.NatIPv4 or ExpectationAttribute.NatPorts or ExpectationAttribute.NatProtocol:
                expectation.Fields |= ExpectationFields.NatTuple;
                ReadNat(number, value, ref expectation.NatTuple);
                break;
            default:
                ReadScalar(number, value, ref expectation);
                break;
        }
    }

    private static void ReadScalar(
        ExpectationAttribute number, ReadOnlySpan<byte> value, ref PackedExpectation expectation)
    {
        switch (number)
        {
            case ExpectationAttribute.Timeout:
                expectation.Timeout = BinaryPrimitives.ReadUInt32BigEndian(value);
                expectation.Fields |= ExpectationFields.Timeout;
                break;
            case ExpectationAttribute.Flags:
                expectation.Flags = (ExpectationFlags)BinaryPrimitives.ReadUInt32BigEndian(value);
                expectation.Fields |= ExpectationFields.Flags;
                break;
            case ExpectationAttribute.Class:
                expectation.Class = BinaryPrimitives.ReadUInt32BigEndian(value);
                expectation.Fields |= ExpectationFields.Class;
                break;
            case ExpectationAttribute.NatDirection:
                expectation.NatDirection = BinaryPrimitives.ReadUInt32BigEndian(value);
                expectation.Fields |= ExpectationFields.NatDirection;
                break;
            case ExpectationAttribute.Helper:
                if (PeerValue.ReadName(value, expectation.Helper)) expectation.Fields |= ExpectationFields.Helper;
                break;
            case ExpectationAttribute.Function:
                if (PeerValue.ReadName(value, expectation.Function)) expectation.Fields |= ExpectationFields.Function;
                break;
        }
    }

    private static void ReadTuple(ExpectationAttribute asMaster, ReadOnlySpan<byte> value, ref FlowTuple tuple)
    {
        switch (asMaster)
        {
            case ExpectationAttribute.MasterProtocol:
                tuple.Protocol = value[0];
                tuple.Parts |= TupleParts.Protocol;
                break;
            case ExpectationAttribute.MasterPorts:
                PeerValue.ReadPorts(value, ref tuple);
                break;
            default:
                PeerValue.ReadAddresses(value, ref tuple);
                break;
        }
    }

    private static void ReadNat(ExpectationAttribute number, ReadOnlySpan<byte> value, ref FlowTuple tuple)
    {
        if (number == ExpectationAttribute.NatIPv4)
        {
            PeerValue.ReadAddresses(value, ref tuple);
        }
        else if (number == ExpectationAttribute.NatPorts)
        {
            PeerValue.ReadPorts(value, ref tuple);
        }
        else
        {
            tuple.Protocol = value[0];
            tuple.Parts |= TupleParts.Protocol;
        }
    }

    private static void SetNatAddresses(in FlowTuple addresses, ref PackedExpectation expectation)
    {
        expectation.NatTuple.Source = addresses.Source;
        expectation.NatTuple.Destination = addresses.Destination;
        expectation.NatTuple.Family = addresses.Family;
        expectation.NatTuple.Parts |= TupleParts.Addresses;
        expectation.Fields |= ExpectationFields.NatTuple;
    }
}
