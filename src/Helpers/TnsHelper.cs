using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>TNS, Oracle's net protocol: a listener sends the client to another port.</summary>
internal static class TnsHelper
{
    /// <summary>u8: whether the address of a redirection comes with the next data packet, as the original's.</summary>
    public const int PrivateBytes = 1;

    private const byte Redirect = 5;
    private const byte Data = 6;
    private const int HeaderLength = 8; // u16 length, u16 checksum, u8 type, u8 reserved, u16 header checksum
    private const int LengthSize = 2;

    public static void Inspect(ref Inspection packet)
    {
        ReadOnlySpan<byte> payload = packet.Payload;
        if (!packet.IsEstablished || !packet.IsReply || payload.Length < HeaderLength + LengthSize) return;

        bool isAwaited = packet.Data[0] != 0;
        packet.Data[0] = 0;
        switch (payload[4])
        {
            case Redirect when BinaryPrimitives.ReadUInt16BigEndian(payload[HeaderLength..]) == 0:
                packet.Data[0] = 1;
                break;
            case Redirect:
                ReadAddress(ref packet, hasLength: true);
                break;
            case Data when isAwaited:
                ReadAddress(ref packet, hasLength: false);
                break;
        }
    }

    // (ADDRESS=(PROTOCOL=tcp)(HOST=192.0.2.1)(PORT=1521)), in this order
    private static void ReadAddress(ref Inspection packet, bool hasLength)
    {
        var text = new ByteScanner(packet.Payload) { Position = HeaderLength + LengthSize };
        if (!SkipTo(ref text, "HOST="u8)) return;
        int host = text.Position;
        if (!text.TryReadAddress(packet.Family, out Address address)) return;
        int hostLength = text.Position - host;
        if (!SkipTo(ref text, "PORT="u8)) return;
        int digits = text.Position;
        if (!text.TryReadPort(out ushort port)) return;
        int digitsLength = text.Position - digits;
        text.SkipBlanks();
        if (!text.Take(")"u8)) return;

        // A listener may send nobody elsewhere: that would open any host to the client.
        if (address != packet.Own.Source)
        {
            packet.Refuse(HelperRefusal.Address);
            return;
        }

        Address outerAddress = packet.Other.Destination;
        ushort outer = packet.Expect(new Expected(IpProtocol.Tcp, outerAddress, port)
        {
            Source = packet.Other.Source,
            IsTranslated = true,
        });
        if (outer == 0 || !packet.IsTranslated || (outer == port && outerAddress == address)) return;

        Span<byte> written = stackalloc byte[64];
        int length = ByteScanner.WriteAddress(outerAddress, packet.Family, written);
        int growth = length - hostLength;
        if (!packet.Replace(host, hostLength, written[..length])) return;

        length = ByteScanner.WriteNumber(outer, written);
        growth += length - digitsLength;
        if (!packet.Replace(digits, digitsLength, written[..length]) || growth == 0) return;

        Grow(ref packet, 0, growth);
        if (hasLength) Grow(ref packet, HeaderLength, growth);
    }

    private static void Grow(ref Inspection packet, int place, int growth)
    {
        Span<byte> changed = stackalloc byte[LengthSize];
        int length = BinaryPrimitives.ReadUInt16BigEndian(packet.Payload[place..]) + growth;
        BinaryPrimitives.WriteUInt16BigEndian(changed, (ushort)length);
        packet.Replace(place, LengthSize, changed);
    }

    // Behind a name and its blanks.
    private static bool SkipTo(ref ByteScanner text, ReadOnlySpan<byte> name)
    {
        if (!text.SkipBehind(name)) return false;
        text.SkipBlanks();
        return true;
    }
}
