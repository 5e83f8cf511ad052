namespace TwinTrack.Helpers;

/// <summary>Multicast DNS (RFC 6762): questions from a port of their own are answered to that port.</summary>
internal static class MdnsHelper
{
    private const int HeaderLength = 12;
    private const int ResponseBit = 0x80;

    public static void Inspect(ref Inspection packet)
    {
        // u16 id, u16 flags with the bit that tells questions from answers first
        ReadOnlySpan<byte> payload = packet.Payload;
        if (payload.Length >= HeaderLength && (payload[2] & ResponseBit) == 0) GroupAnswer.Expect(ref packet);
    }
}
