using System.Buffers.Text;
using System.Net;
using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Reads text of protocols in bytes, never beyond their end.</summary>
/// <remarks>A read that fails moves nothing.</remarks>
public ref struct ByteScanner(ReadOnlySpan<byte> bytes)
{
    private const int LongestAddress = 45; // of IPv6 with an IPv4 part
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where reading goes on.</summary>
    public int Position { get; set; }

    /// <summary>What is left.</summary>
    public readonly ReadOnlySpan<byte> Rest => _bytes[Position..];

    /// <summary>Goes past a text.</summary>
    public bool Take(scoped ReadOnlySpan<byte> text)
    {
        if (!Rest.StartsWith(text)) return false;
        Position += text.Length;
        return true;
    }

    /// <summary>Goes past an ASCII text in any case.</summary>
    public bool TakeAnyCase(scoped ReadOnlySpan<byte> text)
    {
        if (!StartsWithAnyCase(Rest, text)) return false;
        Position += text.Length;
        return true;
    }

    /// <summary>Goes behind the next occurrence of a text.</summary>
    public bool SkipBehind(scoped ReadOnlySpan<byte> text)
    {
        int found = Rest.IndexOf(text);
        if (found < 0) return false;
        Position += found + text.Length;
        return true;
    }

    /// <summary>Goes past spaces and tabulators.</summary>
    public void SkipBlanks()
    {
        while (Position < _bytes.Length && _bytes[Position] is (byte)' ' or (byte)'\t') Position++;
    }

    /// <summary>Reads a decimal number with at most <paramref name="digits"/> digits, all that are there.</summary>
    public bool TryReadNumber(int digits, out uint value)
    {
        value = 0;
        int length = Rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (length < 0) length = Rest.Length;
        if (length == 0 || length > digits) return false;
        for (int i = 0; i < length; i++) value = (value * 10) + (uint)(_bytes[Position + i] - '0');
        Position += length;
        return true;
    }

    /// <summary>Reads a port that is not 0.</summary>
    public bool TryReadPort(out ushort port)
    {
        int start = Position;
        port = 0;
        if (TryReadNumber(5, out uint value) && value is > 0 and <= ushort.MaxValue)
        {
            port = (ushort)value;
            return true;
        }

        Position = start;
        return false;
    }

    /// <summary>Reads an address of a family in its usual notation.</summary>
    public bool TryReadAddress(byte family, out Address address)
    {
        address = default;
        ReadOnlySpan<byte> allowed =
            family == AddressFamily.IPv4 ? "0123456789."u8 : "0123456789abcdefABCDEF:."u8;
        int length = Rest.IndexOfAnyExcept(allowed);
        if (length < 0) length = Rest.Length;
        if (length is 0 or > LongestAddress) return false;

        Span<char> text = stackalloc char[LongestAddress];
        Encoding.Latin1.GetChars(Rest[..length], text);
        if (!IsWhole(text[..length], family) || !Address.TryParse(text[..length], out address, out byte found)
            || found != family)
        {
            address = default;
            return false;
        }

        Position += length;
        return true;
    }

    /// <summary>Whether bytes begin with an ASCII text in any case.</summary>
    public static bool StartsWithAnyCase(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> text) =>
        bytes.Length >= text.Length && Ascii.EqualsIgnoreCase(bytes[..text.Length], text);

    /// <summary>Writes an address in its usual notation.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteAddress(Address address, byte family, Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[16];
        int length = address.Write(bytes, family);
        new IPAddress(bytes[..length]).TryFormat(destination, out int written);
        return written;
    }

    /// <summary>Writes a decimal number.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteNumber(uint value, Span<byte> destination)
    {
        Utf8Formatter.TryFormat(value, destination, out int written);
        return written;
    }

    // The base library also takes 10.1 and octal numbers for addresses.
    private static bool IsWhole(ReadOnlySpan<char> text, byte family)
    {
        if (family != AddressFamily.IPv4) return true;

        int parts = 0;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> part = text[range];
            if (part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0')) return false;
            parts++;
        }

        return parts == 4;
    }
}
