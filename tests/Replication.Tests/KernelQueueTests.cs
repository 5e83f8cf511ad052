using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class KernelQueueTests
{
    private readonly KernelQueue _queue = new();
    private KernelRequest _request;

    [Fact]
    public void One_dump_runs_at_a_time_and_the_next_follows_its_end()
    {
        _queue.AddDump(SnapshotPurpose.Resync, ticket: 3);
        _queue.AddDump(SnapshotPurpose.Repair, ticket: 0);
        Assert.True(_queue.Poll(ref _request));
        Assert.Equal((KernelRequestKind.Dump, SnapshotPurpose.Resync), (_request.Kind, _request.Purpose));
        Assert.False(_queue.Poll(ref _request));
        Assert.Equal(3, _queue.EndDump());
        Assert.True(_queue.Poll(ref _request));
        Assert.Equal(SnapshotPurpose.Repair, _request.Purpose);
        Assert.Equal(0, _queue.EndDump());
        Assert.False(_queue.Poll(ref _request));
    }

    [Fact]
    public void One_flush_runs_at_a_time_beside_a_dump()
    {
        _queue.AddDump(SnapshotPurpose.Resync, ticket: 1);
        _queue.AddFlush(ticket: 2);
        _queue.AddFlush(ticket: 4);
        Assert.True(_queue.Poll(ref _request));
        Assert.Equal((KernelRequestKind.Flush, EventOrigin.Flush), (_request.Kind, _request.Origin));
        Assert.True(_queue.Poll(ref _request));
        Assert.Equal(KernelRequestKind.Dump, _request.Kind);
        Assert.False(_queue.Poll(ref _request));
        Assert.Equal(2, _queue.EndFlush());
        Assert.True(_queue.Poll(ref _request));
        Assert.Equal(4, _queue.EndFlush());
    }

    [Fact]
    public void The_end_of_a_dump_that_nobody_asked_for_ends_nothing()
    {
        _queue.AddDump(SnapshotPurpose.Resync, ticket: 5);
        Assert.Equal(0, _queue.EndDump());
        Assert.True(_queue.Poll(ref _request));
        Assert.Equal(5, _queue.EndDump());
    }

    [Fact]
    public void More_than_the_limit_is_refused()
    {
        int dumps = 0;
        while (_queue.AddDump(SnapshotPurpose.Resync, ticket: 0)) dumps++;
        int flushes = 0;
        while (_queue.AddFlush(ticket: 0)) flushes++;
        Assert.Equal((64, 64), (dumps, flushes));
    }
}
