using System.Globalization;
using System.Text.Unicode;

namespace TwinTrack.Conntrack;

/// <summary>Writes text as UTF-8 into a caller's buffer, without allocating.</summary>
/// <remarks>
/// What does not fit is dropped and sets <see cref="IsFull"/>, and nothing is written after it; test it once,
/// at the end.
/// </remarks>
public ref struct LineWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    /// <summary>Whether something did not fit.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written so far.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    /// <summary>Takes over bytes that are in the buffer already.</summary>
    /// <param name="count">How many from the position on.</param>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - Length);
        Length += count;
    }

    /// <summary>Writes text that is UTF-8 already.</summary>
    public void Write(scoped ReadOnlySpan<byte> text)
    {
        if (IsFull || !text.TryCopyTo(_buffer[Length..]))
        {
            IsFull = true;
            return;
        }

        Length += text.Length;
    }

    /// <summary>Writes one ASCII character.</summary>
    public void Write(byte character)
    {
        if (IsFull || Length == _buffer.Length)
        {
            IsFull = true;
            return;
        }

        _buffer[Length++] = character;
    }

    /// <summary>Writes a decimal number.</summary>
    public void WriteNumber(uint value) => Advance(value.TryFormat(_buffer[Length..], out int count), count);

    /// <summary>Writes a decimal number.</summary>
    public void WriteNumber(ulong value) => Advance(value.TryFormat(_buffer[Length..], out int count), count);

    /// <summary>Writes a decimal number with a sign if it is negative.</summary>
    public void WriteSigned(long value) => Advance(value.TryFormat(_buffer[Length..], out int count), count);

    /// <summary>Writes a lower-case hexadecimal number without prefix.</summary>
    public void WriteHex(uint value) => Advance(value.TryFormat(_buffer[Length..], out int count, "x"), count);

    /// <summary>Writes a decimal number, right-aligned with blanks.</summary>
    public void WriteRight(ulong value, int width) => WriteRight(value, width, (byte)' ');

    /// <summary>Writes a decimal number, right-aligned with a filling character.</summary>
    public void WriteRight(ulong value, int width, byte fill)
    {
        Span<byte> digits = stackalloc byte[20]; // ulong.MaxValue has 20 digits
        value.TryFormat(digits, out int count);
        Repeat(fill, width - count);
        Write(digits[..count]);
    }

    /// <summary>Writes text, left-aligned with blanks.</summary>
    public void WriteLeft(scoped ReadOnlySpan<byte> text, int width)
    {
        Write(text);
        Repeat((byte)' ', width - text.Length);
    }

    /// <summary>Writes an address as inet_ntop prints it; nothing for another family than 2 and 10.</summary>
    public void WriteAddress(in Address address, byte family) =>
        Advance(AddressText.TryFormat(_buffer[Length..], in address, family, out int count), count);

    /// <summary>Writes a name from outside: a control character, or a byte that is not UTF-8, becomes '?'.</summary>
    /// <remarks>Else a peer could forge lines, or steer the terminal of an operator.</remarks>
    public void WriteName(scoped ReadOnlySpan<byte> name)
    {
        bool isUtf8 = Utf8.IsValid(name);
        foreach (byte character in name) Write(Printable(character, isUtf8));
    }

    /// <summary>Writes a name from outside as XML character data.</summary>
    public void WriteXmlName(scoped ReadOnlySpan<byte> name)
    {
        bool isUtf8 = Utf8.IsValid(name);
        foreach (byte character in name)
        {
            switch (character)
            {
                case (byte)'<': Write("&lt;"u8); break;
                case (byte)'>': Write("&gt;"u8); break;
                case (byte)'&': Write("&amp;"u8); break;
                case (byte)'"': Write("&quot;"u8); break;
                default: Write(Printable(character, isUtf8)); break;
            }
        }
    }

    /// <summary>Writes local time like ctime(3), without newline: <c>Sat Nov 20 23:33:05 2021</c>.</summary>
    /// <param name="nanoseconds">Since the epoch.</param>
    public void WriteLocalTime(ulong nanoseconds)
    {
        DateTime time = ToLocal(nanoseconds);
        CultureInfo invariant = CultureInfo.InvariantCulture;
        Advance(time.TryFormat(_buffer[Length..], out int count, "ddd MMM ", invariant), count);
        WriteRight((ulong)time.Day, 2);
        Advance(time.TryFormat(_buffer[Length..], out count, " HH:mm:ss yyyy", invariant), count);
    }

    /// <summary>Local time of a moment.</summary>
    /// <param name="nanoseconds">Since the epoch.</param>
    internal static DateTime ToLocal(ulong nanoseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)(nanoseconds / 1_000_000)).LocalDateTime;

    /// <summary>Takes one character back, for a separator that turned out to be the last.</summary>
    internal void RemoveLast(byte character)
    {
        if (!IsFull && Length > 0 && _buffer[Length - 1] == character) Length--;
    }

    private static byte Printable(byte character, bool isUtf8) =>
        character is < 0x20 or 0x7f || (character >= 0x80 && !isUtf8) ? (byte)'?' : character;

    private void Repeat(byte character, int count)
    {
        for (int i = 0; i < count; i++) Write(character);
    }

    private void Advance(bool fits, int count)
    {
        if (IsFull || !fits)
        {
            IsFull = true;
            return;
        }

        Length += count;
    }
}
