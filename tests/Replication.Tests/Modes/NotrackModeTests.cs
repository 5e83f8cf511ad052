using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class NotrackModeTests
{
    private static readonly SyncOptions Options = new() { Mode = SyncModeKind.Notrack };

    [Fact]
    public void A_change_is_sent_once_and_forgotten()
    {
        using var node = new Node(Options);
        node.New(1);
        Assert.Equal(["NEW 1"], node.Say());
        node.Update(1);
        Assert.Equal(["UPD 1"], node.Say());
        node.Destroy(1);
        Assert.Equal(["DEL 1"], node.Say());
        Assert.Empty(node.Say());
        Assert.Equal(0u, node.Stats.ResendQueue);
        Assert.Equal(0u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void Several_changes_before_there_is_room_leave_as_one()
    {
        using var node = new Node(Options);
        node.New(1);
        node.Update(1);
        node.New(2);
        node.Destroy(2);
        Assert.Equal(["UPD 1", "DEL 2"], node.Say());
    }

    [Fact]
    public void An_idle_node_says_that_it_lives_every_second_and_nothing_else()
    {
        using var node = new Node(Options);
        Assert.Equal(["ALIVE", "ALIVE", "ALIVE"], node.Run(3000));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(9));
        node.HearControl(PeerFlags.Alive);
        Assert.Equal(["ALIVE"], node.Run(1000));
        Assert.Equal(0u, node.Stats.ControlElements);
    }

    [Fact]
    public void A_node_that_sends_changes_does_not_say_that_it_lives()
    {
        using var node = new Node(Options);
        node.Wait(600);
        node.New(1);
        Assert.Equal(["NEW 1"], node.Say());
        Assert.Empty(node.Run(900));
        Assert.Equal(["ALIVE"], node.Run(100));
    }

    [Fact]
    public void A_request_for_everything_is_answered_with_the_cache()
    {
        using var node = new Node(Options);
        node.New(1);
        node.New(2);
        node.Update(2);
        node.Say();
        node.HearControl(PeerFlags.Resync);
        Assert.Equal(["NEW 1", "UPD 2"], node.Say());
        Assert.Equal([SyncNoticeKind.ResyncRequestedByPeer, SyncNoticeKind.SendingBulk], node.NoticeKinds());
    }

    [Fact]
    public void A_node_that_wants_everything_at_the_start_asks_at_once_and_once()
    {
        using var node = new Node(Options with { StartupResync = true });
        Assert.Equal(["RESYNC"], node.Say());
        Assert.Equal(["ALIVE"], node.Run(1000));
    }

    [Fact]
    public void What_comes_late_is_counted_and_applied_as_it_comes()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.PeerNext += 2;
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        Assert.Equal(2ul, node.Stats.Lost);
        node.PeerNext -= 2;
        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(1));
        Assert.Equal(1ul, node.Stats.Before);
        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.Empty(node.Say());
    }

    [Theory]
    [InlineData(PeerFlags.Ack)]
    [InlineData(PeerFlags.Nack)]
    [InlineData(PeerFlags.Hello)]
    [InlineData(PeerFlags.None)]
    public void Control_messages_of_other_modes_are_malformed(object flags)
    {
        using var node = new Node(Options);
        node.HearControl((PeerFlags)flags, 1000, 1000);
        Assert.Equal(1u, node.Stats.MalformedHeader);
    }

    [Fact]
    public void Two_peers_have_numbers_of_their_own()
    {
        using var node = new Node(Options);
        PeerId left = new(Address.FromIPv4(1)), right = new(Address.FromIPv4(2));
        node.Hear(left, Node.Control(PeerFlags.Alive, 100));
        node.Hear(right, Node.Control(PeerFlags.Alive, 900));
        node.Hear(left, Node.Control(PeerFlags.Alive, 101));
        node.Hear(right, Node.Control(PeerFlags.Alive, 901));
        Assert.Equal(0ul, node.Stats.Lost + node.Stats.Before);
    }

    [Fact]
    public void A_flow_that_ends_by_our_own_flush_leaves_the_queue()
    {
        using var node = new Node(Options);
        node.New(1);
        node.Event(FlowChange.Destroy, Flows.Tcp(1), EventOrigin.Flush);
        Assert.Empty(node.Say());
        Assert.Equal(0u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void A_peer_that_asks_for_everything_again_and_again_is_answered_seldom()
    {
        using var node = new Node(Options);
        node.New(1);
        node.Say();
        int told = 0;
        for (int request = 0; request < 100; request++)
        {
            node.HearControl(PeerFlags.Resync);
            told += node.Say().Count(text => text == "NEW 1");
        }

        Assert.InRange(told, 5, 7);
        Assert.Equal(95ul, node.Stats.ResyncsDeferred);
        Assert.Single(node.NoticeKinds(), kind => kind == SyncNoticeKind.ResyncFlood);
        Assert.Contains("NEW 1", node.Run(6000), StringComparer.Ordinal);

        // Another peer is not punished for it.
        node.Hear(new PeerId(Address.FromIPv4(7)), Node.Control(PeerFlags.Resync, 1));
        Assert.Equal(["NEW 1"], node.Say());
    }
}
