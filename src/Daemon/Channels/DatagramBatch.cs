using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Daemon.Channels;

/// <summary>
/// Receives datagrams in batches, without allocating, each with its sender and the interface it came by.
/// </summary>
internal sealed unsafe class DatagramBatch : IDisposable
{
    private const int Size = 16;
    private const int DatagramSize = 65_536;
    private const int NameSize = 128;            // sockaddr_storage
    private const int ControlSize = 64;          // a cmsghdr and the longer pktinfo, and some room
    private const int ControlHeaderSize = 16;    // struct cmsghdr
    private const int IPv4Info = 8;              // IP_PKTINFO
    private const int IPv6Info = 50;             // IPV6_PKTINFO
    private const int IPv6RequestInfo = 49;      // IPV6_RECVPKTINFO

    private readonly RawSocket _socket;
    private readonly byte* _memory;
    private readonly Libc.BatchHeader* _headers;
    private int _count;
    private int _next;

    /// <summary>Prepares to receive from a socket, which stays its owner's.</summary>
    public DatagramBatch(RawSocket socket, bool isIPv6)
    {
        _socket = socket;
        if (isIPv6) socket.Set(RawSocket.IPv6Level, IPv6RequestInfo, 1);
        else socket.Set(RawSocket.IPv4Level, IPv4Info, 1);

        // Pages are touched only as far as datagrams reach: the rest of the memory stays with the kernel.
        _memory = (byte*)NativeMemory.AllocZeroed(Size, DatagramSize);
        _headers = (Libc.BatchHeader*)NativeMemory.AllocZeroed(
            Size, (nuint)(sizeof(Libc.BatchHeader) + sizeof(Libc.IoVector) + NameSize + ControlSize));
        LayOut();
    }

    /// <summary>Whether the socket may have more than was received.</summary>
    public bool IsFull => _count == Size;

    /// <summary>Receives what is there, at most one batch.</summary>
    /// <returns>0 or an error number; EAGAIN when there is nothing.</returns>
    public int Receive(ref Control.LinkStats stats)
    {
        _next = _count = 0;
        for (int index = 0; index < Size; index++)
        {
            _headers[index].NameLength = NameSize;
            _headers[index].ControlLength = ControlSize;
        }

        int received = Libc.ReceiveBatch(_socket.Descriptor, (nint)_headers, Size, Libc.MessageDontWait, 0);
        if (received < 0) return Marshal.GetLastPInvokeError();

        _count = received;
        stats.PacketsReceived += (ulong)received;
        for (int index = 0; index < received; index++) stats.BytesReceived += _headers[index].Length;
        return 0;
    }

    /// <summary>The next datagram of the batch.</summary>
    public bool TryTake(out Arrival arrival)
    {
        arrival = default;
        if (_next == _count) return false;

        Libc.BatchHeader* header = _headers + _next;
        var name = new ReadOnlySpan<byte>((void*)header->Name, (int)Math.Min(header->NameLength, NameSize));
        (Address source, ushort port) = RawSocket.ReadName(name);
        var bytes = new ReadOnlySpan<byte>(_memory + (_next * DatagramSize), (int)header->Length);
        _next++;
        arrival = new Arrival(bytes, source, port, InterfaceOf(header));
        return true;
    }

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        NativeMemory.Free(_headers);
    }

    // struct cmsghdr: size_t length, int level, int type; then in_pktinfo or in6_pktinfo.
    private static int InterfaceOf(Libc.BatchHeader* header)
    {
        var control = new ReadOnlySpan<byte>((void*)header->Control, (int)Math.Min(header->ControlLength, ControlSize));
        if (control.Length < ControlHeaderSize + sizeof(int)) return 0;

        int level = MemoryMarshal.Read<int>(control[8..]);
        int type = MemoryMarshal.Read<int>(control[12..]);
        return (level, type) switch
        {
            (RawSocket.IPv4Level, IPv4Info) => MemoryMarshal.Read<int>(control[ControlHeaderSize..]),
            (RawSocket.IPv6Level, IPv6Info) when control.Length >= ControlHeaderSize + 20 =>
                MemoryMarshal.Read<int>(control[(ControlHeaderSize + 16)..]),
            _ => 0,
        };
    }

    private void LayOut()
    {
        var vectors = (Libc.IoVector*)(_headers + Size);
        byte* names = (byte*)(vectors + Size);
        byte* controls = names + (Size * NameSize);
        for (int index = 0; index < Size; index++)
        {
            vectors[index].Base = (nint)(_memory + (index * DatagramSize));
            vectors[index].Length = DatagramSize;
            _headers[index].Name = (nint)(names + (index * NameSize));
            _headers[index].Vectors = (nint)(vectors + index);
            _headers[index].VectorCount = 1;
            _headers[index].Control = (nint)(controls + (index * ControlSize));
        }
    }
}
