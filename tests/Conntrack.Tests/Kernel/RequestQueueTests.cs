using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class RequestQueueTests
{
    [Fact]
    public void Of_a_thousand_creates_exactly_those_that_exist_fail() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        foreach (ushort port in (ushort[])[1, 2, 255, 256, 257, 500, 999, 1000])
        {
            PackedFlow flow = Flows.Tcp(port);
            Assert.True(client.Create(in flow).IsSuccess);
        }

        using var queue = new RequestQueue();
        List<uint> failed = [];
        List<uint> answered = [];
        for (ushort port = 1; port <= 1000; port++)
        {
            PackedFlow flow = Flows.Tcp(port);
            Assert.True(queue.Create(port, in flow));
            if (!queue.IsFull && port < 1000) continue;

            Assert.True(queue.Send().IsSuccess);
            Assert.False(queue.Create(0, in flow));
            while (queue.TryReadAnswer(out RequestAnswer answer))
            {
                answered.Add(answer.Token);
                if (answer.Error.IsSuccess) continue;
                Assert.Equal(Errno.Exists, answer.Error.Code);
                failed.Add(answer.Token);
            }
        }

        Assert.Equal(Enumerable.Range(1, 1000).Select(n => (uint)n), answered);
        Assert.Equal([1, 2, 255, 256, 257, 500, 999, 1000], failed);
        Assert.Equal(0, queue.Pending);
        client.Count(out TableSize size);
        Assert.Equal(1000u, size.Entries);
    });

    [Fact]
    public void A_batch_in_which_every_request_fails_loses_no_answer() => PrivateNetwork.Run(() =>
    {
        using var queue = new RequestQueue();
        for (uint i = 0; i < RequestQueue.Capacity; i++)
        {
            PackedFlow flow = Flows.Udp((ushort)(i + 1));
            Assert.True(queue.Delete(i, in flow));
        }

        queue.Send();
        for (uint i = 0; i < RequestQueue.Capacity; i++)
        {
            Assert.True(queue.TryReadAnswer(out RequestAnswer answer));
            Assert.Equal(new RequestAnswer(i, new(Errno.NotFound)), answer with { Error = new(answer.Error.Code) });
        }

        Assert.False(queue.TryReadAnswer(out _));
    });

    [Fact]
    public void Lost_answers_are_told_and_the_next_batch_is_not_confused() => PrivateNetwork.Run(() =>
    {
        using var queue = new RequestQueue();
        using var client = new ConntrackClient();
        queue.Socket.SetReceiveBufferSize(1); // the kernel's minimum: room for a few errors
        for (uint i = 0; i < 100; i++)
        {
            PackedFlow flow = Flows.Udp((ushort)(i + 1));
            if (i % 2 == 0) client.Create(in flow);
            queue.Delete(i, in flow);
        }

        queue.Send();
        List<Errno> codes = [];
        while (queue.TryReadAnswer(out RequestAnswer answer)) codes.Add(answer.Error.Code);
        Assert.Equal(100, codes.Count);
        Assert.Contains(Errno.NotFound, codes);
        Assert.Contains(Errno.NoBufferSpace, codes);
        Assert.DoesNotContain(Errno.None, codes); // half of them were deleted, but nobody can tell which

        PackedFlow last = Flows.Udp(1);
        queue.Create(7, in last);
        queue.Send();
        Assert.True(queue.TryReadAnswer(out RequestAnswer created));
        Assert.Equal(new RequestAnswer(7, NetlinkError.Success), created);
    });

    [Fact]
    public void Creates_updates_deletes_and_flushes_mix_in_one_batch() => PrivateNetwork.Run(() =>
    {
        using var queue = new RequestQueue();
        PackedFlow one = Flows.Tcp(1);
        PackedFlow two = Flows.Tcp(2);
        PackedFlow three = Flows.Tcp(3);
        queue.Create(1, in one);
        queue.Update(2, in one);
        queue.Delete(3, in two);
        queue.Create(4, in two, exclusive: false);
        queue.Create(5, in two, exclusive: false);
        queue.Delete(6, in one);
        queue.Create(7, in three);
        queue.Flush(8);
        queue.Update(9, in three);
        Assert.Equal(9, queue.Pending);
        queue.Send();

        List<(uint, Errno)> answers = [];
        while (queue.TryReadAnswer(out RequestAnswer answer)) answers.Add((answer.Token, answer.Error.Code));
        Assert.Equal(
            [
                (1, Errno.None), (2, Errno.None), (3, Errno.NotFound), (4, Errno.None), (5, Errno.None),
                (6, Errno.None), (7, Errno.None), (8, Errno.None), (9, Errno.NotFound),
            ],
            answers);
    });

    [Fact]
    public void Without_privileges_every_request_of_a_batch_is_refused() => PrivateNetwork.Run(() =>
    {
        using var queue = new RequestQueue();
        Privileges.Drop();
        for (uint i = 0; i < 5; i++)
        {
            PackedFlow flow = Flows.Udp((ushort)(i + 1));
            queue.Create(i, in flow);
        }

        queue.Send();
        for (uint i = 0; i < 5; i++)
        {
            Assert.True(queue.TryReadAnswer(out RequestAnswer answer));
            Assert.Equal((i, Errno.NotPermitted), (answer.Token, answer.Error.Code));
        }

        Assert.Throws<NetlinkException>(() => new EventStream(EventGroups.Flows));
    });

    [Fact]
    public void A_flow_that_cannot_be_asked_for_is_not_queued() => PrivateNetwork.Run(() =>
    {
        using var queue = new RequestQueue();
        PackedFlow nothing = default;
        Assert.Throws<ArgumentException>(() => queue.Delete(1, in nothing));
        Assert.Equal(0, queue.Pending);
        Assert.True(queue.Send().IsSuccess);
        Assert.False(queue.TryReadAnswer(out _));

        PackedFlow flow = Flows.Udp(1);
        queue.Create(2, in flow);
        queue.Send();
        Assert.True(queue.TryReadAnswer(out RequestAnswer answer));
        Assert.Equal(new RequestAnswer(2, NetlinkError.Success), answer);
    });

    [Fact]
    public void Batches_and_their_events_allocate_nothing() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Flows, receiveBufferBytes: 4 << 20);
        using var queue = new RequestQueue();
        PackedFlow flow = Flows.Tcp(1);
        PackedFlow seen = default;
        Assert.Equal(2 * RequestQueue.Capacity, CreateAndDelete(queue, events, ref flow, ref seen));

        long before = GC.GetAllocatedBytesForCurrentThread();
        int count = 0;
        for (int i = 0; i < 20; i++) count += CreateAndDelete(queue, events, ref flow, ref seen);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(20 * 2 * RequestQueue.Capacity, count);
    });

    // Each flow is created, created again in vain, and deleted; returns how many events that made.
    private static int CreateAndDelete(
        RequestQueue queue, EventStream events, ref PackedFlow flow, ref PackedFlow seen)
    {
        for (int round = 0; round < 3; round++)
        {
            for (uint i = 0; i < RequestQueue.Capacity; i++)
            {
                flow.Original.SourcePort = flow.Reply.DestinationPort = (ushort)(i + 1);
                if (round < 2) queue.Create(i, in flow);
                else queue.Delete(i, in flow);
            }

            queue.Send();
            int failed = 0;
            while (queue.TryReadAnswer(out RequestAnswer answer)) failed += answer.Error.IsSuccess ? 0 : 1;
            if (failed != (round == 1 ? RequestQueue.Capacity : 0)) return -1;
        }

        int count = 0;
        while (events.Read(ref seen) == EventStatus.Flow) count++;
        return count;
    }
}
