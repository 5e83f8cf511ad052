using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;
using NetFamily = System.Net.Sockets.AddressFamily;

namespace TwinTrack.Daemon.Channels;

/// <summary>
/// A dedicated link over UDP: one socket bound to (own address, port) receives, another one sends from a port of the
/// system's choice. Neither ever blocks.
/// </summary>
internal sealed unsafe class UdpChannel : IDisposable
{
    /// <summary>Datagrams that one <see cref="Receive"/> takes; fewer mean that the socket is empty.</summary>
    public const int BatchSize = 16;

    private const int DatagramSize = 65_536;
    private const int NameSize = 128;          // sockaddr_storage
    private const int IPv4Headers = 28;        // IP and UDP
    private const int IPv6Headers = 48;
    private const int SmallestMtu = 68;        // RFC 791
    private const int SocketLevel = 1;         // SOL_SOCKET
    private const int ReuseAddress = 2;        // SO_REUSEADDR
    private const int NoCheck = 11;            // SO_NO_CHECK
    private const int SendBufferForce = 32;    // SO_SNDBUFFORCE
    private const int ReceiveBufferForce = 33; // SO_RCVBUFFORCE
    private const nuint GetMtu = 0x8921;       // SIOCGIFMTU
    private const nuint GetFlags = 0x8913;     // SIOCGIFFLAGS
    private const int FlagUp = 0x1;            // IFF_UP
    private const int FlagRunning = 0x40;      // IFF_RUNNING
    private const int RequestSize = 40;        // struct ifreq
    private const int RequestValue = 16;       // its union

    private readonly Socket _receiver;
    private readonly Socket _sender;
    private readonly byte* _memory;
    private readonly Libc.BatchHeader* _headers;
    private LinkStats _traffic;

