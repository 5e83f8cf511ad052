using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.CommandLine;

/// <summary>Addresses as inet_aton(3) and inet_pton(3) read them.</summary>
internal static class AddressReader
{
    private const int Groups = 8;

    /// <summary>Reads an address of either family.</summary>
    /// <param name="text">The address alone.</param>
    /// <param name="address">The address; zero when false is returned.</param>
    /// <param name="family">2 or 10; 0 when false is returned.</param>
    public static bool TryRead(ReadOnlySpan<char> text, out Address address, out byte family)
    {
        if (text.Length > AddressText.MaxLength) text = text[..AddressText.MaxLength];
        if (TryReadIPv4(text, out uint value))
        {
            Span<byte> bytes = [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
            address = Address.Read(bytes);
            family = AddressFamily.IPv4;
            return true;
        }

        family = TryReadIPv6(text, out address) ? AddressFamily.IPv6 : AddressFamily.Unspecified;
        return family != AddressFamily.Unspecified;
    }

    /// <summary>The mask with that many leading ones.</summary>
    public static Address Mask(int bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        for (int i = 0; i < bits; i++) bytes[i / 8] |= (byte)(0x80 >> (i % 8));
        return Address.Read(bytes);
    }

    // One to four parts; the last one fills what the others leave.
    private static bool TryReadIPv4(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        for (int part = 0; part < 4; part++)
        {
            if (text.IsEmpty || !char.IsAsciiDigit(text[0]) || !Numbers.TryTake(ref text, out ulong number))
                return false;

            if (text.IsEmpty)
            {
                if (number > uint.MaxValue >> (8 * part)) return false;
                value |= (uint)number;
                return true;
            }

            if (text[0] != '.' || number > byte.MaxValue) return false;
            value |= (uint)number << (24 - (8 * part));
            text = text[1..];
        }

        return false;
    }

    private static bool TryReadIPv6(ReadOnlySpan<char> text, out Address address)
    {
        address = default;
        Span<ushort> groups = stackalloc ushort[Groups];
        groups.Clear();
        int count = 0;
        int gap = -1;
        if (text.StartsWith("::"))
        {
            gap = 0;
            text = text[2..];
        }
        else if (text.IsEmpty || text[0] == ':')
        {
            return false;
        }

        while (!text.IsEmpty)
        {
            if (count == Groups) return false;
            int end = text.IndexOf(':');
            ReadOnlySpan<char> part = end < 0 ? text : text[..end];
            if (end < 0 && part.Contains('.'))
            {
                if (count > Groups - 2 || !TryReadDotted(part, out uint tail)) return false;
                groups[count++] = (ushort)(tail >> 16);
                groups[count++] = (ushort)tail;
                break;
            }

            if (!TryReadGroup(part, out groups[count])) return false;
            count++;
            if (end < 0) break;

            text = text[(end + 1)..];
            if (text.IsEmpty) return false;
            if (text[0] != ':') continue;
            if (gap >= 0) return false;
            gap = count;
            text = text[1..];
        }

        if (gap < 0 ? count != Groups : count == Groups) return false;
        if (gap >= 0)
        {
            groups[gap..count].CopyTo(groups[(Groups - count + gap)..]);
            groups.Slice(gap, Math.Min(Groups - count, Groups - gap)).Clear();
        }

        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < Groups; i++)
        {
            bytes[2 * i] = (byte)(groups[i] >> 8);
            bytes[(2 * i) + 1] = (byte)groups[i];
        }

        address = MemoryMarshal.Read<Address>(bytes);
        return true;
    }

    private static bool TryReadGroup(ReadOnlySpan<char> text, out ushort group)
    {
        group = 0;
        if (text.Length is 0 or > 4) return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
            int digit = char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
            group = (ushort)((group * 16) + digit);
        }

        return true;
    }

    // Inside IPv6 all four parts are decimal, without leading zeros.
    private static bool TryReadDotted(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        for (int part = 0; part < 4; part++)
        {
            int end = part < 3 ? text.IndexOf('.') : text.Length;
            if (end is < 1 or > 3 || (end > 1 && text[0] == '0')) return false;
            uint number = 0;
            foreach (char c in text[..end])
            {
                if (!char.IsAsciiDigit(c)) return false;
                number = (number * 10) + (uint)(c - '0');
            }

            if (number > byte.MaxValue) return false;
            value = (value << 8) | number;
            text = part < 3 ? text[(end + 1)..] : default;
        }

        return true;
    }
}
