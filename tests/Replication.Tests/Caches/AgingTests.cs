using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>External entries whose flows are gone.</summary>
public sealed class AgingTests
{
    [Fact]
    public void What_a_peer_does_not_repeat_when_it_is_asked_for_everything_goes()
    {
        using Node node = Known(flows: 3);
        Ask(node);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        Acknowledge(node);
        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.Equal(2u, node.Stats.External.Destroyed);
    }

    [Fact]
    public void Before_the_request_is_acknowledged_nothing_goes()
    {
        using Node node = Known(flows: 3);
        Ask(node);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        node.Run(20_000);
        Assert.Equal(3, node.Count(CacheKind.External));
    }

    [Fact]
    public void When_something_was_lost_on_the_way_nothing_goes()
    {
        using Node node = Known(flows: 3);
        Ask(node);
        node.PeerNext++;
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        Acknowledge(node);
        Assert.Equal(3, node.Count(CacheKind.External));
    }

    [Fact]
    public void When_something_was_lost_on_the_way_everything_is_asked_for_again_later_each_time()
    {
        using Node node = Known(flows: 3);
        Ask(node);
        var waits = new List<long>();
        for (int attempt = 0; attempt < 3; attempt++)
        {
            node.PeerNext++;
            node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
            node.HearControl(PeerFlags.Ack, _asked, node.Send()[^1].Number);
            Instant asked = node.Now;
            List<Said> said = [];
            while (!said.Any(message => message.Text == "RESYNC"))
            {
                node.Wait(500);
                said = node.Send();
            }

            _asked = said.Single(message => message.Text == "RESYNC").Number;
            waits.Add((node.Now.Microseconds - asked.Microseconds) / 1_000_000);
        }

        Assert.Equal([5, 10, 15], waits);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        Acknowledge(node);
        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.DoesNotContain("RESYNC", node.Run(300_000), StringComparer.Ordinal);
    }

    [Fact]
    public void When_a_peer_has_nothing_at_all_nothing_goes()
    {
        using Node node = Known(flows: 3);
        Ask(node);
        Acknowledge(node);
        Assert.Equal(3, node.Count(CacheKind.External));
    }

    [Fact]
    public void When_a_peer_starts_anew_meanwhile_nothing_goes()
    {
        using Node node = Known(flows: 3);
        Ask(node);
        node.PeerNext += 100_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        Acknowledge(node);
        Assert.Equal(3, node.Count(CacheKind.External));
    }

    [Fact]
    public void A_large_cache_is_swept_some_entries_at_a_time()
    {
        using Node node = Known(flows: 10_000);
        Ask(node);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        node.HearControl(PeerFlags.Ack, _asked, _asked);
        node.Engine.OnDeadline(node.Now);
        Assert.InRange(node.Count(CacheKind.External), 2, 9_999);
        node.Wait(0);
        Assert.Equal(1, node.Count(CacheKind.External));
    }

    [Fact]
    public void A_request_is_acknowledged_after_what_it_asked_for()
    {
        using Node node = Node.Greeted(new SyncOptions { AckWindow = 4 });
        for (int number = 0; number < 2000; number++) node.New(number);
        node.AcknowledgeAll();
        node.Run(1000);
        node.HearControl(PeerFlags.Resync);
        for (int message = 0; message < 6; message++) node.HearControl(PeerFlags.Alive);
        List<string> said = node.Say();
        Assert.Equal(2000, said.Count(text => text.Contains("NEW", StringComparison.Ordinal)));
        Assert.StartsWith("ACK", said[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(said.SkipLast(2), text => text.StartsWith("ACK", StringComparison.Ordinal));
    }

    [Fact]
    public void What_outlived_its_owner_for_too_long_is_not_committed()
    {
        using Node node = Node.Greeted();
        PackedFlow brief = Flows.Tcp(1);
        brief.Timeout = 30;
        brief.Fields |= FlowFields.Timeout;
        PackedFlow lasting = Flows.Tcp(2);
        lasting.Timeout = 600;
        lasting.Fields |= FlowFields.Timeout;
        node.HearFlow(PeerMessageType.FlowNew, brief);
        node.HearFlow(PeerMessageType.FlowNew, lasting);
        node.Wait(32_000);
        node.Engine.OnCommand(node.Now, SyncCommand.Commit, ticket: 1);
        (string text, uint token, _) = Assert.Single(node.Requests());
        Assert.Equal("Create 2", text);
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, 0);
        Assert.Empty(node.Requests());
        SyncNotice done = Assert.Single(node.Notices(), notice => notice.Kind == SyncNoticeKind.CommitDone);
        Assert.Equal((1, 0, 1), (done.Value, done.Value2, done.Value3));
    }

    [Fact]
    public void While_its_owner_speaks_a_flow_that_is_not_called_ended_is_committed()
    {
        using Node node = Node.Greeted();
        PackedFlow stream = Flows.Tcp(1);
        stream.Timeout = 30;
        stream.Fields |= FlowFields.Timeout;
        node.HearFlow(PeerMessageType.FlowNew, stream);
        node.Wait(100_000);
        node.HearControl(PeerFlags.Alive);
        node.Engine.OnCommand(node.Now, SyncCommand.Commit, ticket: 1);
        (_, _, PackedFlow flow) = Assert.Single(node.Requests());
        Assert.Equal(30u, flow.Timeout);
    }

    private uint _asked;

    private static Node Known(int flows)
    {
        Node node = Node.Greeted();
        for (int number = 0; number < flows; number++) node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
        node.Say();
        return node;
    }

    private void Ask(Node node)
    {
        node.Engine.OnCommand(node.Now, SyncCommand.RequestResync, ticket: 0);
        _asked = node.Send().Single(said => said.Text == "RESYNC").Number;
    }

    private void Acknowledge(Node node)
    {
        node.HearControl(PeerFlags.Ack, _asked, _asked);
        node.Wait(0);
    }
}
