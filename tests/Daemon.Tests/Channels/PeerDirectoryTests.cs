using System.Buffers.Binary;
using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;
using Xunit;

namespace TwinTrack.Daemon.Tests.Channels;

public sealed class PeerDirectoryTests
{
    private static readonly LinkId s_first = new(0);
    private static readonly LinkId s_second = new(1);

    private readonly byte[] _message = new byte[8];

    [Fact]
    public void A_peer_is_the_same_by_all_links()
    {
        var peers = new PeerDirectory([Udp("10.0.1.2"), Udp("10.0.2.2")]);
        PeerId one = Find(peers, s_first, "10.0.1.2", 1000, 1);
        PeerId other = Find(peers, s_second, "10.0.2.2", 2000, 2);
        Assert.Equal(one, other);
        Assert.NotEqual(0, one.Port);
        Assert.Equal(one, Find(peers, s_first, "10.0.1.2", 1000, 3));
    }

    [Fact]
    public void The_peers_at_one_place_of_the_lists_of_two_links_are_one_node()
    {
        var peers = new PeerDirectory([Udp("10.0.1.2", "10.0.1.3"), Udp("10.0.2.2", "10.0.2.3")]);
        Assert.Equal(2, peers.Count);
        Assert.Equal(Find(peers, s_first, "10.0.1.3", 1000, 1), Find(peers, s_second, "10.0.2.3", 1000, 2));
        Assert.NotEqual(Find(peers, s_first, "10.0.1.2", 1000, 1), Find(peers, s_second, "10.0.2.3", 1000, 2));
        Assert.Equal(2, peers.Count);
    }

    [Fact]
    public void Another_port_on_a_link_that_was_heard_is_another_run_and_the_former_one_keeps_its_number()
    {
        var peers = new PeerDirectory([Udp("10.0.1.2"), Udp("10.0.2.2")]);
        PeerId before = Find(peers, s_first, "10.0.1.2", 1000, 1);
        PeerId after = Find(peers, s_first, "10.0.1.2", 1001, 2);
        Assert.Equal(before.Address, after.Address);
        Assert.NotEqual(before.Port, after.Port);
        Assert.Equal(before, Find(peers, s_first, "10.0.1.2", 1000, 3));
        Assert.Equal(after, Find(peers, s_second, "10.0.2.2", 3000, 4));
    }

    [Fact]
    public void However_many_ports_a_peer_has_had_the_last_ones_are_known()
    {
        var peers = new PeerDirectory([Udp("10.0.1.2")]);
        for (ushort port = 1; port < 1000; port++) Find(peers, s_first, "10.0.1.2", port, port);
        Assert.Equal(
            Find(peers, s_first, "10.0.1.2", 999, 1), Find(peers, s_first, "10.0.1.2", 999, 2));
        Assert.Equal(1, peers.Count);
    }

    [Fact]
    public void Each_sender_to_a_group_is_a_peer_of_its_own()
    {
        var peers = new PeerDirectory([Group()]);
        Assert.NotEqual(
            Find(peers, s_first, "10.0.1.2", 1000, 1), Find(peers, s_first, "10.0.1.3", 1000, 1));
        Assert.Equal(2, peers.Count);
    }

    [Theory]
    [InlineData("10.0.2.2", 501u, "10.0.1.2")]       // numbers go on
    [InlineData("10.0.2.3", 501u, "10.0.1.3")]       // of both, but the last byte says which
    [InlineData("10.0.2.9", 10_001u, "10.0.1.4")]    // of one only
    [InlineData("10.0.2.2", 400u, null)]             // they do not
    public void A_node_of_a_group_is_known_again_by_its_numbers_on_another_link(
        string address, uint number, string? expected)
    {
        var peers = new PeerDirectory([Group(), Group()]);
        Find(peers, s_first, "10.0.1.2", 1000, 500);
        Find(peers, s_first, "10.0.1.3", 1000, 499);
        Find(peers, s_first, "10.0.1.4", 1000, 10_000);

        PeerId found = Find(peers, s_second, address, 1000, number);

        Assert.Equal(Address.Read(IPAddress.Parse(expected ?? address).GetAddressBytes()), found.Address);
        Assert.Equal(found, Find(peers, s_second, address, 1000, number + 1));
    }

    [Fact]
    public void Among_too_many_nodes_the_one_not_heard_for_longest_gives_way()
    {
        var peers = new PeerDirectory([Group()]);
        for (int host = 1; host <= 100; host++) Find(peers, s_first, $"10.0.1.{host}", 1000, 1, host);
        Assert.Equal(32, peers.Count);
    }

    private PeerId Find(PeerDirectory peers, LinkId link, string address, ushort port, uint number, int now = 0)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_message.AsSpan(4), number);
        var arrival = new Arrival(_message, Address.Read(IPAddress.Parse(address).GetAddressBytes()), port, 0);
        return peers.Find(link, in arrival, new Instant(now));
    }

    private static LinkConfig Udp(string peer, params string[] more) =>
        Link(LinkKind.Udp, peer) with { MorePeers = [.. more.Select(IPAddress.Parse)] };

    private static LinkConfig Group() => Link(LinkKind.Multicast, "225.0.0.50");

    private static LinkConfig Link(LinkKind kind, string remote) =>
        new() { Kind = kind, Remote = IPAddress.Parse(remote), Port = 3780, Interface = "sync0" };
}
