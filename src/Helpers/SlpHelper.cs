namespace TwinTrack.Helpers;

/// <summary>Service Location Protocol (RFC 2608): requests to the group are answered by each agent.</summary>
internal static class SlpHelper
{
    private const int HeaderLength = 5;

    public static void Inspect(ref Inspection packet)
    {
        // u8 version, u8 function, u24 length
        ReadOnlySpan<byte> payload = packet.Payload;
        if (payload.Length >= HeaderLength && payload[0] is 1 or 2) GroupAnswer.Expect(ref packet);
    }
}
