using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Daemon.Channels;

/// <summary>A socket that never blocks, by its descriptor. What cannot be set or bound is an exception.</summary>
internal sealed class RawSocket : IDisposable
{
    public const int SocketLevel = 1;          // SOL_SOCKET
    public const int ReuseAddress = 2;         // SO_REUSEADDR
    public const int PendingError = 4;         // SO_ERROR
    public const int ReceiveBuffer = 8;        // SO_RCVBUF
    public const int NoCheck = 11;             // SO_NO_CHECK
    public const int IPv4Level = 0;            // IPPROTO_IP
    public const int IPv6Level = 41;           // IPPROTO_IPV6

    public const int AcceptFlags = NonBlocking | CloseOnExec;

    private const int BindToDevice = 25;       // SO_BINDTODEVICE
    private const int SendBufferForce = 32;    // SO_SNDBUFFORCE
    private const int ReceiveBufferForce = 33; // SO_RCVBUFFORCE
    private const int IPv6Only = 26;           // IPV6_V6ONLY
    private const int NonBlocking = 0x800;     // SOCK_NONBLOCK
    private const int CloseOnExec = 0x80000;   // SOCK_CLOEXEC

    /// <summary>Takes a descriptor over.</summary>
    public RawSocket(int descriptor) => Descriptor = descriptor;

    /// <summary>Opens a socket.</summary>
    /// <param name="isIPv6">Which family.</param>
    /// <param name="type">SOCK_DGRAM or SOCK_STREAM.</param>
    public RawSocket(bool isIPv6, SocketType type)
    {
        byte family = isIPv6 ? Conntrack.AddressFamily.IPv6 : Conntrack.AddressFamily.IPv4;
        Descriptor = Libc.OpenSocket(family, (int)type | NonBlocking | CloseOnExec, 0);
        if (Descriptor < 0) throw LastError();
        if (isIPv6) Set(IPv6Level, IPv6Only, 1);
    }

    public int Descriptor { get; private set; }

    public void Set(int level, int option, int value) =>
        Set(level, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));

    public void Set(int level, int option, ReadOnlySpan<byte> value)
    {
        if (!TrySet(level, option, value)) throw LastError();
    }

    /// <summary>Sets what an old kernel may not have, or not allow us.</summary>
    public bool TrySet(int level, int option, ReadOnlySpan<byte> value) => Libc.SetOption(
        Descriptor, level, option, in MemoryMarshal.GetReference(value), (uint)value.Length) == 0;

    public bool TrySet(int level, int option, int value) =>
        TrySet(level, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));

    public int Get(int level, int option)
    {
        uint length = sizeof(int);
        return Libc.GetOption(Descriptor, level, option, out int value, ref length) == 0 ? value : throw LastError();
    }

    /// <summary>Nothing comes or goes by another interface. Kernels before 5.7 want CAP_NET_RAW for it.</summary>
    public void TryBindToDevice(string name) => TrySet(SocketLevel, BindToDevice, Encoding.UTF8.GetBytes(name + '\0'));

    /// <summary>Sets the size of both buffers, beyond the system's limit if need be; null leaves one alone.</summary>
    public void SetBuffers(uint? sendBytes, uint? receiveBytes)
    {
        SetBuffer(SendBufferForce, sendBytes);
        SetBuffer(ReceiveBufferForce, receiveBytes);
    }

    public void Bind(IPEndPoint place)
    {
        SocketAddress address = place.Serialize();
        if (Libc.Bind(Descriptor, in address.Buffer.Span[0], (uint)address.Size) != 0) throw LastError();
    }

    public void Listen(int backlog)
    {
        if (Libc.Listen(Descriptor, backlog) != 0) throw LastError();
    }

    /// <summary>Connects, or begins to.</summary>
    /// <returns>0, or EINPROGRESS, or the error of one that cannot be begun.</returns>
    public int TryConnect(IPEndPoint place)
    {
        SocketAddress address = place.Serialize();
        return Libc.Connect(Descriptor, in address.Buffer.Span[0], (uint)address.Size) == 0
            ? 0
            : Marshal.GetLastPInvokeError();
    }

    public void Dispose()
    {
        if (Descriptor >= 0) _ = Libc.Close(Descriptor);
        Descriptor = -1;
    }

    /// <summary>Reads a socket address of either family.</summary>
    public static (Address Address, ushort Port) ReadName(ReadOnlySpan<byte> name) => name.Length switch
    {
        >= 24 => (Address.Read(name.Slice(8, 16)), ReadPort(name)),   // sockaddr_in6
        >= 8 => (Address.Read(name.Slice(4, 4)), ReadPort(name)),     // sockaddr_in
        _ => default,
    };

    public static ChannelException LastError(string hint = "") => new(Marshal.GetLastPInvokeError(), hint);

    private static ushort ReadPort(ReadOnlySpan<byte> name) => BinaryPrimitives.ReadUInt16BigEndian(name[2..]);

    private void SetBuffer(int option, uint? bytes)
    {
        if (bytes is not { } size) return;
        int value = (int)Math.Min(size, int.MaxValue);
        if (TrySet(SocketLevel, option, value)) return;
        throw LastError(Marshal.GetLastPInvokeError() == Libc.NotPermitted
            ? ", a socket buffer of a given size needs CAP_NET_ADMIN"
            : "");
    }
}
