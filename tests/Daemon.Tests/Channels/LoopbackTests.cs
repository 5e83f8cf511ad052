using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;
using TwinTrack.Replication;
using Xunit;

namespace TwinTrack.Daemon.Tests.Channels;

/// <summary>Channels whose peer is themselves, over the loopback interface.</summary>
public sealed class LoopbackTests
{
    private static readonly LinkState s_loopback = new(
        1, "lo", LinkFlags.Up | LinkFlags.Running | LinkFlags.Loopback, Mtu: 1500, IsGone: false);

    // ALIVE with HELLO, as an original sends it.
    private static readonly byte[] s_message = Convert.FromHexString("1a3000086b00d9d4");

    private readonly Poller _poller = new();

    [Theory]
    [InlineData(LinkKind.Udp, "127.0.0.1", 1472)]
    [InlineData(LinkKind.Udp, "::1", 1452)]
    [InlineData(LinkKind.Tcp, "127.0.0.1", 1460)]
    [InlineData(LinkKind.Tcp, "::1", 1440)]
    public void What_is_sent_arrives_whole_and_is_counted_and_nothing_is_allocated_for_it(
        LinkKind kind, string address, int capacity)
    {
        const int rounds = 500;
        var counters = new LinkCounters();
        using Channel channel = Open(kind, address, counters);
        Assert.Equal(capacity, channel.Capacity);
        Address source = Address.Read(channel.Link.Remote.GetAddressBytes());
        Exchange(channel, source, 100);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(channel, source, rounds);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(100ul + rounds, counters.Value.PacketsSent);
        Assert.Equal((100ul + rounds) * 8, counters.Value.BytesSent);
        Assert.Equal(counters.Value.BytesSent, counters.Value.BytesReceived);
        Assert.Equal(0ul, counters.Value.SendErrors + counters.Value.ReceiveErrors);
    }

    [Fact]
    public void An_empty_datagram_arrives_as_one()
    {
        using Channel channel = Open(LinkKind.Udp, "127.0.0.1", new LinkCounters());
        Assert.True(channel.Send(default, []));
        Assert.True(Turn(channel, out Arrival arrival));
        Assert.True(arrival.Bytes.IsEmpty);
        Assert.Equal(1, arrival.InterfaceIndex);
    }

    [Fact]
    public void A_port_that_somebody_has_is_no_matter_of_waiting()
    {
        LinkConfig link = Link(LinkKind.Tcp, "127.0.0.1");
        using var first = new TcpChannel(link, in s_loopback, new LinkCounters());
        ChannelException error =
            Assert.Throws<ChannelException>(() => new TcpChannel(link, in s_loopback, new LinkCounters()));
        Assert.False(error.IsPassing);
    }

    [Theory]
    [InlineData(LinkKind.Udp)]
    [InlineData(LinkKind.Tcp)]
    public void An_address_that_is_not_there_is_waited_for(LinkKind kind)
    {
        LinkConfig link = Link(kind, "192.0.2.1");
        ChannelException error = Assert.Throws<ChannelException>(() =>
        {
            using Channel channel = kind == LinkKind.Tcp
                ? new TcpChannel(link, in s_loopback, new LinkCounters())
                : new DatagramChannel(link, in s_loopback, new LinkCounters());
        });
        Assert.True(error.IsPassing);
    }

    private void Exchange(Channel channel, Address source, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            if (!channel.Send(default, s_message) || !Turn(channel, out Arrival arrival))
            {
                Assert.Fail("nothing arrives");
                return;
            }

            if (!arrival.Bytes.SequenceEqual(s_message)) Assert.Fail("what arrived is not what was sent");
            if (arrival.Source != source) Assert.Fail("another sender");
        }
    }

    private Channel Open(LinkKind kind, string address, LinkCounters counters)
    {
        LinkConfig link = Link(kind, address);
        if (kind != LinkKind.Tcp) return new DatagramChannel(link, in s_loopback, counters);

        var channel = new TcpChannel(link, in s_loopback, counters);
        channel.OnDeadline(default);
        Assert.True(channel.IsClientConnected || WaitUntilConnected(channel));
        return channel;
    }

    private bool WaitUntilConnected(TcpChannel channel)
    {
        for (int wait = 0; wait < 100 && !channel.CanSend; wait++)
        {
            _poller.Clear();
            channel.Watch(_poller, isPausing: false, hasPacket: false);
            _poller.Wait(default, new Instant(20_000));
            channel.OnWatched(default, _poller);
        }

        return channel.CanSend;
    }

    // A wait, as long as need be, and a read.
    private bool Turn(Channel channel, out Arrival arrival)
    {
        for (int wait = 0; wait < 100; wait++)
        {
            _poller.Clear();
            channel.Watch(_poller, isPausing: false, hasPacket: false);
            _poller.Wait(default, new Instant(20_000));
            channel.OnWatched(default, _poller);
            if (channel.Read(out arrival)) return true;
        }

        arrival = default;
        return false;
    }

    private static LinkConfig Link(LinkKind kind, string address) => new()
    {
        Kind = kind,
        Local = IPAddress.Parse(address),
        Remote = IPAddress.Parse(address),
        Port = FreePort(),
        Interface = "lo",
    };

    private static ushort FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return (ushort)((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
