using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Channels;

/// <summary>
/// A dedicated link over UDP, to one peer, several, or a group: one socket bound to the port receives, another one for
/// each destination sends from a port of the system's choice.
/// </summary>
internal sealed class DatagramChannel : Channel
{
    private const int UdpHeader = 8;
    private const int IPv4MulticastInterface = 32;   // IP_MULTICAST_IF
    private const int IPv4MulticastLoop = 34;        // IP_MULTICAST_LOOP
    private const int IPv4Join = 35;                 // IP_ADD_MEMBERSHIP
    private const int IPv4MulticastAll = 49;         // IP_MULTICAST_ALL
    private const int IPv6MulticastInterface = 17;   // IPV6_MULTICAST_IF
    private const int IPv6MulticastLoop = 19;        // IPV6_MULTICAST_LOOP
    private const int IPv6Join = 20;                 // IPV6_ADD_MEMBERSHIP
    private const int IPv6MulticastAll = 29;         // IPV6_MULTICAST_ALL

    private readonly RawSocket _receiver;
    private readonly List<RawSocket> _senders = [];
    private readonly DatagramBatch _batch;
    private int _receiverPlace = -1;
    private int _senderPlace = -1;
    private int _next;           // the destination that the packet under way has not gone to
    private bool _hasInput = true;
    private bool _isFull;
    private int _bufferedPackets;

    /// <summary>Opens both sockets.</summary>
    /// <exception cref="ChannelException">An address, a route or a privilege is missing.</exception>
    public DatagramChannel(LinkConfig link, in LinkState device, LinkCounters counters)
        : base(link, in device, counters, UdpHeader)
    {
        _receiver = new RawSocket(IsIPv6, SocketType.Dgram);
        try
        {
            Open();
            CountBuffered();
            _batch = new DatagramBatch(_receiver, IsIPv6);
        }
        catch
        {
            CloseSockets();
            throw;
        }
    }

    public override int ReceiveBufferPackets => _bufferedPackets;

    public override bool CanSend => !_isFull;

    public override void Watch(Poller poller, bool isPausing, bool hasPacket)
    {
        _receiverPlace = isPausing ? -1 : poller.Add(_receiver.Descriptor, Libc.PollIn);
        _senderPlace = hasPacket && _isFull ? poller.Add(_senders[_next].Descriptor, Libc.PollOut) : -1;
    }

    public override void OnWatched(Instant now, Poller poller)
    {
        // A pause that has ended was not waited for: look.
        if (_receiverPlace < 0 || poller.Returned(_receiverPlace) != 0) _hasInput = true;
        if (_senderPlace >= 0 && poller.Returned(_senderPlace) != 0) _isFull = false;
    }

    public override bool Read(out Arrival arrival)
    {
        while (!_batch.TryTake(out arrival))
        {
            if (!_hasInput) return false;

            int errno = _batch.Receive(ref Counters.Value);
            if (errno != 0 && errno is not (Libc.TryAgain or Libc.InterruptedCall)) Counters.Value.ReceiveErrors++;
            _hasInput = errno == 0 && _batch.IsFull;
            if (errno != 0) return false;
        }

        return true;
    }

    public override bool Send(Instant now, ReadOnlySpan<byte> packet)
    {
        // A packet that a full socket stopped comes again, and goes on where it was; a probe does not.
        bool isProbe = packet.IsEmpty;
        for (int index = isProbe ? 0 : _next; index < _senders.Count; index++)
        {
            if (Send(_senders[index], packet)) continue;
            _next = index;
            return false;
        }

        if (!isProbe) _next = 0;
        return true;
    }

    public override void Leave() => _next = 0;

    private bool Send(RawSocket sender, ReadOnlySpan<byte> packet)
    {
        for (int attempt = 0; ; attempt++)
        {
            nint sent = Libc.Send(
                sender.Descriptor, in MemoryMarshal.GetReference(packet), (nuint)packet.Length, Libc.MessageDontWait);
            if (sent >= 0)
            {
                Counters.Value.PacketsSent++;
                Counters.Value.BytesSent += (ulong)sent;
                return true;
            }

            int errno = Marshal.GetLastPInvokeError();
            _isFull = errno is Libc.TryAgain;
            if (_isFull) return false;

            // An earlier datagram was refused by the peer's host; the report took this one's place.
            if (errno is Libc.ConnectionRefused or Libc.InterruptedCall && attempt == 0) continue;
            Counters.Value.SendErrors++;
            return true;
        }
    }

