using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Media of a session description (SDP, RFC 8866): the ports that its sender receives on.</summary>
internal static class SdpMedia
{
    private const int MostMedia = 8;

    /// <summary>Opens the ports of the sender's media and, under translation, rewrites where they are.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="offset">Where the description begins in its payload.</param>
    /// <param name="sdp">The description.</param>
    public static void Read(ref Inspection packet, int offset, scoped ReadOnlySpan<byte> sdp)
    {
        Address session = default;
        int media = 0;
        int at = 0;
        while (at < sdp.Length && media < MostMedia)
        {
            int length = LineLength(sdp[at..]);
            ReadOnlySpan<byte> line = sdp.Slice(at, length);
            if (line.StartsWith("c="u8) || line.StartsWith("o="u8))
            {
                Address read = ReadAddress(ref packet, offset + at, line);
                if (media == 0 && line[0] == 'c') session = read;
            }
            else if (line.StartsWith("m="u8))
            {
                media++;
                Address address = ConnectionOf(sdp[(at + length)..], packet.Family) ?? session;
                Open(ref packet, offset + at, line, address);
            }

            at += length;
        }
    }

    // m=audio 49170 RTP/AVP 0: RTP there, RTCP on the next.
    private static void Open(ref Inspection packet, int offset, scoped ReadOnlySpan<byte> line, Address address)
    {
        var text = new ByteScanner(line);
        if (!text.SkipBehind(" "u8)) return;
        int place = text.Position;
        if (!text.TryReadPort(out ushort port)) return; // 0: not wanted
        int digits = text.Position - place;
        if (!text.Take(" "u8) && !text.Take("/"u8)) return;
        if (address != packet.Own.Source)
        {
            packet.Refuse(HelperRefusal.Address);
            return;
        }

        bool isRtp = text.Rest.IndexOf("RTP/"u8) >= 0;
        bool isTcp = !isRtp && text.Rest.StartsWith("TCP"u8);
        var expected = new Expected(isTcp ? IpProtocol.Tcp : IpProtocol.Udp, packet.Other.Destination, port)
        {
            Source = packet.Other.Source,
            IsReply = !packet.IsReply,
            IsTranslated = true,
        };
        ushort outer = packet.Expect(in expected);
        if (outer == 0) return;

        if (isRtp && outer < ushort.MaxValue)
            packet.Expect(expected with { Port = (ushort)(outer + 1), InnerPort = (ushort)(port + 1) });
        if (outer == port) return;

        Span<byte> written = stackalloc byte[5];
        packet.Replace(offset + place, digits, written[..ByteScanner.WriteNumber(outer, written)]);
    }

    // c=IN IP4 192.0.2.1, o=- 1 1 IN IP4 192.0.2.1
    private static Address ReadAddress(ref Inspection packet, int offset, scoped ReadOnlySpan<byte> line)
    {
        if (!TryFindAddress(line, packet.Family, out int place, out int length, out Address address)) return default;

        Address outer = packet.Other.Destination;
        if (packet.IsTranslated && address == packet.Own.Source && address != outer)
        {
            Span<byte> written = stackalloc byte[64];
            packet.Replace(
                offset + place, length, written[..ByteScanner.WriteAddress(outer, packet.Family, written)]);
        }

        return address;
    }

    // The connection line of the medium whose other lines these are.
    private static Address? ConnectionOf(ReadOnlySpan<byte> lines, byte family)
    {
        while (!lines.IsEmpty && !lines.StartsWith("m="u8))
        {
            int length = LineLength(lines);
            if (lines.StartsWith("c="u8))
                return TryFindAddress(lines[..length], family, out _, out _, out Address address) ? address : default;
            lines = lines[length..];
        }

        return null;
    }

    private static bool TryFindAddress(
        ReadOnlySpan<byte> line, byte family, out int place, out int length, out Address address)
    {
        var text = new ByteScanner(line);
        address = default;
        place = length = 0;
        if (!text.SkipBehind(family == AddressFamily.IPv4 ? "IN IP4 "u8 : "IN IP6 "u8)) return false;
        place = text.Position;
        if (!text.TryReadAddress(family, out address)) return false;
        length = text.Position - place;
        return true;
    }

    // With the end of the line.
    private static int LineLength(ReadOnlySpan<byte> lines)
    {
        int end = lines.IndexOf((byte)'\n');
        return end < 0 ? lines.Length : end + 1;
    }
}
