using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Channels;

/// <summary>What one reading of a channel gave: whole messages, and where they came from.</summary>
internal readonly ref struct Arrival(ReadOnlySpan<byte> bytes, Address source, ushort port, int interfaceIndex)
{
    /// <summary>One message after the other; empty for a datagram without content. Valid until the next read.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public Address Source { get; } = source;

    public ushort Port { get; } = port;

    /// <summary>The interface they came in by; 0 where that is not told.</summary>
    public int InterfaceIndex { get; } = interfaceIndex;
}

/// <summary>Counters of a link; they outlive the channel, which comes and goes with the interface.</summary>
internal sealed class LinkCounters
{
    public LinkStats Value;
}

/// <summary>The sockets of one dedicated link: UDP, multicast or TCP. Nothing in it ever blocks.</summary>
internal abstract class Channel : IDisposable
{
    private const int SmallestMtu = 68;        // RFC 791
    private const int IPv4Header = 20;
    private const int IPv6Header = 40;

    private readonly int _headers;

    /// <param name="link">Its configuration.</param>
    /// <param name="device">The interface as it is now.</param>
    /// <param name="counters">Takes what is moved.</param>
    /// <param name="transportHeader">Bytes of the header of UDP or TCP.</param>
    protected Channel(LinkConfig link, in LinkState device, LinkCounters counters, int transportHeader)
    {
        Link = link;
        Counters = counters;
        DeviceIndex = device.Index;
        _headers = (IsIPv6 ? IPv6Header : IPv4Header) + transportHeader;
        SetMtu(device.Mtu);
    }

    public LinkConfig Link { get; }

    /// <summary>Index of the interface that the sockets belong to.</summary>
    public int DeviceIndex { get; }

    /// <summary>What one packet holds without being fragmented, in bytes.</summary>
    public int Capacity { get; private set; }

    /// <summary>Packets of the usual size that the receive buffer holds.</summary>
    public abstract int ReceiveBufferPackets { get; }

    /// <summary>Gives the open sockets other buffers; TCP has them from the start of a connection.</summary>
    public virtual void SetBuffers(uint? sendBytes, uint? receiveBytes)
    {
    }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public virtual Instant NextDeadline => Instant.Never;

    /// <summary>Whether <see cref="Send"/> would take a packet, as far as is known.</summary>
    public abstract bool CanSend { get; }

    /// <summary>TCP: the peer has connected to us.</summary>
    public virtual bool IsServerConnected => false;

    /// <summary>TCP: whether the peer has connected to us since the last call.</summary>
    public virtual bool TakeConnected() => false;

    /// <summary>TCP: we have connected to the peer.</summary>
    public virtual bool IsClientConnected => false;

    protected LinkCounters Counters { get; }

    protected bool IsIPv6 => Link.Remote.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;

    /// <summary>The interface got another MTU.</summary>
    public void SetMtu(uint mtu) => Capacity = (int)Math.Clamp(mtu, SmallestMtu, ushort.MaxValue) - _headers;

    /// <summary>Tells the poller what to wait for.</summary>
    /// <param name="poller">Takes the descriptors.</param>
    /// <param name="isPausing">Leave what arrives where it is for now.</param>
    /// <param name="hasPacket">A packet waits to be sent.</param>
    public abstract void Watch(Poller poller, bool isPausing, bool hasPacket);

    /// <summary>Looks at what the poller has found.</summary>
    public abstract void OnWatched(Instant now, Poller poller);

    /// <summary>Takes the next thing that has arrived.</summary>
    /// <returns>False when there is nothing more now.</returns>
    public abstract bool Read(out Arrival arrival);

    /// <summary>Sends one packet.</summary>
    /// <returns>False when it was not taken: keep it until <see cref="CanSend"/>.</returns>
    public abstract bool Send(Instant now, ReadOnlySpan<byte> packet);

    /// <summary>The deadline has passed.</summary>
    public virtual void OnDeadline(Instant now)
    {
    }

    /// <summary>Another link is used from now on: what cannot be sent any more must not be sent later.</summary>
    public virtual void Leave()
    {
    }

    public abstract void Dispose();

    /// <summary>An address with the interface as its scope, where it needs one.</summary>
    protected IPEndPoint Place(IPAddress address, int port) => new(Scoped(address, DeviceIndex), port);

    private static IPAddress Scoped(IPAddress address, int index) =>
        address.IsIPv6LinkLocal || address.IsIPv6Multicast ? new(address.GetAddressBytes(), index) : address;
}
