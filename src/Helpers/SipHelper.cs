using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>
/// SIP (RFC 3261) with SDP (RFC 8866): the media of calls, and calls to a phone that registered itself. Under address
/// translation the addresses in the signalling are told to each side as it knows them.
/// </summary>
/// <remarks>
/// Over TCP a message may come in several segments. Under translation such a one opens nothing and passes as it is: its
/// beginning has left before the length of the whole, which it names, is known.
/// </remarks>
internal static class SipHelper
{
    /// <summary>Bytes of a message that comes in several segments, at most.</summary>
    public const int LongestMessage = 8192;

    private const string Name = "sip";
    private const int LongestEndpoint = 64;

    public static void InspectUdp(ref Inspection packet)
    {
        ReadOnlySpan<byte> bytes = packet.Payload;
        if (SipMessage.Read(bytes, isStream: false, out SipMessage message) != SipReading.Whole) return;
        Read(ref packet, 0, bytes, in message);
        SipRegistration.Keep(ref packet, bytes, in message);
    }

    public static void InspectTcp(ref Inspection packet)
    {
        if (!packet.IsEstablished) return;

        ReadOnlySpan<byte> payload = packet.Payload;
        ReadOnlySpan<byte> tail = packet.Tails.Find(packet.Flow.Id, packet.IsReply, packet.Sequence);
        int at = tail.IsEmpty ? 0 : ReadRest(ref packet, tail);
        if (!tail.IsEmpty && at == 0) return;

        while (at < payload.Length)
        {
            // RFC 3261, 7.5: lines without content before a message do not count.
            if (payload[at] is (byte)'\r' or (byte)'\n')
            {
                at++;
                continue;
            }

            SipReading reading = SipMessage.Read(payload[at..], isStream: true, out SipMessage message);
            if (reading == SipReading.Unfinished) Keep(ref packet, default, payload[at..]);
            if (reading != SipReading.Whole) return;
            Read(ref packet, at, payload[at..], in message);
            at += message.Length;
        }
    }

    // Returns how much of the payload belongs to the message; 0 if it is still not whole.
    private static int ReadRest(ref Inspection packet, ReadOnlySpan<byte> tail)
    {
        Span<byte> buffer = stackalloc byte[LongestMessage];
        ReadOnlySpan<byte> rest = packet.Payload[..Math.Min(packet.Payload.Length, LongestMessage - tail.Length)];
        tail.CopyTo(buffer);
        rest.CopyTo(buffer[tail.Length..]);
        ReadOnlySpan<byte> bytes = buffer[..(tail.Length + rest.Length)];
        SipReading reading = SipMessage.Read(bytes, isStream: true, out SipMessage message);
        if (reading == SipReading.Unfinished)
        {
            Keep(ref packet, tail, packet.Payload);
            return 0;
        }

        int length = message.Length - tail.Length;
        packet.Tails.Drop(packet.Flow.Id, packet.IsReply);
        if (reading != SipReading.Whole) return 0;
        if (packet.IsTranslated) packet.Refuse(HelperRefusal.Split);
        else Read(ref packet, 0, bytes, in message);
        return length;
    }

    private static void Keep(ref Inspection packet, ReadOnlySpan<byte> tail, ReadOnlySpan<byte> bytes)
    {
        uint next = packet.Sequence + (uint)packet.Payload.Length;
        packet.Tails.Keep(packet.Flow.Id, packet.IsReply, next, tail, bytes);
    }

    private static void Read(
        ref Inspection packet, int offset, scoped ReadOnlySpan<byte> bytes, in SipMessage message)
    {
        bool isRegistration = message.Status == 0 && bytes.StartsWith("REGISTER "u8);
        ReadHeaders(ref packet, offset, bytes, in message, isRegistration);
        if (!message.HasSdp || !CarriesMedia(bytes, message.Status)) return;

        int grownBefore = packet.Rewriting.Growth;
        SdpMedia.Read(ref packet, offset + message.Body.Start.Value, bytes[message.Body]);
        int growth = packet.Rewriting.Growth - grownBefore;
        if (growth != 0) RewriteLength(ref packet, offset, bytes, in message, growth);
    }

    // An offer or an answer that counts: of a request for a session, or of what accepts it, early or not.
    private static bool CarriesMedia(ReadOnlySpan<byte> bytes, int status) => status == 0
        ? bytes.StartsWith("INVITE "u8) || bytes.StartsWith("UPDATE "u8) || bytes.StartsWith("ACK "u8)
            || bytes.StartsWith("PRACK "u8)
        : status is > 100 and < 300;

    private static void RewriteLength(
        ref Inspection packet, int offset, scoped ReadOnlySpan<byte> bytes, in SipMessage message, int growth)
    {
        ReadOnlySpan<byte> digits = bytes[message.LengthDigits];
        if (digits.IsEmpty) return;

        Span<byte> text = stackalloc byte[16];
        (int start, int end) = (message.Body.Start.Value, message.Body.End.Value);
        int length = ByteScanner.WriteNumber((uint)(end - start + growth), text);
        packet.Replace(offset + message.LengthDigits.Start.Value, digits.Length, text[..length]);
    }

