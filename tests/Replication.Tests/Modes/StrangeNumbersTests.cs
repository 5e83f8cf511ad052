using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Numbers and greetings that a stranger could forge, and a peer that means them.</summary>
public sealed class StrangeNumbersTests
{
    private const uint Far = 1 << 20;

    [Fact]
    public void A_number_far_ahead_is_ignored_while_the_peer_goes_on_as_before()
    {
        using Node node = Node.Greeted();
        for (int second = 0; second < 10; second++)
        {
            node.Hear(Node.Data(PeerMessageType.FlowNew, node.PeerNext + Far + (uint)second, Flows.Tcp(9)));
            node.HearControl(PeerFlags.Alive);
            node.Run(1000);
        }

        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.Equal((10ul, 0ul), (node.Stats.JumpsRefused, node.Stats.Lost));
    }

    [Fact]
    public void It_is_told_once_until_the_peer_is_heard_again()
    {
        using Node node = Node.Greeted();
        for (uint number = 0; number < 5; number++)
            node.Hear(Node.Control(PeerFlags.Alive, node.PeerNext + Far + number));
        Assert.Equal([SyncNoticeKind.NumbersJump], node.NoticeKinds());
        node.HearControl(PeerFlags.Alive);
        node.Hear(Node.Control(PeerFlags.Alive, node.PeerNext + Far));
        Assert.Equal([SyncNoticeKind.NumbersJump], node.NoticeKinds());
    }

    [Fact]
    public void A_peer_that_goes_on_from_far_ahead_starts_afresh_and_is_asked_for_everything()
    {
        using Node node = Node.Greeted();
        node.PeerNext += Far + 77;
        List<string> said = [];
        for (int second = 0; second < 4; second++)
        {
            node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(second));
            said.AddRange(node.Run(1000));
        }

        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.Contains("RESYNC", said, StringComparer.Ordinal);
        Assert.DoesNotContain(said, text => text.StartsWith("NACK", StringComparison.Ordinal));
    }

    [Fact]
    public void A_number_just_below_the_limit_is_a_gap()
    {
        using Node node = Node.Greeted();
        uint expected = node.PeerNext;
        node.PeerNext += Far - 2;
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        Assert.Contains($"NACK {expected}..{expected + Far - 3}", node.Say(), StringComparer.Ordinal);
        Assert.Equal(1, node.Count(CacheKind.External));
    }

    [Fact]
    public void A_hello_with_a_number_far_ahead_is_a_restart_at_once()
    {
        using Node node = Node.Greeted();
        node.PeerNext += Far;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.Equal(0ul, node.Stats.JumpsRefused);
    }

    [Fact]
    public void A_peer_that_says_again_and_again_that_it_has_started_is_believed_seldom()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.Say();
        int told = 0;
        for (uint start = 0; start < 100; start++)
        {
            node.Hear(new PeerId(default, (ushort)(1000 + start)), Node.Control(PeerFlags.Alive | PeerFlags.Hello, start));
            told += node.Say().Count(text => text.EndsWith("NEW 1", StringComparison.Ordinal));
        }

        Assert.InRange(told, 1, 9);
        Assert.Equal(93ul, node.Stats.HellosRefused);   // it was greeted once before
        Assert.Single(node.NoticeKinds(), kind => kind == SyncNoticeKind.HelloFlood);

        // Whoever means it is believed soon.
        node.Run(4000);
        node.Hear(
            new PeerId(default, 9000), Node.Data(PeerMessageType.FlowNew, 7777, Flows.Tcp(2), PeerFlags.Hello));
        Assert.Equal(1, node.Count(CacheKind.External));
    }
}
