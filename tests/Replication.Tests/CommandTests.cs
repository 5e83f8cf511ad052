using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>What an operator asks for, and what the engine does to the kernel's table because of it.</summary>
public sealed class CommandTests
{
    private const int Ticket = 42;

    [Fact]
    public void A_bulk_sends_everything_once_and_keeps_the_queue_short()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 6000; number++) node.New(number);
        node.AcknowledgeAll();
        node.Update(5);
        node.AcknowledgeAll();

        Assert.Equal(SyncReply.Done, Command(node, SyncCommand.SendBulk));
        uint longest = 0;
        var said = new List<Said>();
        foreach (byte[] datagram in node.Datagrams())
        {
            said.AddRange(Node.Parse(datagram));
            longest = Math.Max(longest, node.Stats.TransmitQueue);
        }

        Assert.Equal(6000, said.Select(one => one.Text).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(6000, said.Count);
        Assert.Single(said, one => one.Text == "UPD 5");
        Assert.InRange(longest, 1u, 1024u + 256u);
        Assert.Equal([SyncNoticeKind.SendingBulk], node.NoticeKinds());
    }

    [Fact]
    public void A_bulk_asked_for_during_a_bulk_follows_it()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 5000; number++) node.New(number);
        node.AcknowledgeAll();
        Command(node, SyncCommand.SendBulk);
        int sent = Node.Parse(node.Datagrams().First()).Count();
        Command(node, SyncCommand.SendBulk);
        Command(node, SyncCommand.SendBulk);
        sent += node.AcknowledgeAll();
        Assert.Equal(10_000, sent);
    }

    [Fact]
    public void A_peer_that_asks_gets_everything_with_what_still_has_to_be_deleted()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.New(2);
        node.Destroy(2);
        node.Send();
        node.HearControl(PeerFlags.Resync);
        Assert.Equal(["NEW 1", "DEL 2"], node.Say());
        Assert.Equal([SyncNoticeKind.ResyncRequestedByPeer, SyncNoticeKind.SendingBulk], node.NoticeKinds());
    }

    [Fact]
    public void A_resync_request_goes_to_the_peer()
    {
        using Node node = Node.Greeted();
        Assert.Equal(SyncReply.Done, Command(node, SyncCommand.RequestResync));
        Assert.Equal(["RESYNC"], node.Say());
        Assert.Equal([SyncNoticeKind.ResyncRequested], node.NoticeKinds());
    }

    [Theory]
    [InlineData(SyncCommand.FlushCaches, 0, 0, SyncNoticeKind.FlushingCaches)]
    [InlineData(SyncCommand.FlushInternalCache, 0, 1, SyncNoticeKind.FlushingInternal)]
    [InlineData(SyncCommand.FlushExternalCache, 1, 0, SyncNoticeKind.FlushingExternal)]
    public void A_flush_of_caches_sends_nothing(SyncCommand command, int inside, int outside, SyncNoticeKind notice)
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.Send();
        node.Update(1);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        Assert.Equal(SyncReply.Done, Command(node, command));
        Assert.Equal((inside, outside), (node.Count(CacheKind.Internal), node.Count(CacheKind.External)));
        Assert.Equal([notice], node.NoticeKinds());
        Assert.Equal(inside == 1 ? ["UPD 1"] : [], node.Say());
        if (inside == 0) Assert.Equal((0u, 1u), (node.Stats.Internal.Objects, node.Stats.Internal.Destroyed));
        if (outside == 0) Assert.Equal((0u, 1u), (node.Stats.External.Objects, node.Stats.External.Destroyed));
    }

    [Fact]
    public void A_flush_of_caches_leaves_control_messages_in_their_queues()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive);
        uint number = AcknowledgingNumber(node);
        node.New(1);
        node.Send();
        Command(node, SyncCommand.FlushCaches);
        node.HearControl(PeerFlags.Nack, number, number + 1);
        Assert.Equal(["ACK 5002..5003"], node.Say());
    }

    [Fact]
    public void A_flush_during_a_bulk_ends_the_bulk()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 3000; number++) node.New(number);
        node.AcknowledgeAll();
        Command(node, SyncCommand.SendBulk);
        _ = node.Datagrams().First();
        Command(node, SyncCommand.FlushInternalCache);
        Assert.Empty(node.Say());
        node.New(1);
        Assert.Equal(["NEW 1"], node.Say());
    }

    [Fact]
    public void A_flush_of_the_kernel_is_one_request_and_its_end_names_the_command()
    {
        using Node node = Node.Greeted();
        Assert.Equal(SyncReply.Pending, Command(node, SyncCommand.FlushKernel));
        Assert.Equal(["Flush"], node.RequestTexts());
        Assert.Equal([SyncNoticeKind.FlushingKernel], node.NoticeKinds());
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Flush, 0, 0);
        SyncNotice done = Assert.Single(node.Notices());
        Assert.Equal((SyncNoticeKind.KernelFlushDone, Ticket, 0L), (done.Kind, done.Ticket, done.Value));
        Assert.Equal(1u, node.Stats.KernelFlushes);
    }

    [Fact]
    public void A_resync_with_the_kernel_learns_and_neither_sends_nor_removes()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.AcknowledgeAll();
        Assert.Equal(SyncReply.Pending, Command(node, SyncCommand.ResyncKernel));
        Assert.Equal(["Dump Resync"], node.RequestTexts());
        node.Notices();
        Dump(node, SnapshotPurpose.Resync, Flows.Tcp(2), Flows.Tcp(3));
        SyncNotice done = Assert.Single(node.Notices());
        Assert.Equal((SyncNoticeKind.KernelResyncDone, Ticket), (done.Kind, done.Ticket));
        Assert.Empty(node.Say());
        Assert.Equal((3, 1u), (node.Count(CacheKind.Internal), node.Stats.KernelResyncs));
    }

    [Fact]
    public void The_dump_at_start_fills_the_cache_and_says_nothing()
    {
        using var node = new Node();
        Dump(node, SnapshotPurpose.Start, Flows.Tcp(1), Flows.Tcp(2));
        Assert.Equal(2, node.Count(CacheKind.Internal));
        Assert.Empty(node.Say());
        Assert.Empty(node.Notices());
    }

    [Fact]
    public void A_purge_empties_kernel_and_cache_after_its_time()
    {
        using Node node = Node.Greeted(new SyncOptions { PurgeSeconds = 60 });
        node.New(1);
        node.AcknowledgeAll();
        Assert.Equal(SyncReply.Done, Command(node, SyncCommand.Purge));
        SyncNotice scheduled = Assert.Single(node.Notices());
        Assert.Equal((SyncNoticeKind.PurgeScheduled, 60L), (scheduled.Kind, scheduled.Value));
        node.Run(30_000);
        Command(node, SyncCommand.Purge);                        // runs already
        node.Run(29_999);
        Assert.Empty(node.Requests());
        Assert.Equal(1, node.Count(CacheKind.Internal));
        node.Run(1);
        Assert.Equal(["Flush"], node.RequestTexts());
        Assert.Contains(SyncNoticeKind.PurgingKernel, node.NoticeKinds());
        Assert.Equal(0, node.Count(CacheKind.Internal));
        node.Run(120_000);
        Assert.Empty(node.Requests());
    }

    [Theory]
    [InlineData(SyncCommand.Commit)]
    [InlineData(SyncCommand.FlushCaches)]
    [InlineData(SyncCommand.FlushInternalCache)]
    public void A_purge_is_called_off_by_a_take_over(SyncCommand command)
    {
        using Node node = Node.Greeted(new SyncOptions { PurgeSeconds = 60 });
        Command(node, SyncCommand.Purge);
        Command(node, command);
        node.Run(100_000);
        Assert.DoesNotContain(SyncNoticeKind.PurgingKernel, node.NoticeKinds());
    }

    [Fact]
    public void A_request_for_everything_is_repeated_once_when_the_peer_connects_anew()
    {
        using Node node = Node.Greeted();
        Command(node, SyncCommand.RequestResync);
        Assert.Equal(["RESYNC"], node.Say());
        node.Engine.OnConnected(node.Now);
        Assert.Equal(["RESYNC"], node.Say());
        node.Engine.OnConnected(node.Now);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_request_that_was_answered_long_ago_is_not_repeated()
    {
        using Node node = Node.Greeted();
        Command(node, SyncCommand.RequestResync);
        node.Run(30_000);
        node.Engine.OnConnected(node.Now);
        Assert.Empty(node.Say());
    }

    private static SyncReply Command(Node node, SyncCommand command) =>
        node.Engine.OnCommand(node.Now, command, Ticket);

    private static uint AcknowledgingNumber(Node node)
    {
        node.Wait(1000);
        return Assert.Single(node.Send()).Number;
    }

    private static void Dump(Node node, SnapshotPurpose purpose, params PackedFlow[] flows)
    {
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, purpose, SnapshotStep.Begin, in none);
        foreach (PackedFlow flow in flows) node.Engine.OnSnapshot(node.Now, purpose, SnapshotStep.Entry, in flow);
        node.Engine.OnSnapshot(node.Now, purpose, SnapshotStep.End, in none);
    }
}
