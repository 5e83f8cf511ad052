using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>
/// SSDP of UPnP: answers to a search come from the devices' own addresses; each tells where its description is; and
/// events come back to where a subscription says.
/// </summary>
internal static class SsdpHelper
{
    /// <summary>Web servers of devices may listen on 80.</summary>
    public const ushort LeastPort = 80;

    private const string Name = "ssdp";
    private const ushort DefaultPort = 80;

    public static void InspectUdp(ref Inspection packet)
    {
        ReadOnlySpan<byte> payload = packet.Payload;
        if (payload.StartsWith("M-SEARCH "u8))
        {
            Search(ref packet);
            return;
        }

        if (!payload.StartsWith("HTTP/1.1 200"u8) && !payload.StartsWith("HTTP/1.0 200"u8)
            && !payload.StartsWith("NOTIFY "u8))
        {
            return;
        }

        // A device that says where it can be asked: whoever it says that to may come.
        bool isForAll = Guard.IsGroup(packet.Own.Destination, packet.Family);
        OpenSender(ref packet, "location:"u8, isForAll, isPermanent: true);
    }

    public static void InspectTcp(ref Inspection packet)
    {
        if (!packet.IsEstablished || packet.IsReply) return;
        if (packet.Payload.StartsWith("SUBSCRIBE "u8))
        {
            OpenSender(ref packet, "callback:"u8, isForAll: false, isPermanent: false);
            return;
        }

        if (!packet.Payload.StartsWith("NOTIFY "u8)) return;

        // The next event comes over a new connection of the same kind.
        ref readonly FlowTuple own = ref packet.Own;
        packet.Expect(new Expected(IpProtocol.Tcp, own.Destination, own.DestinationPort)
        {
            Source = own.Source,
            Helper = Name,
            IsTranslated = true,
            InnerPort = packet.Other.SourcePort,
        });
    }

    private static void Search(ref Inspection packet)
    {
        if (packet.IsReply) return;
        if (!Guard.IsGroup(packet.Own.Destination, packet.Family))
        {
            packet.Refuse(HelperRefusal.Address);
            return;
        }

        ref readonly FlowTuple seen = ref packet.Other;
        packet.Expect(new Expected(IpProtocol.Udp, seen.Destination, seen.DestinationPort)
        {
            Helper = Name,
            IsReply = true,
            IsPermanent = true,
            IsTranslated = true,
            InnerPort = packet.Own.SourcePort,
        });
    }

    // NAME: http://ADDRESS[:PORT]/... of the sender itself.
    private static void OpenSender(ref Inspection packet, ReadOnlySpan<byte> header, bool isForAll, bool isPermanent)
    {
        if (!TryFindHeader(packet.Payload, header, out int start)) return;

        var text = new ByteScanner(packet.Payload) { Position = start };
        text.SkipBlanks();
        if (text.Take("<"u8)) text.SkipBlanks();
        if (!text.TakeAnyCase("http://"u8)) return;

        bool isIPv6 = packet.Family == AddressFamily.IPv6;
        int place = text.Position;
        if (isIPv6 && !text.Take("["u8)) return;
        if (!text.TryReadAddress(packet.Family, out Address address)) return;
        if (isIPv6 && !text.Take("]"u8)) return;

        ushort port = DefaultPort;
        if (text.Take(":"u8) && !text.TryReadPort(out port)) return;
        if (!text.Rest.IsEmpty && text.Rest[0] is not ((byte)'/' or (byte)'\r' or (byte)'>' or (byte)' ')) return;
        if (address != packet.Own.Source)
        {
            packet.Refuse(HelperRefusal.Address);
            return;
        }

        Address outerAddress = isForAll ? address : packet.Other.Destination;
        ushort outer = packet.Expect(new Expected(IpProtocol.Tcp, outerAddress, port)
        {
            Source = isForAll ? null : packet.Other.Source,
            IsReply = !packet.IsReply,
            IsPermanent = isPermanent,
            IsTranslated = !isForAll,
            Helper = Name,
        });
        if (outer == 0 || isForAll || !packet.IsTranslated || (outer == port && outerAddress == address)) return;

        Span<byte> written = stackalloc byte[64];
        int length = 0;
        if (isIPv6) written[length++] = (byte)'[';
        length += ByteScanner.WriteAddress(outerAddress, packet.Family, written[length..]);
        if (isIPv6) written[length++] = (byte)']';
        written[length++] = (byte)':';
        length += ByteScanner.WriteNumber(outer, written[length..]);
        packet.Replace(place, text.Position - place, written[..length]);
    }

    private static bool TryFindHeader(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> name, out int start)
    {
        start = 0;
        while (start < payload.Length)
        {
            ReadOnlySpan<byte> rest = payload[start..];
            if (ByteScanner.StartsWithAnyCase(rest, name))
            {
                start += name.Length;
                return true;
            }

            int end = rest.IndexOf((byte)'\n');
            if (end < 0 || rest[0] is (byte)'\r' or (byte)'\n') return false;
            start += end + 1;
        }

        return false;
    }
}
