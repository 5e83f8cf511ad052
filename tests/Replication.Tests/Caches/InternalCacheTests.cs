using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>The counters of the internal cache, event by event; a dead entry stays until it is acknowledged.</summary>
public sealed class InternalCacheTests
{
    /// <summary>Events of flow 1, and active, objects, total, created, failed, updated, destroyed after them.</summary>
    public static TheoryData<string, uint[]> Events => new()
    {
        { "", [0, 0, 0, 0, 0, 0, 0] },
        { "new", [1, 1, 1, 1, 0, 0, 0] },
        { "new update", [1, 1, 1, 1, 0, 1, 0] },
        { "update", [1, 1, 1, 1, 0, 0, 0] },
        { "new new", [1, 1, 1, 2, 0, 0, 1] },                // a replacement destroys and creates
        { "destroy", [0, 0, 0, 0, 0, 0, 0] },
        { "new destroy", [0, 1, 1, 1, 0, 0, 1] },
        { "new destroy destroy", [0, 1, 1, 1, 0, 0, 1] },
        { "new destroy new", [1, 1, 1, 2, 0, 0, 1] },
        { "new destroy update", [1, 1, 1, 2, 0, 0, 1] },
        { "new destroy send", [0, 1, 1, 1, 0, 0, 1] },
        { "new destroy send ack", [0, 0, 0, 1, 0, 0, 1] },
        { "new send ack", [1, 1, 1, 1, 0, 0, 0] },
        { "new send destroy ack", [0, 1, 1, 1, 0, 0, 1] },   // the deletion is not sent yet
        { "new send destroy send ack", [0, 0, 0, 1, 0, 0, 1] },
        { "new destroy send new ack", [1, 1, 1, 2, 0, 0, 1] },
    };

    [Theory]
    [MemberData(nameof(Events))]
    public void Events_move_the_counters_as_in_the_original(string events, uint[] expected)
    {
        using Node node = Node.Greeted();
        uint last = 0;
        foreach (string entry in events.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (entry)
            {
                case "new": node.New(1); break;
                case "update": node.Update(1); break;
                case "destroy": node.Destroy(1); break;
                case "send": last = Assert.Single(node.Send()).Number; break;
                default: node.HearControl(Wire.PeerFlags.Ack, last, last); break;
            }
        }

        CacheStats stats = node.Stats.Internal;
        Assert.Equal(expected, new[]
        {
            stats.Active, stats.Objects, stats.Total, stats.Created, stats.CreateFailed, stats.Updated, stats.Destroyed,
        });
    }

    /// <summary>Events with the id of their flow, and the messages that follow from them.</summary>
    [Theory]
    [InlineData("new:1 destroy:2", "NEW")]                      // the end of the one before, by late delivery
    [InlineData("new:1 destroy:1", "DEL")]
    [InlineData("new:1 destroy:1 dying:1", "DEL")]              // told by two processors
    [InlineData("new:1 destroy:1 update:1", "NEW")]             // the begin of the next is not told, see fewer-events
    [InlineData("new:1 destroy:1 update:2", "NEW")]
    [InlineData("new:1 destroy:1 new:1", "NEW")]                // ids return with the memory they are made of
    [InlineData("new:1 update:2", "NEW")]
    [InlineData("new:1 destroy:0", "DEL")]                      // 0: the event tells no id
    [InlineData("dying:1", "")]
    [InlineData("new:1 destroy:1 send dying:1", "")]
    public void An_event_belongs_to_the_flow_with_its_id(string events, string expected)
    {
        using Node node = Node.Greeted();
        foreach (string[] entry in events.Split(' ').Select(text => text.Split(':')))
        {
            if (entry[0] == "send")
            {
                node.AcknowledgeAll();
                continue;
            }

            PackedFlow flow = Flows.Tcp(1);
            flow.Id = uint.Parse(entry[1]);
            if (flow.Id != 0) flow.Fields |= FlowFields.Id;
            if (entry[0] == "dying") flow.Status |= FlowStatus.Dying;
            node.Event(
                entry[0] switch
                {
                    "new" => FlowChange.New,
                    "destroy" => FlowChange.Destroy,
                    _ => FlowChange.Update,
                },
                flow);
        }

        Assert.Equal(expected, string.Join(' ', node.Say().Select(text => text.Split(' ')[0])));
    }

    [Fact]
    public void A_flow_that_a_dump_missed_lives_on_with_its_next_event()
    {
        using Node node = Node.Greeted();
        PackedFlow flow = Flows.Tcp(1);
        flow.Id = 7;
        flow.Fields |= FlowFields.Id;
        node.Event(FlowChange.New, flow);
        node.AcknowledgeAll();
        PackedFlow none = default;
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.Begin, in none);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        node.Wait(0);
        Assert.Equal(["DEL 1"], node.Say());
        node.Event(FlowChange.Update, flow);
        Assert.Equal(["NEW 1"], node.Say());
    }

    [Fact]
    public void Dead_flows_that_nobody_acknowledges_are_bounded()
    {
        using Node node = Node.Greeted(new SyncOptions { CacheLimit = 10, ResendQueueSize = 20 });
        for (int number = 0; number < 200; number++)
        {
            node.New(number);
            node.Destroy(number);
        }

        CacheStats stats = node.Stats.Internal;
        Assert.Equal((0u, 30u, 170u), (stats.Active, stats.Objects, stats.CreateFailed));
        node.Send();
        node.New(500);
        Assert.Equal(1u, node.Stats.Internal.Active);        // what the full queue gave up is gone
    }

    [Fact]
    public void A_flush_counts_each_living_flow_as_destroyed()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 5; number++) node.New(number);
        node.Destroy(0);
        node.Engine.OnCommand(node.Now, SyncCommand.FlushInternalCache, ticket: 0);
        CacheStats stats = node.Stats.Internal;
        Assert.Equal((0u, 0u, 0u, 5u), (stats.Active, stats.Objects, stats.Total, stats.Destroyed));
    }
}
