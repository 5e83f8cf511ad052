using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>DHCPv6 (RFC 8415): a client asks a group and servers answer from addresses of their own.</summary>
internal static class Dhcpv6Helper
{
    private const ushort ClientPort = 546;
    private const byte LastType = 13; // RELAY-REPL

    // Seconds until the last repetition of a message by its type.
    private static ReadOnlySpan<byte> Seconds => [0, 120, 0, 30, 4, 0, 0, 0, 1, 1, 0, 120, 0, 0];

    private const uint RenewSeconds = 600; // RENEW and REBIND
    private const byte Renew = 5;
    private const byte Rebind = 6;

    public static void Inspect(ref Inspection packet)
    {
        if (packet.Family != AddressFamily.IPv6 || packet.IsReply) return;
        if (!Guard.IsGroup(packet.HeaderDestination, packet.Family)) return;

        byte type = packet.Payload[0];
        if (type is 0 or > LastType) return;

        uint seconds = type is Renew or Rebind ? RenewSeconds : Seconds[type];
        if (seconds > 0) packet.Timeout = seconds;
        packet.Expect(new Expected(IpProtocol.Udp, packet.Own.Source, ClientPort) { IsPermanent = true });
    }
}
