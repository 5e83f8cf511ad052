using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace TwinTrack.Netlink;

/// <summary>Builds netlink messages, one after the other, in one buffer that is used again.</summary>
/// <remarks>
/// <see cref="Begin(ushort, MessageFlags, uint)"/>, attributes, <see cref="End"/>, and again; then send
/// <see cref="Written"/> and <see cref="Clear"/>. The buffer grows when a message needs it and is then kept.
/// </remarks>
public sealed class NetlinkWriter(int capacity = NetlinkWriter.DefaultCapacity)
{
    private const int DefaultCapacity = 4096;
    private const int AttributeHeaderSize = 4;
    private const int NestedFlag = 0x8000; // NLA_F_NESTED

    private byte[] _buffer = new byte[capacity];
    private int _message;
    private bool _open;

    /// <summary>Bytes written, padding included.</summary>
    public int Length { get; private set; }

    /// <summary>Messages begun.</summary>
    public int Count { get; private set; }

    /// <summary>What was written since the last <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>Forgets what was written and keeps the memory.</summary>
    public void Clear()
    {
        Length = 0;
        Count = 0;
        _open = false;
    }

    /// <summary>Starts a message with an nlmsghdr.</summary>
    /// <param name="type">Kind of message (nlmsg_type).</param>
    /// <param name="flags">See <see cref="MessageFlags"/>.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    public void Begin(ushort type, MessageFlags flags, uint sequence)
    {
        if (_open) throw new InvalidOperationException("The message before was not ended.");

        _message = Length;
        _open = true;
        Count++;
        Span<byte> header = Append(NetlinkHeader.Size);
        MemoryMarshal.Write(header, 0u); // the length, known at the end
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], (ushort)flags);
        MemoryMarshal.Write(header[8..], sequence);
        MemoryMarshal.Write(header[12..], 0u); // from us to the kernel: it fills in the port id
    }

    /// <summary>Starts a message of a netfilter subsystem: nlmsghdr and nfgenmsg.</summary>
    /// <param name="subsystem">NFNL_SUBSYS_*.</param>
    /// <param name="message">Number within the subsystem.</param>
    /// <param name="flags">See <see cref="MessageFlags"/>.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="family">nfgen_family: 0, 2 (IPv4) or 10 (IPv6).</param>
    /// <param name="version">0, unless the message gives another version a meaning.</param>
    /// <param name="resource">res_id, for example a queue number.</param>
    public void Begin(
        NetfilterSubsystem subsystem,
        byte message,
        MessageFlags flags,
        uint sequence,
        byte family,
        byte version = 0,
        ushort resource = 0)
    {
        Begin((ushort)(((int)subsystem << 8) | message), flags, sequence);
        Span<byte> header = Append(NetfilterHeader.Size - NetlinkHeader.Size);
        header[0] = family;
        header[1] = version;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], resource);
    }

    /// <summary>Ends the message begun last: its length is written.</summary>
    public void End()
    {
        if (!_open) throw new InvalidOperationException("No message was begun.");

        _open = false;
        MemoryMarshal.Write(_buffer.AsSpan(_message), (uint)(Length - _message));
    }

    /// <summary>Appends a message that was built elsewhere, under another sequence number.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    public void Append(ReadOnlySpan<byte> message, uint sequence)
    {
        if (_open) throw new InvalidOperationException("The message before was not ended.");

        _message = Length;
        Count++;
        Span<byte> place = Append(message.Length);
        message.CopyTo(place);
        MemoryMarshal.Write(place[8..], sequence);
    }

    /// <summary>Drops the message begun last, ended or not.</summary>
    public void Drop()
    {
        if (Count == 0) return;

        Length = _message;
        Count--;
        _open = false;
    }

    /// <summary>Adds flags to the message begun last.</summary>
    public void AddFlags(MessageFlags flags)
    {
        if (Count == 0) throw new InvalidOperationException("No message was begun.");

        Span<byte> place = _buffer.AsSpan(_message + 6, 2);
        MemoryMarshal.Write(place, (ushort)(MemoryMarshal.Read<ushort>(place) | (ushort)flags));
    }

    /// <summary>Opens an attribute that holds attributes; disposing it writes its length.</summary>
    public Nest Nest(int type)
    {
        int start = Length;
        Span<byte> header = Append(AttributeHeaderSize);
        MemoryMarshal.Write(header, (ushort)AttributeHeaderSize);
        MemoryMarshal.Write(header[2..], (ushort)(type | NestedFlag));
        return new(this, start);
    }

    /// <summary>Writes an attribute of one byte.</summary>
    public void PutByte(int type, byte value) => Attribute(type, 1)[0] = value;

    /// <summary>Writes a big-endian number of 16 bits.</summary>
    public void PutUInt16(int type, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(Attribute(type, 2), value);

    /// <summary>Writes a big-endian number of 32 bits.</summary>
    public void PutUInt32(int type, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(Attribute(type, 4), value);

    /// <summary>Writes a big-endian number of 64 bits.</summary>
    public void PutUInt64(int type, ulong value) =>
        BinaryPrimitives.WriteUInt64BigEndian(Attribute(type, 8), value);

    /// <summary>Writes a number of 32 bits in host order, as rtnetlink and CTA_FILTER want it.</summary>
    public void PutHostUInt32(int type, uint value) => MemoryMarshal.Write(Attribute(type, 4), value);

    /// <summary>Writes an attribute of any bytes.</summary>
    public void PutBytes(int type, ReadOnlySpan<byte> value) => value.CopyTo(Attribute(type, value.Length));

    /// <summary>Writes text in UTF-8 with a NUL byte at its end.</summary>
    public void PutString(int type, ReadOnlySpan<char> text)
    {
        Span<byte> place = Attribute(type, Encoding.UTF8.GetByteCount(text) + 1);
        place[Encoding.UTF8.GetBytes(text, place)] = 0;
    }

    /// <summary>Writes bytes that are text, with a NUL byte at their end.</summary>
    public void PutString(int type, ReadOnlySpan<byte> text)
    {
        Span<byte> place = Attribute(type, text.Length + 1);
        text.CopyTo(place);
        place[text.Length] = 0;
    }

    /// <summary>Makes an attribute of <paramref name="size"/> bytes and returns the place of its value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An attribute holds at most 65531 bytes.</exception>
    public Span<byte> Attribute(int type, int size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, ushort.MaxValue - AttributeHeaderSize);
        int padding = -size & 3;
        Span<byte> place = Append(AttributeHeaderSize + size + padding);
        MemoryMarshal.Write(place, (ushort)(AttributeHeaderSize + size));
        MemoryMarshal.Write(place[2..], (ushort)type);
        place[(AttributeHeaderSize + size)..].Clear();
        return place.Slice(AttributeHeaderSize, size);
    }

    /// <summary>Appends bytes that are no attribute, for headers such as ifinfomsg.</summary>
    /// <param name="size">A multiple of 4.</param>
    /// <returns>The place to fill; its content is undefined.</returns>
    public Span<byte> Append(int size)
    {
        int start = Length;
        if (start + size > _buffer.Length) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, start + size));
        Length = start + size;
        return _buffer.AsSpan(start, size);
    }

    internal void PatchLength(int start) => MemoryMarshal.Write(_buffer.AsSpan(start), (ushort)(Length - start));
}

/// <summary>An open nested attribute; disposing it writes its length.</summary>
public readonly struct Nest : IDisposable
{
    private readonly NetlinkWriter _writer;
    private readonly int _start;

    internal Nest(NetlinkWriter writer, int start)
    {
        _writer = writer;
        _start = start;
    }

    /// <summary>Writes the length.</summary>
    public void Dispose() => _writer.PatchLength(_start);
}
