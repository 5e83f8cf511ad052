using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TwinTrack.Netlink;

/// <summary>Walks the attributes of a netlink payload in place, without allocating.</summary>
/// <remarks>
/// Damage stops the walk and sets <see cref="IsMalformed"/>; test it once, after the loop. A value of another length
/// than asked for is damage too.
/// </remarks>
public ref struct AttributeReader(ReadOnlySpan<byte> payload)
{
    private const int HeaderSize = 4;    // u16 length, u16 type: host order
    private const int TypeMask = 0x3fff; // drops the NESTED and NET_BYTEORDER flags

    private ReadOnlySpan<byte> _rest = payload;

    /// <summary>The number of the current attribute, without flags.</summary>
    public int Type { get; private set; }

    /// <summary>The value of the current attribute, without padding.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Whether a length was impossible or a value had another size than asked for.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Goes to the next attribute.</summary>
    /// <returns>False at the end, and at damage.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MoveNext()
    {
        ReadOnlySpan<byte> rest = _rest;
        if (rest.Length < HeaderSize) return !rest.IsEmpty && Fail();

        uint header = MemoryMarshal.Read<uint>(rest); // both halves with one load
        int length = (int)(BitConverter.IsLittleEndian ? header & 0xffff : header >> 16);
        if (length < HeaderSize || length > rest.Length) return Fail();

        Type = (int)(BitConverter.IsLittleEndian ? header >> 16 : header) & TypeMask;
        Value = rest[HeaderSize..length];
        _rest = rest[Math.Min((length + 3) & ~3, rest.Length)..]; // the last one may lack its padding
        return true;
    }

    /// <summary>A reader of the attributes inside the current one.</summary>
    /// <remarks>Its damage is its own: hand it back with <see cref="Include"/>.</remarks>
    public readonly AttributeReader Nested() => new(Value);

    /// <summary>Takes over the damage a nested reader found.</summary>
    public void Include(scoped in AttributeReader nested)
    {
        if (nested.IsMalformed) Fail();
    }

    /// <summary>The value as one byte.</summary>
    public byte ReadByte() => Has(1) ? Value[0] : (byte)0;

    /// <summary>The value as a big-endian number of 16 bits.</summary>
    public ushort ReadUInt16() => Has(2) ? BinaryPrimitives.ReadUInt16BigEndian(Value) : (ushort)0;

    /// <summary>The value as a big-endian number of 32 bits.</summary>
    public uint ReadUInt32() => Has(4) ? BinaryPrimitives.ReadUInt32BigEndian(Value) : 0;

    /// <summary>The value as a big-endian number of 64 bits; it need not be aligned.</summary>
    public ulong ReadUInt64() => Has(8) ? BinaryPrimitives.ReadUInt64BigEndian(Value) : 0;

    /// <summary>The value as a number of 32 bits in host order, as in rtnetlink.</summary>
    public uint ReadHostUInt32() => Has(4) ? MemoryMarshal.Read<uint>(Value) : 0;

    /// <summary>The value up to its first NUL byte, which may be missing.</summary>
    public readonly ReadOnlySpan<byte> ReadString()
    {
        int end = Value.IndexOf((byte)0);
        return end < 0 ? Value : Value[..end];
    }

    /// <summary>Refuses what is being read: the walk ends as if an attribute were damaged.</summary>
    /// <returns>False.</returns>
    public bool Fail()
    {
        IsMalformed = true;
        _rest = default;
        return false;
    }

    private bool Has(int size) => Value.Length == size || Fail();
}
