using System.Runtime.InteropServices;

namespace TwinTrack.Helpers;

/// <summary>How long a phone is registered (RFC 3261, 10.3), and with that how long its UDP flow stays.</summary>
internal static class SipRegistration
{
    /// <summary>u32: seconds that the registrar granted, 0 for none (host order).</summary>
    public const int PrivateBytes = 4;

    // Never shorter than the kernel keeps UDP flows anyway; never longer than phones usually ask for.
    private const uint Shortest = 180;
    private const uint Longest = 3600;
    private const int MostDigits = 9;

    /// <summary>Notes what a registrar grants; with every message of the flow its time begins anew.</summary>
    public static void Keep(ref Inspection packet, scoped ReadOnlySpan<byte> bytes, in SipMessage message)
    {
        ref uint granted = ref MemoryMarshal.AsRef<uint>(packet.Data[..PrivateBytes]);
        bool isAnswer = packet.IsReply && message.Status is >= 200 and < 300;
        if (isAnswer && TryReadGrant(bytes[message.Headers], out uint seconds))
            granted = seconds == 0 ? 0 : Math.Clamp(seconds, Shortest, Longest);
        if (granted > 0) packet.Timeout = granted;
    }

    // CSeq tells what is answered; the time stands behind the contacts, or in a line for all of them.
    private static bool TryReadGrant(ReadOnlySpan<byte> headers, out uint seconds)
    {
        bool isRegistration = false;
        seconds = 0;
        while (!headers.IsEmpty)
        {
            int end = headers.IndexOf("\r\n"u8);
            ReadOnlySpan<byte> line = end < 0 ? headers : headers[..end];
            headers = end < 0 ? default : headers[(end + 2)..];
            if (SipMessage.TryReadValue(line, "cseq"u8, "cseq"u8, out _))
                isRegistration = line.TrimEnd((byte)' ').EndsWith(" REGISTER"u8);
            else if (SipMessage.TryReadValue(line, "expires"u8, "expires"u8, out int value))
                seconds = Math.Max(seconds, ReadNumber(line[value..]));
            else if (SipMessage.TryReadValue(line, "contact"u8, "m"u8, out value))
                seconds = Math.Max(seconds, ReadParameter(line[value..]));
        }

        return isRegistration;
    }

    private static uint ReadParameter(ReadOnlySpan<byte> contact)
    {
        uint longest = 0;
        var text = new ByteScanner(contact);
        while (text.SkipBehind(";expires="u8)) longest = Math.Max(longest, ReadNumber(text.Rest));
        return longest;
    }

    private static uint ReadNumber(ReadOnlySpan<byte> text)
    {
        var scanner = new ByteScanner(text);
        return scanner.TryReadNumber(MostDigits, out uint number) ? number : 0;
    }
}
