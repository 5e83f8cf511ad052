using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Without internal cache.</summary>
public sealed class InternalBypassTests
{
    private static readonly SyncOptions Options =
        new() { Mode = SyncModeKind.Notrack, DisableInternalCache = true, OverrunResyncSeconds = 3 };

    [Fact]
    public void Each_event_is_a_message_and_nothing_is_kept()
    {
        using var node = new Node(Options);
        node.New(1);
        node.Update(1);
        node.Update(1);
        node.Destroy(1);
        Assert.Equal(["NEW 1", "UPD 1", "UPD 1", "DEL 1"], node.Say());
        Assert.Empty(node.Say());
        Assert.Equal(new BypassStats(New: 1, Updated: 2, Destroyed: 1), node.Stats.Bypass);
        Assert.Equal(0, node.Count(CacheKind.Internal));
        Assert.Equal(0u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void Messages_are_packed_and_numbered_as_they_leave()
    {
        using var node = new Node(Options);
        for (int number = 0; number < 100; number++) node.New(number);
        List<byte[]> datagrams = [.. node.Datagrams()];
        Assert.InRange(datagrams.Count, 2, 10);
        Assert.All(datagrams, datagram => Assert.InRange(datagram.Length, 1, Node.Capacity - 1));
        IEnumerable<uint> numbers = datagrams.SelectMany(Node.Parse).Select(said => said.Number);
        Assert.Equal(Enumerable.Range(1000, 100).Select(number => (uint)number), numbers);
    }

    [Theory]
    [InlineData(EventOrigin.Commit)]
    [InlineData(EventOrigin.Flush)]
    [InlineData(EventOrigin.Inject)]
    public void What_we_did_to_the_kernel_ourselves_is_not_sent(EventOrigin origin)
    {
        using var node = new Node(Options);
        node.Event(FlowChange.New, Flows.Tcp(1), origin);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_request_for_everything_is_answered_with_the_kernels_table()
    {
        using var node = new Node(Options);
        node.HearControl(PeerFlags.Resync);
        node.HearControl(PeerFlags.Resync);
        Assert.Equal(["Dump Bulk"], node.RequestTexts());
        Dump(node, SnapshotStep.Begin);
        Dump(node, SnapshotStep.Entry, 1);
        Dump(node, SnapshotStep.Entry, 2);
        Dump(node, SnapshotStep.End);
        Assert.Equal(["NEW 1", "NEW 2"], node.Say());
        Assert.Empty(node.RequestTexts());
    }

    [Fact]
    public void A_dump_brings_nothing_that_an_event_spoke_of_meanwhile()
    {
        using var node = new Node(Options);
        node.Engine.OnCommand(node.Now, SyncCommand.SendBulk, ticket: 0);
        Assert.Equal(["Dump Bulk"], node.RequestTexts());
        Dump(node, SnapshotStep.Begin);
        node.Destroy(1);
        node.Update(2);
        Dump(node, SnapshotStep.Entry, 1);
        Dump(node, SnapshotStep.Entry, 2);
        Dump(node, SnapshotStep.Entry, 3);
        Dump(node, SnapshotStep.End);
        Assert.Equal(["DEL 1", "UPD 2", "NEW 3"], node.Say());
        Assert.Equal(0u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void After_lost_events_the_table_is_sent()
    {
        using var node = new Node(Options);
        node.Engine.OnOverrun(node.Now);
        node.Run(3000);
        Assert.Equal(["Dump Repair"], node.RequestTexts());
        Dump(node, SnapshotStep.Begin, 0, SnapshotPurpose.Repair);
        Dump(node, SnapshotStep.Entry, 1, SnapshotPurpose.Repair);
        Dump(node, SnapshotStep.End, 0, SnapshotPurpose.Repair);
        Assert.Equal(["NEW 1"], node.Say());
    }

    [Fact]
    public void A_dump_waits_while_the_link_takes_nothing_and_too_many_events_are_dropped_and_told_once()
    {
        using var node = new Node(Options);
        node.Engine.OnCommand(node.Now, SyncCommand.SendBulk, ticket: 0);
        node.RequestTexts();
        Dump(node, SnapshotStep.Begin);
        int read = 0;
        while (node.Engine.HasRoomForSnapshot) Dump(node, SnapshotStep.Entry, read++);
        Assert.InRange(read, 10_000, 100_000);
        for (int number = 0; number < read * 2; number++) node.Update(number & 0x3fff);
        Assert.Equal([SyncNoticeKind.BypassFull], node.NoticeKinds());
        Assert.InRange(node.Say().Count, read + 10_000, read * 3);
        Assert.True(node.Engine.HasRoomForSnapshot);
        node.Update(1);
        Assert.Equal(["UPD 1"], node.Say());
    }

    [Fact]
    public void Commands_for_the_cache_leave_the_kernel_alone()
    {
        using var node = new Node(Options);
        Assert.Equal(SyncReply.Done, node.Engine.OnCommand(node.Now, SyncCommand.FlushCaches, ticket: 0));
        Assert.Equal(SyncReply.Done, node.Engine.OnCommand(node.Now, SyncCommand.FlushInternalCache, ticket: 0));
        Assert.Equal(SyncReply.Done, node.Engine.OnCommand(node.Now, SyncCommand.ResyncKernel, ticket: 0));
        Assert.Empty(node.RequestTexts());
        Assert.Contains(SyncNoticeKind.ResyncUnsupported, node.NoticeKinds());
    }

    private static void Dump(
        Node node, SnapshotStep step, int number = 0, SnapshotPurpose purpose = SnapshotPurpose.Bulk)
    {
        PackedFlow flow = Flows.Tcp(number);
        node.Engine.OnSnapshot(node.Now, purpose, step, in flow);
    }
}
