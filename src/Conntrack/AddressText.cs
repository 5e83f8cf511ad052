using System.Runtime.InteropServices;

namespace TwinTrack.Conntrack;

/// <summary>Addresses as inet_ntop(3) of glibc prints them, without allocating.</summary>
/// <remarks>
/// RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups (the first of equals)
/// becomes "::". glibc prints IPv4-mapped (::ffff:0:0/96) and IPv4-compatible (::/96, beyond the first 65536)
/// addresses with a dotted tail.
/// </remarks>
public static class AddressText
{
    /// <summary>The longest text: INET6_ADDRSTRLEN less the terminator.</summary>
    public const int MaxLength = 45;

    private const int Groups = 8;

    /// <summary>Formats an address.</summary>
    /// <param name="destination">Takes the text.</param>
    /// <param name="address">The address.</param>
    /// <param name="family">2 or 10; any other gives an empty text.</param>
    /// <param name="written">Bytes written, 0 when the result is false.</param>
    /// <returns>False when the text does not fit.</returns>
    public static bool TryFormat(Span<byte> destination, in Address address, byte family, out int written)
    {
        if (destination.Length < MaxLength)
        {
            Span<byte> text = stackalloc byte[MaxLength];
            written = Format(text, in address, family);
            if (text[..written].TryCopyTo(destination)) return true;
            written = 0;
            return false;
        }

        written = Format(destination, in address, family);
        return true;
    }

    private static int Format(Span<byte> text, in Address address, byte family)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Address>(in address));
        return family switch
        {
            AddressFamily.IPv4 => WriteDotted(text, bytes),
            AddressFamily.IPv6 => WriteColons(text, bytes),
            _ => 0,
        };
    }

    private static int WriteDotted(Span<byte> text, ReadOnlySpan<byte> bytes)
    {
        int length = WriteDecimal(text, bytes[0]);
        for (int i = 1; i < 4; i++)
        {
            text[length++] = (byte)'.';
            length += WriteDecimal(text[length..], bytes[i]);
        }

        return length;
    }

    private static int WriteColons(Span<byte> text, ReadOnlySpan<byte> bytes)
    {
        Span<ushort> groups = stackalloc ushort[Groups];
        for (int i = 0; i < Groups; i++) groups[i] = (ushort)((bytes[2 * i] << 8) | bytes[(2 * i) + 1]);

        (int zeros, int zeroCount) = LongestZeroRun(groups);
        int end = zeros + zeroCount;
        bool isDotted = zeros == 0 && (end == 6 || (end == 5 && groups[5] == 0xffff));

        int length = 0;
        for (int i = 0; i < Groups; i++)
        {
            if (i == zeros && zeroCount > 0)
            {
                text[length++] = (byte)':';
                i = end - 1;
                if (end == Groups) text[length++] = (byte)':';
                continue;
            }

            if (i > 0) text[length++] = (byte)':';
            if (isDotted && i == 6) return length + WriteDotted(text[length..], bytes[12..]);
            length += WriteHex(text[length..], groups[i]);
        }

        return length;
    }

    private static (int Start, int Count) LongestZeroRun(ReadOnlySpan<ushort> groups)
    {
        int start = 0;
        int count = 1; // a single zero group is printed as it is
        for (int i = 0; i < Groups; i++)
        {
            int run = 0;
            while (i + run < Groups && groups[i + run] == 0) run++;
            if (run > count) (start, count) = (i, run);
            i += run;
        }

        return count > 1 ? (start, count) : (-1, 0);
    }

    private static int WriteDecimal(Span<byte> text, byte value)
    {
        int length = 0;
        if (value >= 100) text[length++] = (byte)('0' + (value / 100));
        if (value >= 10) text[length++] = (byte)('0' + (value / 10 % 10));
        text[length++] = (byte)('0' + (value % 10));
        return length;
    }

    private static int WriteHex(Span<byte> text, ushort value)
    {
        int length = 0;
        for (int shift = 12; shift >= 0; shift -= 4)
        {
            int digit = (value >> shift) & 0xf;
            if (length == 0 && digit == 0 && shift > 0) continue;
            text[length++] = "0123456789abcdef"u8[digit];
        }

        return length;
    }
}
