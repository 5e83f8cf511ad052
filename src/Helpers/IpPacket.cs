using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Where the headers of a packet end: IPv4 or IPv6 with extension headers, then TCP or UDP.</summary>
public readonly struct IpPacket
{
    private const int IPv4Header = 20;
    private const int IPv6Header = 40;
    private const int TcpHeader = 20;
    private const int UdpHeader = 8;

    private const byte HopByHop = 0;
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte Authentication = 51;
    private const byte DestinationOptions = 60;
    private const int MostExtensions = 8;

    /// <summary>2 or 10.</summary>
    public byte Family { get; private init; }

    /// <summary>6 or 17.</summary>
    public byte Protocol { get; private init; }

    /// <summary>Where the TCP or UDP header begins.</summary>
    public int Transport { get; private init; }

    /// <summary>Where the payload begins.</summary>
    public int Payload { get; private init; }

    /// <summary>Where the packet ends, by its own length.</summary>
    public int End { get; private init; }

    /// <summary>Sequence number of the payload's first byte; 0 for UDP.</summary>
    public uint Sequence { get; private init; }

    /// <summary>Destination in the IP header.</summary>
    public Address Destination { get; private init; }

    /// <summary>Finds the headers.</summary>
    /// <param name="bytes">The packet from its IP header on.</param>
    /// <param name="packet">The result.</param>
    /// <returns>False for another protocol, a fragment, and what is too short.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.IsEmpty) return false;
        return (bytes[0] >> 4) switch
        {
            4 => TryReadIPv4(bytes, out packet),
            6 => TryReadIPv6(bytes, out packet),
            _ => false,
        };
    }

    // RFC 791
    private static bool TryReadIPv4(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < IPv4Header) return false;

        int header = (bytes[0] & 0xf) * 4;
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        int fragment = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x3fff; // more follow, or not the first
        if (header < IPv4Header || length < header || length > bytes.Length || fragment != 0) return false;
        return TryReadTransport(
            bytes[..length], AddressFamily.IPv4, bytes[9], header, Address.Read(bytes[16..20]), out packet);
    }

    // RFC 8200
    private static bool TryReadIPv6(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < IPv6Header) return false;

        int length = IPv6Header + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (length > bytes.Length) return false;

        bytes = bytes[..length];
        byte next = bytes[6];
        int at = IPv6Header;
        for (int i = 0; i < MostExtensions; i++)
        {
            if (next is IpProtocol.Tcp or IpProtocol.Udp)
            {
                return TryReadTransport(
                    bytes, AddressFamily.IPv6, next, at, Address.Read(bytes[24..40]), out packet);
            }

            if (bytes.Length - at < 8) return false;

            int size;
            switch (next)
            {
                case HopByHop or Routing or DestinationOptions:
                    size = (bytes[at + 1] + 1) * 8;
                    break;
                case Authentication:
                    size = (bytes[at + 1] + 2) * 4;
                    break;
                case Fragment when (BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]) & 0xfff9) == 0:
                    size = 8; // all of it in one piece
                    break;
                default:
                    return false;
            }

            next = bytes[at];
            at += size;
            if (at > bytes.Length) return false;
        }

        return false;
    }

    private static bool TryReadTransport(
        ReadOnlySpan<byte> bytes, byte family, byte protocol, int at, Address destination, out IpPacket packet)
    {
        packet = default;
        ReadOnlySpan<byte> header = bytes[at..];
        int size;
        int end = bytes.Length;
        uint sequence = 0;
        if (protocol == IpProtocol.Tcp)
        {
            if (header.Length < TcpHeader) return false;
            size = (header[12] >> 4) * 4;
            sequence = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
            if (size < TcpHeader || size > header.Length) return false;
        }
        else if (protocol == IpProtocol.Udp)
        {
            if (header.Length < UdpHeader) return false;
            int length = BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
            if (length < UdpHeader || length > header.Length) return false;
            size = UdpHeader;
            end = at + length;
        }
        else
        {
            return false;
        }

        packet = new IpPacket
        {
            Family = family,
            Protocol = protocol,
            Transport = at,
            Payload = at + size,
            End = end,
            Sequence = sequence,
            Destination = destination,
        };
        return true;
    }

    /// <summary>Writes the packet with a changed payload, with right lengths and checksums.</summary>
    /// <param name="bytes">The packet this was read from.</param>
    /// <param name="rewriting">The changes.</param>
    /// <param name="destination">Takes the packet.</param>
    /// <returns>Its length; 0 if it would be longer than an IP packet or its place.</returns>
    public int Rewrite(ReadOnlySpan<byte> bytes, Rewriting rewriting, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(rewriting);
        int length = End + rewriting.Growth;
        if (length > ushort.MaxValue || length > destination.Length) return 0;

        bytes[..Payload].CopyTo(destination);
        rewriting.Write(bytes[Payload..End], destination[Payload..]);
        Span<byte> packet = destination[..length];
        Span<byte> transport = packet[Transport..];
        if (Family == AddressFamily.IPv4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)length);
            Span<byte> header = packet[..((packet[0] & 0xf) * 4)];
            header[10..12].Clear();
            BinaryPrimitives.WriteUInt16BigEndian(header[10..], Checksum.Finish(Checksum.Add(0, header)));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(length - IPv6Header));
        }

        if (Protocol == IpProtocol.Udp)
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        WriteChecksum(packet, transport);
        return length;
    }

    private void WriteChecksum(ReadOnlySpan<byte> packet, Span<byte> transport)
    {
        int place = Protocol == IpProtocol.Tcp ? 16 : 6;
        bool isLeftOut = Protocol == IpProtocol.Udp && Family == AddressFamily.IPv4
            && BinaryPrimitives.ReadUInt16BigEndian(transport[place..]) == 0;
        if (isLeftOut) return;

        transport.Slice(place, 2).Clear();
        ReadOnlySpan<byte> addresses = Family == AddressFamily.IPv4 ? packet[12..20] : packet[8..40];
        uint sum = Checksum.Add(Protocol, addresses) + (uint)transport.Length;
        ushort checksum = Checksum.Finish(Checksum.Add(sum, transport));
        if (checksum == 0 && Protocol == IpProtocol.Udp) checksum = 0xffff; // 0 says that there is none
        BinaryPrimitives.WriteUInt16BigEndian(transport[place..], checksum);
    }

    /// <summary>The checksum of RFC 1071.</summary>
    private static class Checksum
    {
        public static uint Add(uint sum, ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length >= 2)
            {
                sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
                sum = (sum & 0xffff) + (sum >> 16);
                bytes = bytes[2..];
            }

            return bytes.IsEmpty ? sum : sum + ((uint)bytes[0] << 8);
        }

        public static ushort Finish(uint sum)
        {
            while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
            return (ushort)~sum;
        }
    }
}