    public override void SetBuffers(uint? sendBytes, uint? receiveBytes)
    {
        _receiver.SetBuffers(null, receiveBytes);
        foreach (RawSocket sender in _senders) sender.SetBuffers(sendBytes, null);
        CountBuffered();
    }

    public override void Dispose()
    {
        CloseSockets();
        _batch.Dispose();
    }

    private void CountBuffered() => _bufferedPackets = Math.Max(
        _receiver.Get(RawSocket.SocketLevel, RawSocket.ReceiveBuffer) / 2 / Capacity, 1);

    private void CloseSockets()
    {
        _receiver.Dispose();
        foreach (RawSocket sender in _senders) sender.Dispose();
    }

    private void Open()
    {
        _receiver.Set(RawSocket.SocketLevel, RawSocket.ReuseAddress, 1);
        _receiver.SetBuffers(null, Link.ReceiveBuffer);
        bool isMulticast = Link.Kind == LinkKind.Multicast;
        bool isAny = Link.Local is null || Link.Local.Equals(IPAddress.Any) || Link.Local.Equals(IPAddress.IPv6Any);
        if (isMulticast) Join();
        else Listen(Link.Local!, isAny);
        foreach (IPAddress peer in Link.Destinations)
        {
            var sender = new RawSocket(IsIPv6, SocketType.Dgram);
            _senders.Add(sender);
            sender.SetBuffers(Link.SendBuffer, null);
            if (!Link.Checksum) sender.Set(RawSocket.SocketLevel, RawSocket.NoCheck, 1);

            // Without the link's route, what is for the peer would leave by the default route.
            sender.TryBindToDevice(Link.Interface);
            if (isMulticast) SendToGroup(sender);
            else if (!isAny) sender.Bind(Place(Link.Local!, 0));
            if (sender.TryConnect(Place(peer, Link.Port)) is var errno and not 0) throw new ChannelException(errno);
        }
    }

    // Several links on any address share a port: each takes what comes by its own interface.
    private void Listen(IPAddress local, bool isAny)
    {
        if (isAny) _receiver.TryBindToDevice(Link.Interface);
        _receiver.Bind(Place(local, Link.Port));
    }

    // Bound to the group, the receiver takes no datagrams for the port that were sent to this host alone; bound to the
    // interface, none that other links of the same group shall have.
    private void Join()
    {
        _receiver.TryBindToDevice(Link.Interface);
        _receiver.Bind(Place(Link.Remote, Link.Port));
        if (IsIPv6)
        {
            _ = _receiver.TrySet(RawSocket.IPv6Level, IPv6MulticastAll, 0);
            _receiver.Set(RawSocket.IPv6Level, IPv6Join, [.. Link.Remote.GetAddressBytes(), .. HostOrder(DeviceIndex)]);
            return;
        }

        _ = _receiver.TrySet(RawSocket.IPv4Level, IPv4MulticastAll, 0);
        _receiver.Set(RawSocket.IPv4Level, IPv4Join, Membership());
    }

    private void SendToGroup(RawSocket sender)
    {
        if (IsIPv6)
        {
            sender.Set(RawSocket.IPv6Level, IPv6MulticastInterface, DeviceIndex);
            sender.Set(RawSocket.IPv6Level, IPv6MulticastLoop, 0);
            return;
        }

        sender.Set(RawSocket.IPv4Level, IPv4MulticastInterface, Membership());
        sender.Set(RawSocket.IPv4Level, IPv4MulticastLoop, 0);
    }

    // struct ip_mreqn: group, own address, index of the interface.
    private byte[] Membership() =>
    [
        .. Link.Remote.GetAddressBytes(), .. (Link.Local ?? IPAddress.Any).GetAddressBytes(), .. HostOrder(DeviceIndex),
    ];

    private static byte[] HostOrder(int value)
    {
        byte[] bytes = new byte[sizeof(int)];
        MemoryMarshal.Write(bytes, in value);
        return bytes;
    }
}
