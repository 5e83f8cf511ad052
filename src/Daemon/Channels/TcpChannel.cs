using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Daemon.Channels;

/// <summary>
/// A dedicated link over TCP: a connection that we open carries what we send, one that the peer opens carries what it
/// sends.
/// </summary>
/// <remarks>
/// Messages follow each other without any mark. A packet of which a part was written when the connection broke is
/// written whole to the next one, as the peer drops an unfinished message at the end of a connection.
/// </remarks>
internal sealed class TcpChannel : Channel
{
    private const int TcpHeader = 20;
    private const int TcpLevel = 6;            // IPPROTO_TCP
    private const int NoDelay = 1;             // TCP_NODELAY
    private const int KeepIdle = 4;            // TCP_KEEPIDLE
    private const int KeepInterval = 5;        // TCP_KEEPINTVL
    private const int KeepCount = 6;           // TCP_KEEPCNT
    private const int UserTimeout = 18;        // TCP_USER_TIMEOUT
    private const int KeepAlive = 9;           // SO_KEEPALIVE
    private const int IdleSeconds = 10;        // a living peer says something every second
    private const int ProbeSeconds = 5;
    private const int Probes = 3;
    private const int UnansweredMilliseconds = 10_000;
    private const int Backlog = 4;
    private const int RetrySeconds = 1;
    private const int ConnectSeconds = 5;

    private readonly Address _peer;
    private readonly StreamFramer _framer = new();
    private readonly RawSocket _listener;
    private readonly byte[] _discarded = new byte[256];
    private byte[] _pending = [];
    private int _pendingLength;
    private int _pendingSent;
    private RawSocket? _server;                // the peer connected
    private RawSocket? _client;                // we connected, or are about to
    private ushort _serverPort;
    private bool _isConnecting;
    private bool _isFull;
    private bool _hasCaller;
    private bool _hasInput;
    private bool _hasConnected;     // the peer, since that was asked last
    private Instant _attemptAt;                // when to connect, or to give an attempt up
    private int _listenerPlace = -1;
    private int _serverPlace = -1;
    private int _clientPlace = -1;

