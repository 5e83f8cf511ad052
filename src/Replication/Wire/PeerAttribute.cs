using System.Buffers.Binary;

namespace TwinTrack.Replication.Wire;

/// <summary>
/// Attributes of a flow on the wire; the length field each must have, header included, is in FlowMessage.
/// </summary>
internal enum FlowAttribute : ushort
{
    IPv4 = 0,
    IPv6 = 1,
    Protocol = 2,
    Ports = 3,
    TcpState = 4,
    Status = 5,
    Timeout = 6,
    Mark = 7,
    MasterIPv4 = 8,
    MasterIPv6 = 9,
    MasterProtocol = 10,
    MasterPorts = 11,
    SourceNatIPv4 = 12,
    DestinationNatIPv4 = 13,
    SourceNatPort = 14,
    DestinationNatPort = 15,
    SequenceAdjustment = 16,
    SctpState = 17,
    SctpTagOriginal = 18,
    SctpTagReply = 19,
    DccpState = 20,
    DccpRole = 21,
    IcmpType = 22,
    IcmpCode = 23,
    IcmpId = 24,
    TcpWindowScaleOriginal = 25,
    TcpWindowScaleReply = 26,
    Helper = 27,
    Labels = 28,
    SourceNatIPv6 = 29,
    DestinationNatIPv6 = 30,
    SynProxy = 31,
    Zone = 32,
}

/// <summary>
/// Walks the attributes of a message: 16-bit length (header included, padding not), 16-bit number, payload, zero
/// padding to 4 bytes; all big-endian.
/// </summary>
/// <remarks>Up to four bytes at the end that hold no attribute are ignored, as the original does.</remarks>
internal ref struct PeerAttributeReader(ReadOnlySpan<byte> body)
{
    private const int HeaderSize = 4;

    private ReadOnlySpan<byte> _rest = body;

    public ushort Number { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    public bool IsMalformed { get; private set; }

    /// <summary>What follows the attribute read last; after the last one, stray bytes.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public bool MoveNext()
    {
        if (_rest.Length <= HeaderSize) return false;

        int length = BinaryPrimitives.ReadUInt16BigEndian(_rest);
        if (length < HeaderSize || length > _rest.Length)
        {
            IsMalformed = true;
            return false;
        }

        Number = BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]);
        Value = _rest[HeaderSize..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];   // the last one may lack its padding
        return true;
    }
}

/// <summary>Appends attributes to a message.</summary>
internal ref struct PeerWriter(Span<byte> buffer)
{
    private const int HeaderSize = 4;

    private readonly Span<byte> _buffer = buffer;

    public int Length { get; private set; }

    /// <summary>Opens an attribute of a fixed payload size; the padding is written as zero.</summary>
    public Span<byte> Add(FlowAttribute number, int payload) => Add((ushort)number, payload);

    /// <summary>Opens an attribute of an expectation.</summary>
    public Span<byte> Add(ExpectationAttribute number, int payload) => Add((ushort)number, payload);

    /// <summary>Opens bytes behind the last attribute.</summary>
    public Span<byte> AddTrailer(int size)
    {
        Span<byte> bytes = _buffer.Slice(Length, size);
        Length += size;
        return bytes;
    }

    public void AddByte(FlowAttribute number, byte value) => Add(number, 1)[0] = value;

    public void AddByte(ExpectationAttribute number, byte value) => Add(number, 1)[0] = value;

    public void AddUInt32(FlowAttribute number, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(Add(number, 4), value);

    public void AddUInt32(ExpectationAttribute number, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(Add(number, 4), value);

    public void AddUInt16(FlowAttribute number, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(Add(number, 2), value);

    public void AddPorts(FlowAttribute number, ushort source, ushort destination)
    {
        Span<byte> ports = Add(number, 4);
        BinaryPrimitives.WriteUInt16BigEndian(ports, source);
        BinaryPrimitives.WriteUInt16BigEndian(ports[2..], destination);
    }

    /// <summary>A 16-bit value that the sender has swapped once too often: the order of its host shows.</summary>
    public void AddSwapped(FlowAttribute number, ushort value, bool littleEndian)
    {
        if (littleEndian) BinaryPrimitives.WriteUInt16LittleEndian(Add(number, 2), value);
        else BinaryPrimitives.WriteUInt16BigEndian(Add(number, 2), value);
    }

    private Span<byte> Add(ushort number, int payload)
    {
        Span<byte> attribute = _buffer[Length..];
        BinaryPrimitives.WriteUInt16BigEndian(attribute, (ushort)(HeaderSize + payload));
        BinaryPrimitives.WriteUInt16BigEndian(attribute[2..], number);
        int padded = (payload + 3) & ~3;
        attribute.Slice(HeaderSize + payload, padded - payload).Clear();
        Length += HeaderSize + padded;
        return attribute.Slice(HeaderSize, payload);
    }
}
