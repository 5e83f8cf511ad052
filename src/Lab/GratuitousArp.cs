using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>Tells a LAN that an address has moved here (RFC 5227, section 3; RFC 5944, section 4.6).</summary>
/// <remarks>The socket stays open: closing a packet socket takes the kernel some 15 ms.</remarks>
internal sealed class GratuitousArp : IDisposable
{
    private const int FrameSize = 14 + 28;
    private const ushort ArpEtherType = 0x0806;

    private readonly int _socket;
    private readonly int _interface;
    private readonly byte[] _frame = new byte[FrameSize];

    /// <summary>Prepares the announcement in the thread's namespace.</summary>
    /// <param name="interfaceName">The interface on that LAN.</param>
    /// <param name="hardware">Its MAC address.</param>
    /// <param name="address">The IPv4 address that will move.</param>
    public GratuitousArp(string interfaceName, ReadOnlySpan<byte> hardware, IPAddress address)
    {
        _interface = (int)Libc.InterfaceIndex(interfaceName);
        Write(_frame, hardware, address);
        _socket = Libc.Socket(Libc.AfPacket, Libc.SockRaw | Libc.SockCloseOnExec, 0);
        if (_socket < 0) throw new LabException($"cannot open a packet socket: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Broadcasts one request whose sender and target are the address itself.</summary>
    public unsafe void Send()
    {
        var target = new Libc.LinkLayerAddress
        {
            Family = Libc.AfPacket,
            Protocol = BinaryPrimitives.ReverseEndianness(ArpEtherType),
            InterfaceIndex = _interface,
            AddressLength = 6,
            Address = 0xffff_ffff_ffff,
        };
        fixed (byte* data = _frame)
        {
            nint sent = Libc.SendTo(_socket, data, FrameSize, 0, &target, (uint)sizeof(Libc.LinkLayerAddress));
            if (sent != FrameSize)
                throw new LabException($"cannot announce an address: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    public void Dispose() => _ = Libc.Close(_socket);

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