    private static void ReadHeaders(
        ref Inspection packet, int offset, scoped ReadOnlySpan<byte> bytes, in SipMessage message, bool isRegistration)
    {
        if (packet.IsTranslated && message.Status == 0) Translate(ref packet, offset, bytes[message.StartLine], 0);
        int at = message.Headers.Start.Value;
        int end = message.Headers.End.Value;
        while (at < end)
        {
            int length = bytes[at..end].IndexOf("\r\n"u8);
            ReadOnlySpan<byte> line = bytes.Slice(at, length);
            bool isContact = SipMessage.TryReadValue(line, "contact"u8, "m"u8, out int value);
            ushort opened = isContact && isRegistration ? OpenContact(ref packet, line[value..]) : (ushort)0;
            bool isRoute = isContact || SipMessage.TryReadValue(line, "via"u8, "v"u8, out _)
                || SipMessage.TryReadValue(line, "route"u8, "route"u8, out _)
                || SipMessage.TryReadValue(line, "record-route"u8, "record-route"u8, out _);
            if (isRoute && packet.IsTranslated) Translate(ref packet, offset + at, line, opened);
            at += length + 2;
        }
    }

    // Calls to the phone come from where it registered, to the address it gave.
    private static ushort OpenContact(ref Inspection packet, scoped ReadOnlySpan<byte> value)
    {
        var text = new ByteScanner(value);
        if (packet.IsReply || !text.SkipBehind("sip:"u8)) return 0;

        int user = text.Rest.IndexOf((byte)'@');
        if (user >= 0) text.Position += user + 1;
        if (!TryReadEndpoint(ref text, packet.Family, out Address address, out ushort port)) return 0;
        if (address != packet.Own.Source)
        {
            packet.Refuse(HelperRefusal.Address);
            return 0;
        }

        // The port the flow itself comes from is outside where the translation put it.
        ushort inner = port == 0 ? (ushort)5060 : port;
        bool isFlow = inner == packet.Own.SourcePort;
        return packet.Expect(new Expected(
            packet.Flow.Original.Protocol,
            packet.Other.Destination,
            isFlow ? packet.Other.DestinationPort : inner)
        {
            Source = packet.Other.Source,
            IsReply = true,
            IsPermanent = true,
            IsTranslated = true,
            InnerPort = isFlow ? inner : (ushort)0,
            Helper = Name,
        });
    }

    /// <summary>
    /// Tells addresses as the receiver knows them: the sender's own, and the receiver's as the sender knows it.
    /// </summary>
    /// <param name="packet">The packet.</param>
    /// <param name="offset">Where the line begins in its payload.</param>
    /// <param name="line">The line.</param>
    /// <param name="opened">The port outside of the sender's contact; 0 if it is none.</param>
    private static void Translate(ref Inspection packet, int offset, scoped ReadOnlySpan<byte> line, ushort opened)
    {
        FlowTuple own = packet.Own;
        FlowTuple other = packet.Other;
        Span<byte> written = stackalloc byte[LongestEndpoint];
        var text = new ByteScanner(line);
        while (SkipToAddress(ref text, packet.Family))
        {
            int start = text.Position;
            if (!TryReadEndpoint(ref text, packet.Family, out Address address, out ushort port))
            {
                text.Position = start + 1;
                continue;
            }

            bool isSender = address == own.Source;
            if (!isSender && address != own.Destination) continue;

            Address told = isSender ? other.Destination : other.Source;
            ushort toldPort = port;
            if (isSender && opened > 0) toldPort = opened;
            else if (isSender && port == own.SourcePort) toldPort = other.DestinationPort;
            else if (!isSender && port == own.DestinationPort) toldPort = other.SourcePort;
            if (told == address && toldPort == port) continue;

            int length = WriteEndpoint(told, packet.Family, toldPort, written);
            packet.Replace(offset + start, text.Position - start, written[..length]);
        }
    }

    // To where an address may begin: not inside a word or another number.
    private static bool SkipToAddress(ref ByteScanner text, byte family)
    {
        bool isIPv4 = family == AddressFamily.IPv4;
        byte before = text.Position == 0 ? (byte)' ' : (byte)'0';
        while (!text.Rest.IsEmpty)
        {
            byte first = text.Rest[0];
            bool isInside = char.IsAsciiLetterOrDigit((char)before) || before is (byte)'.' or (byte)'-';
            if (isIPv4 ? char.IsAsciiDigit((char)first) && !isInside : first == '[') return true;
            before = first;
            text.Position++;
        }

        return false;
    }

    // ADDRESS or [ADDRESS], and :PORT or nothing (0).
    private static bool TryReadEndpoint(ref ByteScanner text, byte family, out Address address, out ushort port)
    {
        port = 0;
        address = default;
        bool isIPv6 = family == AddressFamily.IPv6;
        if (isIPv6 && !text.Take("["u8)) return false;
        if (!text.TryReadAddress(family, out address)) return false;
        if (isIPv6 && !text.Take("]"u8)) return false;

        int colon = text.Position;
        if (text.Take(":"u8) && !text.TryReadPort(out port)) text.Position = colon;
        return true;
    }

    private static int WriteEndpoint(Address address, byte family, ushort port, Span<byte> text)
    {
        int length = 0;
        if (family == AddressFamily.IPv6) text[length++] = (byte)'[';
        length += ByteScanner.WriteAddress(address, family, text[length..]);
        if (family == AddressFamily.IPv6) text[length++] = (byte)']';
        if (port == 0) return length;

        text[length++] = (byte)':';
        return length + ByteScanner.WriteNumber(port, text[length..]);
    }
}
