using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>SANE, the network protocol of scanners: NET_START is answered with the port of the image's flow.</summary>
internal static class SaneHelper
{
    /// <summary>u32: whether an answer to NET_START is awaited (host order), as the original's.</summary>
    public const int PrivateBytes = 4;

    private const uint NetStart = 7;
    private const int RequestLength = 8; // u32 code, u32 handle

    public static void Inspect(ref Inspection packet)
    {
        if (!packet.IsEstablished) return;

        ReadOnlySpan<byte> payload = packet.Payload;
        ref uint isAwaited = ref MemoryMarshal.AsRef<uint>(packet.Data[..PrivateBytes]);
        if (!packet.IsReply)
        {
            if (payload.Length >= RequestLength)
                isAwaited = BinaryPrimitives.ReadUInt32BigEndian(payload) == NetStart ? 1u : 0u;
            return;
        }

        if (isAwaited == 0) return;

        // u32 status, u32 port
        isAwaited = 0;
        if (payload.Length < 8 || BinaryPrimitives.ReadUInt32BigEndian(payload) != 0) return;
        uint port = BinaryPrimitives.ReadUInt32BigEndian(payload[4..]);
        if (port is 0 or > ushort.MaxValue) return;

        ushort outer = packet.Expect(new Expected(IpProtocol.Tcp, packet.Other.Destination, (ushort)port)
        {
            Source = packet.Other.Source,
            IsTranslated = true,
        });
        if (outer == 0 || outer == port) return;

        Span<byte> changed = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(changed, outer);
        packet.Replace(4, 4, changed);
    }
}
