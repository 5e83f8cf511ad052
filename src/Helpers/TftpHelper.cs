using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>TFTP (RFC 1350): the server answers a request from another port.</summary>
internal static class TftpHelper
{
    private const int Read = 1;
    private const int Write = 2;

    public static void Inspect(ref Inspection packet)
    {
        if (packet.IsReply || !IsRequest(packet.Payload)) return;

        ref readonly FlowTuple reply = ref packet.Other;
        packet.Expect(new Expected(IpProtocol.Udp, reply.Destination, reply.DestinationPort)
        {
            Source = reply.Source,
            IsReply = true,
            IsTranslated = true,
            InnerPort = packet.Own.SourcePort, // the request's own port outside is the one to answer to
        });
    }

    // u16 operation, file name, 0, mode, 0; options may follow (RFC 2347).
    private static bool IsRequest(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 4 || BinaryPrimitives.ReadUInt16BigEndian(payload) is not (Read or Write)) return false;

        ReadOnlySpan<byte> rest = payload[2..];
        int end = rest.IndexOf((byte)0);
        if (end <= 0) return false;

        rest = rest[(end + 1)..];
        end = rest.IndexOf((byte)0);
        if (end <= 0) return false;

        ReadOnlySpan<byte> mode = rest[..end];
        return IsMode(mode, "octet"u8) || IsMode(mode, "netascii"u8) || IsMode(mode, "mail"u8);
    }

    private static bool IsMode(ReadOnlySpan<byte> mode, ReadOnlySpan<byte> name) =>
        mode.Length == name.Length && ByteScanner.StartsWithAnyCase(mode, name);
}
