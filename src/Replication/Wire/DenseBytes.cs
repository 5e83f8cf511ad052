using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Wire;

/// <summary>Appends values without headers of their own.</summary>
internal ref struct DenseWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    public int Length { get; private set; }

    public void AddByte(byte value) => _buffer[Length++] = value;

    public void AddAddress(Address address, byte family)
    {
        address.Write(_buffer[Length..], family);
        Length += family == AddressFamily.IPv4 ? 4 : 16;
    }

    public void AddPorts(ushort source, ushort destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[Length..], source);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[(Length + 2)..], destination);
        Length += 4;
    }

    /// <summary>A number in 1 to 5 bytes of 7 bits, the lowest first.</summary>
    public void AddNumber(uint value)
    {
        for (; value >= DenseReader.More; value >>= DenseReader.BitsPerByte)
            AddByte((byte)(value | DenseReader.More));
        AddByte((byte)value);
    }
}

/// <summary>Takes values without headers of their own. Damage ends the reading: nothing follows it.</summary>
internal ref struct DenseReader(ReadOnlySpan<byte> body)
{
    public const int More = 0x80;
    public const int BitsPerByte = 7;

    public bool IsMalformed { get; private set; }

    /// <summary>What was not taken.</summary>
    public ReadOnlySpan<byte> Rest { get; private set; } = body;

    /// <summary>The next bytes; none if there are not so many.</summary>
    public ReadOnlySpan<byte> Take(int size)
    {
        if (size > Rest.Length)
        {
            IsMalformed = true;
            Rest = default;
            return default;
        }

        ReadOnlySpan<byte> taken = Rest[..size];
        Rest = Rest[size..];
        return taken;
    }

    public byte TakeByte() => Take(1) is [var value] ? value : (byte)0;

    /// <summary>A number of 32 bits.</summary>
    public uint TakeNumber()
    {
        ulong value = 0;
        for (int shift = 0; shift < 32; shift += BitsPerByte)
        {
            byte next = TakeByte();
            value |= (ulong)(next & ~More) << shift;
            if ((next & More) == 0 && value <= uint.MaxValue) return (uint)value;
        }

        IsMalformed = true;
        Rest = default;
        return 0;
    }
}
