using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace TwinTrack.Conntrack;

/// <summary>Sixteen address bytes in network order; an IPv4 address uses the first four, the rest is zero.</summary>
/// <remarks>The family is not part of the value: the tuple that holds the address knows it.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Address(ulong First, ulong Second)
{
    /// <summary>Reads 4 or 16 bytes in network order.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public static Address Read(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromIPv4(MemoryMarshal.Read<uint>(bytes)),
        16 => MemoryMarshal.Read<Address>(bytes),
        _ => throw new ArgumentException("An address has 4 or 16 bytes.", nameof(bytes)),
    };

    /// <summary>Makes an IPv4 address of four bytes as they lie in memory (network order).</summary>
    public static Address FromIPv4(uint bytesAsTheyLie) =>
        new(BitConverter.IsLittleEndian ? bytesAsTheyLie : (ulong)bytesAsTheyLie << 32, 0);

    /// <summary>The first four bytes as they lie in memory (network order).</summary>
    public uint AsIPv4() => (uint)(BitConverter.IsLittleEndian ? First : First >> 32);

    /// <summary>Writes 4 bytes for <see cref="AddressFamily.IPv4"/>, else 16.</summary>
    /// <returns>The number of bytes written.</returns>
    public int Write(Span<byte> destination, byte family)
    {
        if (family == AddressFamily.IPv4)
        {
            MemoryMarshal.Write(destination, AsIPv4());
            return 4;
        }

        MemoryMarshal.Write(destination, this);
        return 16;
    }

    /// <summary>Parses dotted or colon notation.</summary>
    /// <param name="text">The address without prefix length or scope.</param>
    /// <param name="address">The address, zero when the result is false.</param>
    /// <param name="family">2 or 10, zero when the result is false.</param>
    public static bool TryParse(ReadOnlySpan<char> text, out Address address, out byte family)
    {
        address = default;
        family = AddressFamily.Unspecified;
        if (!IPAddress.TryParse(text, out IPAddress? parsed)) return false;

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out int length);
        address = Read(bytes[..length]);
        family = length == 4 ? AddressFamily.IPv4 : AddressFamily.IPv6;
        return true;
    }

    /// <summary>The usual notation for the family.</summary>
    public string ToText(byte family)
    {
        Span<byte> bytes = stackalloc byte[16];
        int length = Write(bytes, family);
        return new IPAddress(bytes[..length]).ToString();
    }

    /// <summary>
    /// Whether the leading <paramref name="prefixLength"/> bits equal those of <paramref name="network"/>.
    /// </summary>
    public bool IsIn(Address network, int prefixLength)
    {
        ulong firstMask = Mask(Math.Min(prefixLength, 64));
        ulong secondMask = Mask(Math.Max(prefixLength - 64, 0));
        return ((First ^ network.First) & firstMask) == 0 && ((Second ^ network.Second) & secondMask) == 0;
    }

    // The mask of the leading bits, in the byte order in which the halves lie in memory.
    private static ulong Mask(int bits)
    {
        ulong mask = bits == 0 ? 0 : ulong.MaxValue << (64 - bits);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(mask) : mask;
    }
}

/// <summary>Layer 3 families as the kernel numbers them (AF_*).</summary>
public static class AddressFamily
{
    /// <summary>AF_UNSPEC.</summary>
    public const byte Unspecified = 0;

    /// <summary>AF_INET.</summary>
    public const byte IPv4 = 2;

    /// <summary>AF_INET6.</summary>
    public const byte IPv6 = 10;
}
