using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>After lost events: one dump, and of it only what differs goes to the peer.</summary>
public sealed class RepairTests
{
    [Fact]
    public void The_repair_starts_the_configured_time_after_the_first_loss_however_many_follow()
    {
        using Node node = Node.Greeted(new SyncOptions { OverrunResyncSeconds = 30 });
        node.Engine.OnOverrun(node.Now);
        node.Run(20_000);
        node.Engine.OnOverrun(node.Now);
        node.Run(9_999);
        Assert.Empty(node.Requests());
        node.Run(1);
        Assert.Equal(["Dump Repair"], node.RequestTexts());
        Assert.Equal([SyncNoticeKind.RepairStarted], node.NoticeKinds());
        Assert.Equal(1u, node.Stats.KernelResyncs);
        EndEmpty(node);
        node.Run(100_000);
        Assert.Empty(node.Requests());
    }

    [Fact]
    public void Without_a_configured_time_the_repair_starts_at_once()
    {
        using Node node = Node.Greeted();
        node.Engine.OnOverrun(node.Now);
        node.Run(0);
        Assert.Equal(["Dump Repair"], node.RequestTexts());
    }

    [Theory]
    [InlineData(0, 500)]            // at least half a second
    [InlineData(700, 2_100)]        // three times what it took
    public void Repairs_at_once_leave_pauses_between_them(int tookMilliseconds, int pauseMilliseconds)
    {
        using Node node = Node.Greeted();
        node.Engine.OnOverrun(node.Now);
        node.Run(0);
        Assert.Single(node.Requests());
        node.Engine.OnOverrun(node.Now);                  // while it is under way: not covered by it
        node.Run(tookMilliseconds);
        Assert.Empty(node.Requests());
        EndEmpty(node);
        node.Run(pauseMilliseconds - 1);
        Assert.Empty(node.Requests());
        node.Run(1);
        Assert.Equal(["Dump Repair"], node.RequestTexts());
    }

    [Fact]
    public void Without_events_the_table_is_read_regularly_and_nothing_is_said_about_it()
    {
        using Node node = Node.Greeted(new SyncOptions { PollSeconds = 10 });
        node.Engine.OnOverrun(node.Now);
        node.Run(6_999);                                  // greeting took three seconds
        Assert.Empty(node.Requests());
        foreach (string[] expected in (string[][])[["NEW 1", "NEW 2"], ["UPD 1", "DEL 2"], []])
        {
            node.Run(1);
            Assert.Equal(["Dump Poll"], node.RequestTexts());
            PackedFlow none = default;
            node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Begin, in none);
            bool isFirst = expected.Length > 0 && expected[0] == "NEW 1";
            PackedFlow one = Flows.Tcp(1, isFirst ? TcpState.SynSent : TcpState.Established);
            PackedFlow two = Flows.Tcp(2);
            node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Entry, in one);
            if (isFirst) node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Entry, in two);
            node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.End, in none);
            while (node.Engine.NextDeadline <= node.Now) node.Engine.OnDeadline(node.Now);
            Assert.Equal(string.Join(' ', expected), string.Join(' ', node.Say()));
            node.Run(9_999);
            Assert.Empty(node.Requests());
        }

        Assert.All(node.NoticeKinds(), kind => Assert.Equal(SyncNoticeKind.PollDone, kind));
        Assert.Equal(0u, node.Stats.KernelResyncs);
    }

    [Fact]
    public void Another_filter_ends_at_the_peer_what_it_leaves_out_and_tells_what_it_lets_in()
    {
        FlowFilter Only(byte protocol) => new(
            FilterAction.Accept, [protocol], FilterAction.None, [], FilterAction.None, []);
        using Node node = Node.Greeted(new SyncOptions { Filter = Only(IpProtocol.Tcp), OverrunResyncSeconds = null });
        node.New(1);
        Assert.Equal("NEW 1", string.Join(' ', node.Say()));
        node.Engine.Reconfigure(new SyncOptions { Filter = Only(IpProtocol.Udp) });
        node.Engine.OnEventsLeftOut(node.Now);
        node.Wait(1);
        Assert.Equal(["Dump Poll"], node.RequestTexts());
        PackedFlow flow = Flows.Tcp(1);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Begin, in flow);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Entry, in flow);
        flow = Flows.Tcp(2);
        flow.Original.Protocol = flow.Reply.Protocol = IpProtocol.Udp;
        flow.Fields &= ~FlowFields.TcpState;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Entry, in flow);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.End, in flow);
        node.Wait(1);
        Assert.Equal("NEW 2 DEL 1", string.Join(' ', node.Say()));
        Assert.Equal(1u, node.Stats.Internal.Active);
    }

    /// <summary>Flows that are older than the first listener cause no events, not even when they end.</summary>
    [Fact]
    public void Flows_of_which_no_event_comes_are_looked_at_from_time_to_time()
    {
        using Node node = Node.Greeted();
        PackedFlow none = default;
        PackedFlow[] flows = [Flows.Tcp(0), Flows.Tcp(1), Flows.Tcp(2)];
        Dump(SnapshotPurpose.Start, flows);
        node.Update(0);                                   // of this one the kernel tells
        Assert.Equal(["UPD 0"], node.Say());

        List<long> pauses = [];
        foreach (PackedFlow[] table in (PackedFlow[][])[flows, flows, flows[..2], flows[..2], flows[..1], flows[..1]])
        {
            Instant before = node.Now;
            while (node.RequestTexts() is not ["Dump Poll"] && node.Now < before.PlusSeconds(1000)) node.Run(1000);
            pauses.Add(node.Now.Seconds - before.Seconds);
            Dump(SnapshotPurpose.Poll, table);
        }

        // Twice as long while all is quiet; none of which nothing was heard is left in the end.
        Assert.Equal([10, 20, 40, 10, 20, 1000], pauses);
        Assert.Equal(1, node.Count(CacheKind.Internal));

        void Dump(SnapshotPurpose purpose, PackedFlow[] table)
        {
            node.Engine.OnSnapshot(node.Now, purpose, SnapshotStep.Begin, in none);
            foreach (ref readonly PackedFlow flow in table.AsSpan())
                node.Engine.OnSnapshot(node.Now, purpose, SnapshotStep.Entry, in flow);
            node.Engine.OnSnapshot(node.Now, purpose, SnapshotStep.End, in none);
            node.Run(0);
        }
    }

    [Fact]
    public void A_flow_whose_state_is_not_wanted_any_more_is_not_swept()
    {
        var established = new FlowFilter(
            FilterAction.None, [], FilterAction.None, [], FilterAction.Accept, [TcpState.Established]);
        using Node node = WithFlows(3, established);
        Begin(node);
        Entry(node, Flows.Tcp(0));
        Entry(node, Flows.Tcp(1, TcpState.TimeWait));     // the event of it would have been dropped, too
        Entry(node, Flows.Tcp(7, TcpState.TimeWait));
        End(node);
        Assert.Equal(["DEL 2"], node.Say());
        Assert.Equal(2, node.Count(CacheKind.Internal));
        Assert.Equal(0u, node.Stats.EventsFiltered);      // they are no events
    }

    [Fact]
    public void With_off_there_is_no_repair()
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

    private static void EndEmpty(Node node)
    {
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Begin, in none);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        node.Run(0);
    }

    private static Node WithFlows(int count, FlowFilter? filter = null)
    {
        Node node = Node.Greeted(new SyncOptions
        {
            ResendQueueSize = 100_000,
            OverrunResyncSeconds = 30,
            Filter = filter ?? FlowFilter.AcceptAll,
        });
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
