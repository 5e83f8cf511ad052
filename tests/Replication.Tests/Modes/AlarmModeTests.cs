using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class AlarmModeTests
{
    private static readonly SyncOptions Options =
        new() { Mode = SyncModeKind.Alarm, RefreshSeconds = 10, CacheTimeoutSeconds = 30 };

    [Fact]
    public void A_change_is_sent_at_once_without_flags()
    {
        using var node = new Node(Options);
        node.New(1);
        node.Update(2);
        Assert.Equal(["NEW 1", "NEW 2"], node.Say());
        node.Update(1);
        node.Destroy(2);
        Assert.Equal(["UPD 1", "DEL 2"], node.Say());
        Assert.Equal(1u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void A_node_without_flows_says_nothing_and_need_not_be_called()
    {
        using var node = new Node(Options);
        Assert.Equal(Instant.Never, node.Engine.NextDeadline);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        Assert.Empty(node.Run(20_000));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(2000)]
    public void Every_flow_is_repeated_once_in_each_refresh_time(int count)
    {
        using var node = new Node(Options);
        for (int number = 0; number < count; number++) node.New(number);
        node.Say();
        node.Run(10_000);
        for (int walk = 0; walk < 3; walk++)
        {
            IEnumerable<IGrouping<string, string>> said = node.Run(10_000).GroupBy(text => text, StringComparer.Ordinal);
            Assert.Equal(count, said.Count());
            Assert.All(said, group => Assert.Single(group));
        }
    }

    [Fact]
    public void Repetitions_are_spread_over_the_refresh_time()
    {
        using var node = new Node(Options);
        for (int number = 0; number < 1000; number++) node.New(number);
        node.Say();
        for (int second = 0; second < 10; second++) Assert.InRange(node.Run(1000).Count, 90, 110);
    }

    [Fact]
    public void After_a_long_pause_the_repetitions_go_on_where_they_stood()
    {
        using var node = new Node(Options);
        for (int number = 0; number < 1000; number++) node.New(number);
        node.Say();
        node.Now = node.Now.PlusSeconds(3600);
        Assert.InRange(node.Run(1000).Count, 200, 310);
    }

    [Fact]
    public void A_flow_that_was_loaded_at_the_start_is_first_sent_by_the_refresh()
    {
        using var node = new Node(Options);
        PackedFlow flow = Flows.Tcp(1);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Start, SnapshotStep.Begin, in flow);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Start, SnapshotStep.Entry, in flow);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Start, SnapshotStep.End, in flow);
        Assert.Empty(node.Say());
        Assert.Equal(["NEW 1"], node.Run(10_000));
    }

    [Fact]
    public void An_external_entry_expires_unless_it_is_repeated()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        node.Wait(20_000);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        node.Wait(9_900);
        Assert.Equal(2, node.Count(CacheKind.External));
        node.Wait(200);
        Assert.Equal(1, node.Count(CacheKind.External));
        node.Wait(20_000);
        Assert.Equal(0, node.Count(CacheKind.External));
        Assert.Equal(2u, node.Stats.External.Destroyed);
        Assert.Equal(Instant.Never, node.Engine.NextDeadline);
    }

    [Fact]
    public void An_emptied_external_cache_has_nothing_that_expires()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.Engine.OnCommand(node.Now, SyncCommand.FlushExternalCache, ticket: 0);
        Assert.Equal(Instant.Never, node.Engine.NextDeadline);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(2));
        Assert.Equal(Instant.Never, node.Engine.NextDeadline);
    }

    [Fact]
    public void Whatever_has_a_flag_is_ignored()
    {
        using var node = new Node(Options);
        node.HearControl(PeerFlags.Resync);
        node.HearControl(PeerFlags.Nack, 1000, 2000);
        node.Hear(Node.Data(PeerMessageType.FlowNew, 7, Flows.Tcp(1), PeerFlags.Hello));
        Assert.Empty(node.Say());
        Assert.Equal(0, node.Count(CacheKind.External));
        Assert.Equal(0ul, node.Stats.Malformed);
        Assert.Empty(node.NoticeKinds());
    }

    [Theory]
    [InlineData(SyncCommand.RequestResync)]
    [InlineData(SyncCommand.SendBulk)]
    public void Commands_for_the_peer_do_nothing(SyncCommand command)
    {
        using var node = new Node(Options);
        node.New(1);
        node.Say();
        Assert.Equal(SyncReply.Done, node.Engine.OnCommand(node.Now, command, ticket: 0));
        Assert.Empty(node.Say());
        Assert.Empty(node.NoticeKinds());
    }
}
