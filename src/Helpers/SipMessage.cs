namespace TwinTrack.Helpers;

/// <summary>What stands at the beginning of bytes.</summary>
internal enum SipReading
{
    /// <summary>No message.</summary>
    None,

    /// <summary>The beginning of a message whose rest may come.</summary>
    Unfinished,

    /// <summary>A message.</summary>
    Whole,
}

/// <summary>Where the parts of a SIP message (RFC 3261) lie in its bytes.</summary>
internal readonly record struct SipMessage
{
    private const int MostDigits = 9;

    /// <summary>The first line, without its end.</summary>
    public Range StartLine { get; private init; }

    /// <summary>The other lines before the body.</summary>
    public Range Headers { get; private init; }

    /// <summary>The body; empty without one.</summary>
    public Range Body { get; private init; }

    /// <summary>Digits of Content-Length; empty without one.</summary>
    public Range LengthDigits { get; private init; }

    /// <summary>0 for a request, else the status.</summary>
    public int Status { get; private init; }

    /// <summary>Whether the body describes media (SDP).</summary>
    public bool HasSdp { get; private init; }

    /// <summary>Bytes of the message.</summary>
    public int Length { get; private init; }

    /// <summary>Finds the parts of the message at the beginning of bytes.</summary>
    /// <param name="bytes">The message, and maybe others behind it.</param>
    /// <param name="isStream">Over a stream only Content-Length tells where the body ends.</param>
    /// <param name="message">The result.</param>
    public static SipReading Read(ReadOnlySpan<byte> bytes, bool isStream, out SipMessage message)
    {
        message = default;
        SipReading unfinished = isStream ? SipReading.Unfinished : SipReading.None;
        int end = bytes.IndexOf("\r\n"u8);
        if (end < 0) return MayStart(bytes) ? unfinished : SipReading.None;
        if (!TryReadStart(bytes[..end], out int status)) return SipReading.None;

        int at = end + 2;
        int headers = at;
        Range digits = default;
        bool hasLength = false;
        uint length = 0;
        bool hasSdp = false;
        while (true)
        {
            int lineEnd = bytes[at..].IndexOf("\r\n"u8);
            if (lineEnd < 0) return unfinished;
            if (lineEnd == 0) break;

            ReadOnlySpan<byte> line = bytes.Slice(at, lineEnd);
            if (TryReadValue(line, "content-length"u8, "l"u8, out int value))
            {
                var number = new ByteScanner(line) { Position = value };
                if (!number.TryReadNumber(MostDigits, out length)) return SipReading.None;
                digits = (at + value)..(at + number.Position);
                hasLength = true;
            }
            else if (TryReadValue(line, "content-type"u8, "c"u8, out value))
            {
                hasSdp = ByteScanner.StartsWithAnyCase(line[value..], "application/sdp"u8);
            }

            at += lineEnd + 2;
        }

        int body = at + 2;
        if (!hasLength && isStream) return SipReading.None;
        if (!hasLength) length = (uint)(bytes.Length - body);
        if (length > bytes.Length - body) return unfinished;

        message = new SipMessage
        {
            StartLine = ..end,
            Headers = headers..at,
            Body = body..(body + (int)length),
            LengthDigits = digits,
            Status = status,
            HasSdp = hasSdp && length > 0,
            Length = body + (int)length,
        };
        return SipReading.Whole;
    }

    /// <summary>Whether a line is a header of this name, long or short, and where its value begins.</summary>
    public static bool TryReadValue(
        ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, ReadOnlySpan<byte> shortName, out int value)
    {
        value = 0;
        var scanner = new ByteScanner(line);
        if (!scanner.TakeAnyCase(name) && !scanner.TakeAnyCase(shortName)) return false;
        scanner.SkipBlanks();
        if (!scanner.Take(":"u8)) return false;
        scanner.SkipBlanks();
        value = scanner.Position;
        return true;
    }

    // A part of a first line: a method or SIP/2.0, and text behind it.
    private static bool MayStart(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> text = line.TrimEnd((byte)'\r');
        return !text.IsEmpty && text[0] is >= (byte)'A' and <= (byte)'Z' && !text.ContainsAnyInRange((byte)0, (byte)31);
    }

    // SIP/2.0 200 OK, or INVITE sip:x SIP/2.0
    private static bool TryReadStart(ReadOnlySpan<byte> line, out int status)
    {
        status = 0;
        var scanner = new ByteScanner(line);
        if (!scanner.Take("SIP/2.0 "u8)) return line.EndsWith(" SIP/2.0"u8) && line[0] is >= (byte)'A' and <= (byte)'Z';
        if (!scanner.TryReadNumber(3, out uint number)) return false;
        status = (int)number;
        return number >= 100;
    }
}
