using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Amanda, network backup: the client's answer names the ports of up to three streams.</summary>
internal static class AmandaHelper
{
    private const uint FlowSeconds = 300; // a backup's control flow is quiet for long

    public static void Inspect(ref Inspection packet)
    {
        if (!packet.IsReply) return;

        packet.Timeout = FlowSeconds;
        int connect = packet.Payload.IndexOf("CONNECT "u8);
        if (connect < 0) return;

        int start = connect + "CONNECT ".Length;
        ReadOnlySpan<byte> line = packet.Payload[start..];
        int end = line.IndexOf((byte)'\n');
        var words = new ByteScanner(end < 0 ? line : line[..end]);

        // NAME PORT, in any order: DATA, MESG, INDEX, and STATE of newer versions
        while (!words.Rest.IsEmpty)
        {
            bool isStream = words.Take("DATA "u8) || words.Take("MESG "u8) || words.Take("INDEX "u8)
                || words.Take("STATE "u8);
            int place = words.Position;
            if (isStream && words.TryReadPort(out ushort port))
                Open(ref packet, port, start + place, words.Position - place);
            if (!words.SkipBehind(" "u8)) return;
        }
    }

    private static void Open(ref Inspection packet, ushort port, int place, int length)
    {
        ushort outer = packet.Expect(new Expected(IpProtocol.Tcp, packet.Other.Destination, port)
        {
            Source = packet.Other.Source,
            IsTranslated = true,
        });
        if (outer == 0 || outer == port) return;

        Span<byte> digits = stackalloc byte[5];
        packet.Replace(place, length, digits[..ByteScanner.WriteNumber(outer, digits)]);
    }
}
