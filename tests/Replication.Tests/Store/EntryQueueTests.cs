using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class EntryQueueTests : IDisposable
{
    private readonly EntrySlabs _slabs = new();

    [Fact]
    public void Random_moves_between_two_queues_keep_the_order_of_two_lists()
    {
        var queues = new[] { new EntryQueue(_slabs, QueueId.Transmit), new EntryQueue(_slabs, QueueId.Resend) };
        var models = new[] { new List<uint>(), new List<uint>() };
        var random = new Random(2);
        for (int step = 0; step < 5000; step++)
        {
            int which = random.Next(2);
            List<uint> model = models[which];
            if (model.Count == 0 || random.Next(3) == 0)
            {
                uint added = _slabs.Allocate(random.Next(3));
                queues[which].Append(added);
                model.Add(added);
            }
            else
            {
                uint moved = model[random.Next(model.Count)];
                queues[which].Remove(moved);
                model.Remove(moved);
                Assert.Equal(QueueId.None, _slabs.Header(moved).Queue);
                if (random.Next(2) == 0)
                {
                    _slabs.Free(moved);
                }
                else
                {
                    queues[1 - which].Append(moved);
                    models[1 - which].Add(moved);
                }
            }

            if (step % 20 != 0) continue;
            for (int queue = 0; queue < 2; queue++) AssertSame(models[queue], queues[queue], (QueueId)(queue + 1));
        }
    }

    [Fact]
    public void Handles_of_all_slabs_are_told_apart()
    {
        uint v4 = _slabs.Allocate(EntrySlabs.FlowsIPv4);
        uint v6 = _slabs.Allocate(EntrySlabs.FlowsIPv6);
        uint control = _slabs.Allocate(EntrySlabs.Controls);
        Assert.Equal(3, new[] { v4, v6, control }.Distinct().Count());
        Assert.DoesNotContain(0u, new[] { v4, v6, control });
        Assert.True(EntrySlabs.IsEntry(v4) && EntrySlabs.IsEntry(v6));
        Assert.False(EntrySlabs.IsEntry(control));
    }

    public void Dispose() => _slabs.Dispose();

    private void AssertSame(List<uint> model, EntryQueue queue, QueueId id)
    {
        Assert.Equal(model.Count, queue.Count);
        Assert.Equal(model.LastOrDefault(), queue.Tail);
        uint handle = queue.Head;
        uint previous = 0;
        foreach (uint expected in model)
        {
            Assert.Equal(expected, handle);
            Assert.Equal(id, _slabs.Header(handle).Queue);
            Assert.Equal(previous, _slabs.Header(handle).Previous);
            (previous, handle) = (handle, _slabs.Header(handle).Next);
        }

        Assert.Equal(0u, handle);
    }
}
