using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>Tells a LAN that an address has moved here (RFC 5227, section 3; RFC 5944, section 4.6).</summary>
internal static class GratuitousArp
{
    private const int FrameSize = 14 + 28;
    private const ushort ArpEtherType = 0x0806;

    /// <summary>Broadcasts one request whose sender and target are the address itself.</summary>
    /// <param name="interfaceName">An interface of the thread's namespace.</param>
    /// <param name="hardware">The MAC address it is at now.</param>
    /// <param name="address">The IPv4 address that moved.</param>
    public static unsafe void Send(string interfaceName, ReadOnlySpan<byte> hardware, IPAddress address)
    {
        Span<byte> frame = stackalloc byte[FrameSize];
        Write(frame, hardware, address);

        var target = new Libc.LinkLayerAddress
        {
            Family = Libc.AfPacket,
            Protocol = BinaryPrimitives.ReverseEndianness(ArpEtherType),
            InterfaceIndex = (int)Libc.InterfaceIndex(interfaceName),
            AddressLength = 6,
            Address = 0xffff_ffff_ffff,
        };
        int socket = Libc.Socket(Libc.AfPacket, Libc.SockRaw | Libc.SockCloseOnExec, 0);
        if (socket < 0) throw new LabException($"cannot open a packet socket: {Marshal.GetLastPInvokeErrorMessage()}");

        fixed (byte* data = frame)
        {
            nint sent = Libc.SendTo(socket, data, FrameSize, 0, &target, (uint)sizeof(Libc.LinkLayerAddress));
            string reason = Marshal.GetLastPInvokeErrorMessage();
            _ = Libc.Close(socket);
            if (sent != FrameSize) throw new LabException($"cannot announce {address} on {interfaceName}: {reason}");
        }
    }

    // Ethernet: target(6) source(6) type(2)
    // ARP (RFC 826): hardware 1, protocol 0x0800, lengths 6 and 4, operation 1 = request,
    //                sender MAC(6), sender IP(4), target MAC(6) = 0, target IP(4)
    internal static void Write(Span<byte> frame, ReadOnlySpan<byte> hardware, IPAddress address)
    {
        frame.Clear();
        frame[..6].Fill(0xff);
        hardware.CopyTo(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], ArpEtherType);
        BinaryPrimitives.WriteUInt16BigEndian(frame[14..], 1);
        BinaryPrimitives.WriteUInt16BigEndian(frame[16..], 0x0800);
        frame[18] = 6;
        frame[19] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(frame[20..], 1);
        hardware.CopyTo(frame[22..]);
        _ = address.TryWriteBytes(frame[28..], out _);
        _ = address.TryWriteBytes(frame[38..], out _);
    }
}
