using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>After lost events: one dump, and of it only what differs goes to the peer.</summary>
public sealed class RepairTests
{
    [Fact]
    public void The_repair_starts_when_events_have_not_been_lost_for_the_configured_time()
    {
        using Node node = Node.Greeted(new SyncOptions { OverrunResyncSeconds = 30 });
        node.Engine.OnOverrun(node.Now);
        node.Run(20_000);
        node.Engine.OnOverrun(node.Now);
        node.Run(29_999);
        Assert.Empty(node.Requests());
        node.Run(1);
        Assert.Equal(["Dump Repair"], node.RequestTexts());
        Assert.Equal([SyncNoticeKind.RepairStarted], node.NoticeKinds());
        Assert.Equal(1u, node.Stats.KernelResyncs);
    }

    [Fact]
    public void Without_a_configured_time_there_is_no_repair()
    {
        using Node node = Node.Greeted(new SyncOptions { OverrunResyncSeconds = null });
        node.Engine.OnOverrun(node.Now);
        node.Run(100_000);
        Assert.Empty(node.Requests());
    }

    [Fact]
    public void Only_what_differs_is_sent()
    {
        using Node node = WithFlows(10);
        PackedFlow older = Flows.Tcp(1);
        older.Timeout = 17;
        PackedFlow marked = Flows.Tcp(2);
        marked.Mark = 9;
        marked.Fields |= FlowFields.Mark;
        Begin(node);
        Entry(node, older);
        Entry(node, marked);
        Entry(node, Flows.Tcp(3, TcpState.TimeWait));
        Entry(node, Flows.Tcp(77));
        for (int number = 5; number < 10; number++) Entry(node, Flows.Tcp(number));
        End(node);
        Assert.Equal(["UPD 2", "UPD 3", "NEW 77", "DEL 0", "DEL 4"], node.Say());
        SyncNotice done = node.Notices()[^1];
        Assert.Equal((SyncNoticeKind.RepairDone, 5L), (done.Kind, done.Value));
    }

    [Fact]
    public void What_an_event_tells_during_the_dump_is_not_swept()
    {
        using Node node = WithFlows(2);
        Begin(node);
        node.Update(0);
        node.New(5);
        Entry(node, Flows.Tcp(1));
        End(node);
        Assert.Equal(["UPD 0", "NEW 5"], node.Say());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_end_that_is_told_during_the_dump_is_not_undone_by_an_older_entry(bool isAcknowledged)
    {
        using Node node = WithFlows(2);
        Begin(node);
        node.Destroy(1);
        node.Destroy(7);                                  // not known yet: it may still come
        if (isAcknowledged) node.AcknowledgeAll();
        for (int number = 0; number < 2; number++) Entry(node, Flows.Tcp(number));
        Entry(node, Flows.Tcp(7));
        End(node);
        Assert.Equal(isAcknowledged ? [] : ["DEL 1"], node.Say());
        Assert.Equal(1, node.Count(CacheKind.Internal));
        if (isAcknowledged) Assert.Equal(1u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void A_change_that_is_told_during_the_dump_is_not_undone_by_an_older_entry()
    {
        using Node node = WithFlows(1);
        PackedFlow older = Flows.Tcp(0, TcpState.SynSent);
        older.Mark = 9;
        older.Fields |= FlowFields.Mark;
        Begin(node);
        node.Update(0, TcpState.FinWait);
        Entry(node, older);
        End(node);
        string line = Assert.Single(Flows.Lines(node.Engine, CacheKind.Internal));
        Assert.Contains("FIN_WAIT", line, StringComparison.Ordinal);
        Assert.Contains("mark=9", line, StringComparison.Ordinal);     // what the event does not speak of is news
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_flow_whose_end_and_successor_were_lost_is_not_mixed_with_it(bool isByDump)
    {
        using Node node = Node.Greeted();
        PackedFlow before = Flows.Tcp(1);
        before.Id = 100;
        before.Mark = 9;
        before.Fields |= FlowFields.Id | FlowFields.Mark;
        node.Event(FlowChange.New, before);
        node.AcknowledgeAll();
        PackedFlow after = Flows.Tcp(1);
        after.Id = 101;
        after.Reply.DestinationPort = 4711;
        after.Fields |= FlowFields.Id;
        if (isByDump)
        {
            Begin(node);
            Entry(node, after);
            End(node);
        }
        else
        {
            node.Event(FlowChange.Update, after);
        }

        Assert.Equal(["NEW 1"], node.Say());
        string line = Assert.Single(Flows.Lines(node.Engine, CacheKind.Internal));
        Assert.Contains("dport=4711", line, StringComparison.Ordinal);
        Assert.DoesNotContain("mark=9", line, StringComparison.Ordinal);
    }

    [Fact]
    public void From_a_dump_that_failed_nothing_is_concluded_and_it_is_tried_again()
    {
        using Node node = WithFlows(3);
        Begin(node);
        Entry(node, Flows.Tcp(1));
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Abort, in none);
        Assert.Empty(node.Say());
        Assert.Equal(3, node.Count(CacheKind.Internal));
        node.Run(30_000);
        Assert.Equal(["Dump Repair"], node.RequestTexts());
    }

    [Fact]
    public void A_large_cache_is_swept_in_steps()
    {
        using Node node = WithFlows(10_000);
        Begin(node);
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        int steps = 0;
        while (node.Engine.NextDeadline <= node.Now)
        {
            node.Engine.OnDeadline(node.Now);
            steps++;
            if (steps == 1) Assert.InRange(node.Stats.Internal.Active, 1u, 9999u);
        }

        Assert.Equal((3, 0u), (steps, node.Stats.Internal.Active));
        Assert.Equal(10_000L, node.Notices()[^1].Value);
    }

    [Fact]
    public void A_cache_flushed_during_the_sweep_is_swept_from_the_start()
    {
        using Node node = WithFlows(10_000);
        Begin(node);
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        node.Engine.OnDeadline(node.Now);
        node.Engine.OnCommand(node.Now, SyncCommand.FlushInternalCache, ticket: 0);
        node.New(1);
        node.Engine.OnDeadline(node.Now);
        Assert.Equal(["NEW 1"], node.Say());
        Assert.Equal(SyncNoticeKind.RepairDone, node.NoticeKinds()[^1]);
    }

    [Fact]
    public void Another_dump_waits_for_the_end_of_the_sweep()
    {
        using Node node = WithFlows(10_000);
        Begin(node);
        node.Engine.OnCommand(node.Now, SyncCommand.ResyncKernel, ticket: 1);
        for (int number = 0; number < 10_000; number++) Entry(node, Flows.Tcp(number));
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        Assert.Empty(node.Requests());
        node.Wait(0);
        Assert.Equal(["Dump Resync"], node.RequestTexts());
        Assert.Equal(10_000u, node.Stats.Internal.Active);
    }

    private static Node WithFlows(int count)
    {
        Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 100_000 });
        for (int number = 0; number < count; number++) node.New(number);
        node.AcknowledgeAll();
        Assert.Equal(0u, node.Stats.ResendQueue);
        return node;
    }

    private static void Begin(Node node)
    {
        node.Engine.OnOverrun(node.Now);
        node.Run(30_000);
        Assert.Single(node.Requests());
        node.Notices();
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Begin, in none);
    }

    private static void Entry(Node node, PackedFlow flow) =>
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Entry, in flow);

    private static void End(Node node)
    {
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        while (node.Engine.NextDeadline <= node.Now) node.Engine.OnDeadline(node.Now);
    }
}
