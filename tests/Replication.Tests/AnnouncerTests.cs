using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>When peers hear of a flow for the first time.</summary>
public sealed class AnnouncerTests
{
    private const int Many = 1000;

    private static readonly SyncOptions Delayed = new() { AnnounceDelayMilliseconds = 50, AnnounceAtOnce = 0 };

    [Fact]
    public void While_few_begin_they_are_announced_at_once()
    {
        using Node node = Node.Greeted(Delayed with { AnnounceAtOnce = 2 });
        node.New(1);
        node.New(2);
        Assert.Equal(["NEW 1", "NEW 2"], node.Say());
        node.New(3);
        Assert.Empty(node.Say());
        Assert.Equal(1u, node.Stats.Unannounced);
    }

    [Fact]
    public void While_many_begin_each_is_announced_when_its_delay_is_over()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Update(1);
        Assert.Empty(node.Say());
        Instant begun = node.Now;
        Assert.True(node.Engine.NextDeadline <= begun.PlusMilliseconds(50));
        Assert.True(node.Engine.NextDeadline > begun.PlusMilliseconds(40));
        Assert.Equal("NEW 1", Flows(node.Run(50)));
        node.Update(1);
        Assert.Equal(["UPD 1"], node.Say());
        Assert.Equal(0u, node.Stats.Unannounced);
    }

    /// <summary>The state after the begin, and what is said of it and of its end.</summary>
    [Theory]
    [InlineData(TcpState.SynSent, "NEW 1", "DEL 1")]
    [InlineData(TcpState.Established, "NEW 1", "DEL 1")]
    [InlineData(TcpState.LastAck, "", "")]
    [InlineData(TcpState.TimeWait, "", "")]
    [InlineData(TcpState.Close, "", "")]
    public void What_is_over_when_the_delay_is_needs_no_announcement_and_no_end(
        TcpState state, string said, string saidOfEnd)
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Update(1, state);
        Assert.Equal(said, Flows(node.Run(60)));
        node.Destroy(1);
        Assert.Equal(saidOfEnd, Flows(node.Run(2000)));
        Assert.Equal(0u, node.Stats.Internal.Active);
    }

    /// <summary>A half-closed connection may last: one side goes on.</summary>
    [Theory]
    [InlineData(TcpState.CloseWait, "NEW 1")]
    [InlineData(TcpState.TimeWait, "")]
    public void What_is_half_closed_is_announced_if_it_stays_so(TcpState then, string said)
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Update(1, TcpState.FinWait);
        Assert.Equal("", Flows(node.Run(60)));
        node.Update(1, then);
        Assert.Equal("", Flows(node.Run(800)));
        Assert.Equal(said, Flows(node.Run(300)));
    }

    [Fact]
    public void What_ends_before_its_delay_is_over_is_forgotten()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Destroy(1);
        Assert.Equal((0u, 0u), (node.Stats.Internal.Objects, node.Stats.Unannounced));
        Assert.Equal("", Flows(node.Run(2000)));
    }

    [Fact]
    public void A_flow_in_the_place_of_one_that_peers_hold_is_announced_at_once()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        Assert.Equal("NEW 1", Flows(node.Run(60)));
        node.Destroy(1);
        node.New(1);
        Assert.Equal(["NEW 1"], node.Say());
    }

    [Fact]
    public void A_flow_that_opens_again_after_it_was_given_up_is_announced()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Update(1, TcpState.Close);
        Assert.Equal("", Flows(node.Run(60)));
        node.New(2);
        node.Update(1, TcpState.Established);
        Assert.Equal("NEW 2, NEW 1", Flows(node.Run(60)));
    }

    [Fact]
    public void A_bulk_brings_young_flows_and_leaves_out_those_that_were_given_up()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Update(1, TcpState.TimeWait);
        node.Run(60);
        node.New(2);
        node.Engine.OnCommand(node.Now, SyncCommand.SendBulk, 0);
        Assert.Equal("NEW 2", Flows(node.Say()));
        Assert.Equal("", Flows(node.Run(60)));
    }

    [Fact]
    public void A_master_is_announced_before_what_is_related_to_it()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Update(1, TcpState.TimeWait);
        Assert.Equal("", Flows(node.Run(60)));
        PackedFlow child = Tests.Flows.Tcp(2);
        child.Master = Tests.Flows.Tcp(1).Original;
        child.Fields |= FlowFields.Master;
        node.Event(FlowChange.New, child);
        Assert.Equal("UPD 1, NEW 2", Flows(node.Run(60)));
    }

    [Fact]
    public void What_is_emptied_does_not_come_back()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        node.Engine.OnCommand(node.Now, SyncCommand.FlushInternalCache, 0);
        Assert.Equal("", Flows(node.Run(60)));
        Assert.Equal(0u, node.Stats.Unannounced);
    }

    [Fact]
    public void What_a_dump_finds_different_is_announced_at_once()
    {
        using Node node = Node.Greeted(Delayed);
        node.New(1);
        PackedFlow other = Tests.Flows.Tcp(2);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Begin, in other);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Entry, in other);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in other);
        node.Engine.OnDeadline(node.Now);
        Assert.Equal("NEW 2", Flows(node.Say()));     // the end of the other is no news
        Assert.Equal(1u, node.Stats.Internal.Active);
    }

    [Fact]
    public void Without_delay_everything_is_told()
    {
        using Node node = Node.Greeted(Delayed with { AnnounceDelayMilliseconds = 0 });
        node.New(1);
        node.New(2);
        node.Update(1, TcpState.TimeWait);
        node.Destroy(2);
        Assert.Equal(["UPD 1", "DEL 2"], node.Say());
    }

    [Fact]
    public void The_clock_of_the_delay_may_wrap()
    {
        using Node node = Node.Greeted(Delayed);
        node.Now = new Instant(((1L << 32) - 20) * 1000);
        node.New(1);
        Assert.Equal("", Flows(node.Run(30)));
        Assert.Equal("NEW 1", Flows(node.Run(30)));
    }

    [Fact]
    public void Waiting_allocates_nothing()
    {
        using Node node = Node.Greeted(Delayed);
        Begin(node, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 1; round < 5; round++) Begin(node, round);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0u, node.Stats.Unannounced);
    }

    private static void Begin(Node node, int round)
    {
        for (int number = 0; number < Many; number++) node.New(number);
        if (node.Stats.Unannounced == 0) throw new InvalidOperationException("nothing waits");
        for (int number = 0; number < Many; number++)
            node.Update(number, round % 2 == 0 ? TcpState.TimeWait : TcpState.FinWait);
        node.Now = node.Now.PlusMilliseconds(60);
        node.Engine.OnDeadline(node.Now);
        for (int number = 0; number < Many; number++) node.Destroy(number);
    }

    private static string Flows(IEnumerable<string> said) =>
        string.Join(", ", said.Where(static text => text[^1] is >= '0' and <= '9' && text.Contains(' ')
            && text[..3] is "NEW" or "UPD" or "DEL"));
}
