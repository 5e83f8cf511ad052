using System.Buffers.Binary;

namespace TwinTrack.Replication.Wire;

/// <summary>Types of messages between peers.</summary>
internal enum PeerMessageType : byte
{
    FlowNew = 0,             // CT_NEW
    FlowUpdate = 1,          // CT_UPD
    FlowDelete = 2,          // CT_DEL
    ExpectationNew = 3,      // EXP_NEW
    ExpectationUpdate = 4,   // EXP_UPD
    ExpectationDelete = 5,   // EXP_DEL
    Control = 10,            // CTL
}

/// <summary>Flags of messages between peers.</summary>
[Flags]
internal enum PeerFlags : byte
{
    None = 0,
    Resync = 0x02,
    Nack = 0x04,
    Ack = 0x08,
    Alive = 0x10,
    Hello = 0x20,
    HelloBack = 0x40,

    /// <summary>
    /// On control messages: the sender reads <see cref="PeerHeader.DenseVersion"/>. An original does not look at it.
    /// </summary>
    Dense = 0x80,

    /// <summary>The two that ride on whatever is sent next.</summary>
    Greetings = Hello | HelloBack,
}

/// <summary>
/// The header of each message, big-endian:
/// <code>
/// 0  version (4 bits), type (4 bits)
/// 1  flags
/// 2  length of the message with this header (16 bits)
/// 4  sequence number (32 bits)
/// </code>
/// ACK, NACK and RESYNC add two 32-bit numbers: the first and last of a range of the other side's messages.
/// </summary>
internal readonly record struct PeerHeader(
    byte Version, PeerMessageType Type, PeerFlags Flags, ushort Length, Seq Sequence)
{
    public const int Size = 8;
    public const int RangeSize = 16;
    public const byte CurrentVersion = 1;

    /// <summary>The body is a <see cref="DenseFlow"/>.</summary>
    public const byte DenseVersion = 13;

    /// <summary>Whether the message carries a range.</summary>
    public bool HasRange => Type == PeerMessageType.Control && CarriesRange(Flags);

    /// <summary>Whether the message speaks of a flow or an expectation.</summary>
    public bool IsData => Type <= PeerMessageType.ExpectationDelete && (Flags & ~PeerFlags.Greetings) == 0;

    /// <summary>Whether the message is of a type that speaks of a flow.</summary>
    public bool IsFlow => Type <= PeerMessageType.FlowDelete;

    public static bool CarriesRange(PeerFlags flags) =>
        (flags & (PeerFlags.Ack | PeerFlags.Nack | PeerFlags.Resync)) != 0;

    /// <summary>Reads a header; the caller has checked that 8 bytes are there.</summary>
    public static PeerHeader Read(ReadOnlySpan<byte> bytes) => new(
        (byte)(bytes[0] >> 4),
        (PeerMessageType)(bytes[0] & 0x0f),
        (PeerFlags)bytes[1],
        BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
        new Seq(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..])));

    public void Write(Span<byte> bytes)
    {
        bytes[0] = (byte)((Version << 4) | (byte)Type);
        bytes[1] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Sequence.Value);
    }

    /// <summary>Writes a control message.</summary>
    /// <returns>Its length.</returns>
    public static int WriteControl(Span<byte> bytes, PeerFlags flags, Seq sequence, uint from, uint to)
    {
        int length = CarriesRange(flags) ? RangeSize : Size;
        new PeerHeader(CurrentVersion, PeerMessageType.Control, flags, (ushort)length, sequence).Write(bytes);
        if (length == RangeSize)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], from);
            BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], to);
        }

        return length;
    }

    /// <summary>Reads the range of a control message that has one.</summary>
    public static (Seq From, Seq To) ReadRange(ReadOnlySpan<byte> message) => (
        new Seq(BinaryPrimitives.ReadUInt32BigEndian(message[8..])),
        new Seq(BinaryPrimitives.ReadUInt32BigEndian(message[12..])));
}