    /// <summary>Listens; connecting begins at the first deadline.</summary>
    /// <exception cref="ChannelException">The address or a privilege is missing, or the port is taken.</exception>
    public TcpChannel(LinkConfig link, in LinkState device, LinkCounters counters)
        : base(link, in device, counters, TcpHeader)
    {
        _peer = Address.Read(link.Remote.GetAddressBytes());
        _listener = new RawSocket(IsIPv6, SocketType.Stream);
        try
        {
            _listener.Set(RawSocket.SocketLevel, RawSocket.ReuseAddress, 1);
            SetKeepAlive(_listener);
            _listener.SetBuffers(link.SendBuffer, link.ReceiveBuffer);
            _listener.TryBindToDevice(link.Interface);
            _listener.Bind(Place(link.Local!, link.Port));
            _listener.Listen(Backlog);
            ReceiveBufferPackets =
                Math.Max(_listener.Get(RawSocket.SocketLevel, RawSocket.ReceiveBuffer) / 2 / Capacity, 1);
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
    }

    public override int ReceiveBufferPackets { get; }

    public override Instant NextDeadline => IsClientConnected ? Instant.Never : _attemptAt;

    public override bool CanSend => IsClientConnected && _pendingLength == 0 && !_isFull;

    public override bool IsServerConnected => _server is not null;

    public override bool IsClientConnected => _client is not null && !_isConnecting;

    public override void Watch(Poller poller, bool isPausing, bool hasPacket)
    {
        _listenerPlace = poller.Add(_listener.Descriptor, Libc.PollIn);
        _serverPlace = _server is null || isPausing ? -1 : poller.Add(_server.Descriptor, Libc.PollIn);
        bool isWaiting = _isConnecting || _pendingLength > 0 || (hasPacket && _isFull);
        short events = isWaiting ? (short)(Libc.PollIn | Libc.PollOut) : Libc.PollIn;
        _clientPlace = _client is null ? -1 : poller.Add(_client.Descriptor, events);
    }

    public override void OnWatched(Instant now, Poller poller)
    {
        _hasCaller |= _listenerPlace >= 0 && poller.Returned(_listenerPlace) != 0;

        // A pause that has ended was not waited for: look.
        _hasInput |= _serverPlace < 0 || poller.Returned(_serverPlace) != 0;
        if (_clientPlace < 0 || _client is null) return;

        short returned = poller.Returned(_clientPlace);
        if (_isConnecting)
        {
            if (returned != 0) EndAttempt(now);
            return;
        }

        if ((returned & ~Libc.PollOut) != 0) Discard(now);
        if (_client is null || (returned & Libc.PollOut) == 0) return;
        _isFull = false;
        if (_pendingLength > 0) WritePending(now);
    }

    public override bool TakeConnected()
    {
        bool hasConnected = _hasConnected;
        _hasConnected = false;
        return hasConnected;
    }

    public override bool Read(out Arrival arrival)
    {
        arrival = default;
        while (true)
        {
            if (_server is not null && _framer.TryTake(out ReadOnlySpan<byte> messages))
            {
                arrival = new Arrival(messages, _peer, _serverPort, interfaceIndex: 0);
                return true;
            }

            // A connection is read to its end before the next one takes its place.
            if (_server is not null && _framer.IsBroken) EndServer(isError: true);
            else if (_server is not null && _hasInput) Receive(_server);
            else if (!_hasCaller) return false;
            else if (TryAccept(out arrival)) return true;
        }
    }

    public override bool Send(Instant now, ReadOnlySpan<byte> packet)
    {
        if (!CanSend) return false;

        nint sent = Write(packet);
        if (sent < 0)
        {
            Fail(now, Marshal.GetLastPInvokeError());
            return false;
        }

        if (sent == packet.Length) return true;
        if (_pending.Length < packet.Length) _pending = new byte[packet.Length];
        packet.CopyTo(_pending);
        _pendingLength = packet.Length;
        _pendingSent = (int)sent;
        return true;
    }

    public override void OnDeadline(Instant now)
    {
        if (IsClientConnected || now < _attemptAt) return;
        if (_isConnecting) EndClient(now);   // gave no answer
        Connect(now);
    }

    public override void Leave()
    {
        if (IsClientConnected) return;
        _pendingLength = 0;
    }

    public override void Dispose()
    {
        _listener.Dispose();
        _server?.Dispose();
        _client?.Dispose();
    }

    private static void SetKeepAlive(RawSocket socket)
    {
        socket.Set(RawSocket.SocketLevel, KeepAlive, 1);
        socket.Set(TcpLevel, KeepIdle, IdleSeconds);
        socket.Set(TcpLevel, KeepInterval, ProbeSeconds);
        socket.Set(TcpLevel, KeepCount, Probes);
    }

    private void Connect(Instant now)
    {
        try
        {
            var client = new RawSocket(IsIPv6, SocketType.Stream);
            _client = client;
            _isConnecting = true;
            _attemptAt = now.PlusSeconds(ConnectSeconds);
            client.Set(TcpLevel, NoDelay, 1);
            SetKeepAlive(client);
            client.Set(TcpLevel, UserTimeout, UnansweredMilliseconds);
            client.SetBuffers(Link.SendBuffer, null);
            client.TryBindToDevice(Link.Interface);
            if (!Link.Local!.Equals(IPAddress.Any) && !Link.Local.Equals(IPAddress.IPv6Any))
                client.Bind(Place(Link.Local, 0));
            int errno = client.TryConnect(Place(Link.Remote, Link.Port));
            if (errno == Libc.InProgress) return;
            if (errno != 0) throw new ChannelException(errno);
            _isConnecting = false;
        }
        catch (ChannelException)
        {
            // Refused, or no way there: as good as an attempt that fails later.
            EndClient(now);
        }
    }

    private void EndAttempt(Instant now)
    {
        if (_client!.Get(RawSocket.SocketLevel, RawSocket.PendingError) != 0)
        {
            EndClient(now);
            return;
        }

        _isConnecting = _isFull = false;
        _pendingSent = 0;
        if (_pendingLength > 0) WritePending(now);
    }

    // The peer sends nothing on this connection; that it closes it shows here.
    private void Discard(Instant now)
    {
        nint count = Libc.Receive(
            _client!.Descriptor, ref _discarded[0], (nuint)_discarded.Length, Libc.MessageDontWait);
        if (count > 0) return;
        if (count < 0 && Marshal.GetLastPInvokeError() is Libc.TryAgain or Libc.InterruptedCall) return;
        EndClient(now);
    }

    private void WritePending(Instant now)
    {
        nint sent = Write(_pending.AsSpan(_pendingSent, _pendingLength - _pendingSent));
        if (sent < 0)
        {
            Fail(now, Marshal.GetLastPInvokeError());
            return;
        }

        _pendingSent += (int)sent;
        if (_pendingSent == _pendingLength) _pendingLength = 0;
    }

    private nint Write(ReadOnlySpan<byte> bytes)
    {
        nint sent = Libc.Send(
            _client!.Descriptor, in MemoryMarshal.GetReference(bytes), (nuint)bytes.Length,
            Libc.MessageDontWait | Libc.MessageNoSignal);
        if (sent < 0) return sent;

        Counters.Value.PacketsSent++;
        Counters.Value.BytesSent += (ulong)sent;
        return sent;
    }

    private void Fail(Instant now, int errno)
    {
        if (errno == Libc.InterruptedCall) return;
        if (errno == Libc.TryAgain) _isFull = true;
        else EndClient(now);
    }

    private void EndClient(Instant now)
    {
        Counters.Value.SendErrors++;
        _client?.Dispose();
        _client = null;
        _isConnecting = false;
        _attemptAt = now.PlusSeconds(RetrySeconds);
    }

    // Somebody else than the peer is sent away, and shown as an arrival without content: the gate counts and tells it.
    private bool TryAccept(out Arrival stranger)
    {
        stranger = default;
        Span<byte> name = stackalloc byte[28];   // sockaddr_in6
        uint length = (uint)name.Length;
        int descriptor = Libc.Accept(
            _listener.Descriptor, ref MemoryMarshal.GetReference(name), ref length, RawSocket.AcceptFlags);
        if (descriptor < 0)
        {
            _hasCaller = Marshal.GetLastPInvokeError() == Libc.InterruptedCall;
            return false;
        }

        var caller = new RawSocket(descriptor);
        (Address source, ushort port) = RawSocket.ReadName(name[..(int)length]);
        if (source != _peer)
        {
            caller.Dispose();
            stranger = new Arrival([], source, port, interfaceIndex: 0);
            return true;
        }

        EndServer(isError: false);
        _server = caller;
        _serverPort = port;
        _hasInput = true;
        _hasConnected = true;
        return false;
    }

    private void Receive(RawSocket server)
    {
        Span<byte> room = _framer.Room;
        nint count = Libc.Receive(
            server.Descriptor, ref MemoryMarshal.GetReference(room), (nuint)room.Length, Libc.MessageDontWait);
        if (count > 0)
        {
            Counters.Value.PacketsReceived++;
            Counters.Value.BytesReceived += (ulong)count;
            _hasInput = count == room.Length;
            _framer.Add((int)count);
            return;
        }

        int errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (errno == Libc.InterruptedCall) return;
        if (errno == Libc.TryAgain) _hasInput = false;
        else EndServer(isError: count < 0);
    }

    private void EndServer(bool isError)
    {
        if (isError) Counters.Value.ReceiveErrors++;
        _server?.Dispose();
        _server = null;
        _framer.Clear();
    }
}
