namespace TwinTrack.Cli.CommandLine;

/// <summary>Numbers as the C library reads them.</summary>
internal static class Numbers
{
    private const int SafeDigits = 16; // that many fit 64 bits in every base

    /// <summary>Digits after blanks and a sign, up to anything else: atol(3). No digits give 0.</summary>
    public static long Leading(ReadOnlySpan<char> text)
    {
        text = text.TrimStart(" \t\n\v\f\r");
        bool isNegative = !text.IsEmpty && text[0] == '-';
        if (!text.IsEmpty && text[0] is '-' or '+') text = text[1..];
        long value = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c)) break;
            int digit = c - '0';
            value = value > (long.MaxValue - digit) / 10 ? long.MaxValue : (value * 10) + digit;
        }

        return isNegative ? -value : value;
    }

    /// <summary>A whole word in base 10, 16 (0x) or 8 (0).</summary>
    /// <param name="text">The word; blanks and a plus sign may precede.</param>
    /// <param name="limit">The largest value allowed.</param>
    /// <param name="value">The number.</param>
    /// <returns>False for anything else than one such number.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, uint limit, out uint value) =>
        TryTake(ref text, out ulong number) & text.IsEmpty & number <= limit & Narrow(number, out value);

    /// <summary>Takes a number in base 10, 16 (0x) or 8 (0) off the text.</summary>
    /// <returns>False when there is none, or when it does not fit.</returns>
    public static bool TryTake(ref ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        ReadOnlySpan<char> rest = text.TrimStart(" \t\n\v\f\r");
        bool isNegative = !rest.IsEmpty && rest[0] == '-';
        if (!rest.IsEmpty && rest[0] is '-' or '+') rest = rest[1..];
        uint radix = 10;
        if (rest.Length > 2 && rest[0] == '0' && rest[1] is 'x' or 'X' && char.IsAsciiHexDigit(rest[2]))
        {
            radix = 16;
            rest = rest[2..];
        }
        else if (!rest.IsEmpty && rest[0] == '0')
        {
            radix = 8;
        }

        int digits = 0;
        while (digits < rest.Length && Digit(rest[digits]) is var digit && digit < radix)
        {
            digits++;
            if (digits > SafeDigits && value > (ulong.MaxValue - digit) / radix) return false;
            value = (value * radix) + digit;
        }

        text = rest[digits..];
        return digits > 0 && (!isNegative || value == 0);
    }

    private static bool Narrow(ulong number, out uint value)
    {
        value = (uint)number;
        return true;
    }

    private static uint Digit(char c) => c switch
    {
        >= '0' and <= '9' => (uint)(c - '0'),
        >= 'a' and <= 'z' => (uint)(c - 'a' + 10),
        >= 'A' and <= 'Z' => (uint)(c - 'A' + 10),
        _ => uint.MaxValue,
    };
}