    /// <summary>Opens both sockets.</summary>
    /// <exception cref="SocketException">An address, the interface or a privilege is missing.</exception>
    public UdpChannel(LinkConfig link)
    {
        Link = link;
        IPAddress local = link.Local!;
        NetFamily family = local.AddressFamily;
        _receiver = new Socket(family, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        _sender = new Socket(family, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        try
        {
            Capacity = ReadMtu() - (family == NetFamily.InterNetwork ? IPv4Headers : IPv6Headers);
            SetOption(_receiver, ReuseAddress, 1);
            SetBuffer(_receiver, ReceiveBufferForce, link.ReceiveBuffer);
            SetBuffer(_sender, SendBufferForce, link.SendBuffer);
            if (!link.Checksum) SetOption(_sender, NoCheck, 1);
            _receiver.Bind(new IPEndPoint(Scoped(local), link.Port));
            _sender.Connect(new IPEndPoint(Scoped(link.Remote), link.Port));
            ReceiveBufferDatagrams = Math.Max(_receiver.ReceiveBufferSize / 2 / Capacity, 1);
        }
        catch
        {
            _receiver.Dispose();
            _sender.Dispose();
            throw;
        }

        // Pages are touched only as far as datagrams reach: the rest of the memory stays with the kernel.
        _memory = (byte*)NativeMemory.AllocZeroed(BatchSize, DatagramSize);
        _headers = (Libc.BatchHeader*)NativeMemory.AllocZeroed(
            BatchSize, (nuint)(sizeof(Libc.BatchHeader) + sizeof(Libc.IoVector) + NameSize));
        LayOut();
    }

    public LinkConfig Link { get; }

    /// <summary>What one datagram holds without being fragmented, in bytes.</summary>
    public int Capacity { get; }

    public int ReceiveDescriptor => (int)_receiver.Handle;

    public int SendDescriptor => (int)_sender.Handle;

    public ref readonly LinkStats Traffic => ref _traffic;

    /// <summary>Datagrams of the usual size that the receive buffer holds.</summary>
    public int ReceiveBufferDatagrams { get; }

    /// <summary>Receives what is there, at most one batch.</summary>
    /// <returns>How many datagrams <see cref="Datagram"/> now gives; 0 when there are none.</returns>
    public int Receive()
    {
        for (int index = 0; index < BatchSize; index++) _headers[index].NameLength = NameSize;
        int received = Libc.ReceiveBatch(ReceiveDescriptor, (nint)_headers, BatchSize, Libc.MessageDontWait, 0);
        if (received < 0)
        {
            if (Marshal.GetLastPInvokeError() is not (Libc.TryAgain or Libc.InterruptedCall)) _traffic.ReceiveErrors++;
            return 0;
        }

        for (int index = 0; index < received; index++) _traffic.BytesReceived += _headers[index].Length;
        _traffic.PacketsReceived += (ulong)received;
        return received;
    }

    /// <summary>One datagram of the last batch and where it came from.</summary>
    public ReadOnlySpan<byte> Datagram(int index, out PeerId from)
    {
        Libc.BatchHeader* header = _headers + index;
        from = ReadSource(new ReadOnlySpan<byte>((void*)header->Name, (int)header->NameLength));
        return new ReadOnlySpan<byte>(_memory + (index * DatagramSize), (int)header->Length);
    }

    /// <summary>Counts a datagram that was received and not looked at.</summary>
    public void CountIgnored() => _traffic.ReceiveErrors++;

    /// <summary>Sends one datagram.</summary>
    /// <returns>False when the socket is full: keep the datagram and wait for POLLOUT.</returns>
    public bool Send(ReadOnlySpan<byte> datagram)
    {
        for (int attempt = 0; ; attempt++)
        {
            nint sent = Libc.Send(
                SendDescriptor, in MemoryMarshal.GetReference(datagram), (nuint)datagram.Length, Libc.MessageDontWait);
            if (sent >= 0)
            {
                _traffic.PacketsSent++;
                _traffic.BytesSent += (ulong)sent;
                return true;
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno is Libc.TryAgain) return false;

            // An earlier datagram was refused by the peer's host; the report took this one's place.
            if (errno is Libc.ConnectionRefused or Libc.InterruptedCall && attempt == 0) continue;
            _traffic.SendErrors++;
            return true;
        }
    }

    /// <summary>State of the interface now.</summary>
    public LinkStatus ReadStatus()
    {
        Span<byte> request = stackalloc byte[RequestSize];
        if (!TryAsk(GetFlags, request)) return LinkStatus.Down;
        int flags = MemoryMarshal.Read<short>(request[RequestValue..]);
        if ((flags & FlagUp) == 0) return LinkStatus.Down;
        return (flags & FlagRunning) != 0 ? LinkStatus.Running : LinkStatus.NoCarrier;
    }

    public void Dispose()
    {
        _receiver.Dispose();
        _sender.Dispose();
        NativeMemory.Free(_memory);
        NativeMemory.Free(_headers);
    }

    private void LayOut()
    {
        var vectors = (Libc.IoVector*)(_headers + BatchSize);
        byte* names = (byte*)(vectors + BatchSize);
        for (int index = 0; index < BatchSize; index++)
        {
            vectors[index].Base = (nint)(_memory + (index * DatagramSize));
            vectors[index].Length = DatagramSize;
            _headers[index].Name = (nint)(names + (index * NameSize));
            _headers[index].Vectors = (nint)(vectors + index);
            _headers[index].VectorCount = 1;
        }
    }

    private IPAddress Scoped(IPAddress address)
    {
        if (address.AddressFamily != NetFamily.InterNetworkV6 || !address.IsIPv6LinkLocal) return address;
        return new IPAddress(address.GetAddressBytes(), Libc.InterfaceIndex(Link.Interface));
    }

    private static PeerId ReadSource(ReadOnlySpan<byte> name) => name.Length switch
    {
        >= 24 => new PeerId(Address.Read(name.Slice(8, 16)), ReadPort(name)),   // sockaddr_in6
        >= 8 => new PeerId(Address.Read(name.Slice(4, 4)), ReadPort(name)),     // sockaddr_in
        _ => default,
    };

    private static ushort ReadPort(ReadOnlySpan<byte> name) => BinaryPrimitives.ReadUInt16BigEndian(name[2..]);

    private static void SetBuffer(Socket socket, int option, uint? bytes)
    {
        if (bytes is { } size) SetOption(socket, option, (int)Math.Min(size, int.MaxValue));
    }

    private static void SetOption(Socket socket, int option, int value)
    {
        if (Libc.SetOption((int)socket.Handle, SocketLevel, option, in value, sizeof(int)) == 0) return;
        int errno = Marshal.GetLastPInvokeError();
        string hint = errno == Libc.NotPermitted ? ", a socket buffer of a given size needs CAP_NET_ADMIN" : "";
        throw new IOException(Libc.ErrorText(errno) + hint);
    }

    private int ReadMtu()
    {
        Span<byte> request = stackalloc byte[RequestSize];
        if (!TryAsk(GetMtu, request)) throw new IOException(Libc.ErrorText(Marshal.GetLastPInvokeError()));
        return Math.Max(MemoryMarshal.Read<int>(request[RequestValue..]), SmallestMtu);
    }

    // struct ifreq: the name of the device, then a union that takes the answer.
    private bool TryAsk(nuint question, Span<byte> request)
    {
        request.Clear();
        Encoding.UTF8.GetBytes(Link.Interface, request[..(RequestValue - 1)]);
        return Libc.Control(ReceiveDescriptor, question, ref MemoryMarshal.GetReference(request)) == 0;
    }
}
