using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class ExternalCacheTests
{
    /// <summary>Messages of flow 1, and active, created, updated, destroyed after them.</summary>
    public static TheoryData<string, uint[]> Messages => new()
    {
        { "new", [1, 1, 0, 0] },
        { "update", [1, 1, 0, 0] },
        { "delete", [0, 0, 0, 0] },
        { "new update update", [1, 1, 2, 0] },
        { "new new", [1, 2, 0, 1] },
        { "update new", [1, 2, 0, 1] },
        { "new delete", [0, 1, 0, 1] },
        { "new delete delete", [0, 1, 0, 1] },
        { "new delete update", [1, 2, 0, 1] },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void Messages_move_the_counters_as_in_the_original(string messages, uint[] expected)
    {
        using Node node = Node.Greeted();
        foreach (string message in messages.Split(' '))
        {
            node.HearFlow(message switch
            {
                "new" => PeerMessageType.FlowNew,
                "update" => PeerMessageType.FlowUpdate,
                _ => PeerMessageType.FlowDelete,
            }, Flows.Tcp(1));
        }

        CacheStats stats = node.Stats.External;
        Assert.Equal(expected, new[] { stats.Active, stats.Created, stats.Updated, stats.Destroyed });
        Assert.Equal((stats.Active, stats.Active), (stats.Objects, stats.Total));
    }

    [Fact]
    public void An_update_keeps_what_it_does_not_name_and_a_new_does_not()
    {
        using Node node = Node.Greeted();
        PackedFlow marked = Flows.Tcp(1);
        marked.Mark = 5;
        marked.Fields |= FlowFields.Mark;
        node.HearFlow(PeerMessageType.FlowNew, marked);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1, TcpState.FinWait));
        Assert.Contains("FIN_WAIT", Assert.Single(Lines(node)), StringComparison.Ordinal);
        Assert.EndsWith("mark=5", Assert.Single(Lines(node)), StringComparison.Ordinal);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        Assert.DoesNotContain("mark", Assert.Single(Lines(node)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_in_a_full_cache_can_still_be_updated_replaced_and_deleted()
    {
        using Node node = Node.Greeted(new SyncOptions { CacheLimit = 1 });
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(3));
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        CacheStats stats = node.Stats.External;
        Assert.Equal((1u, 2u, 1u), (stats.Active, stats.CreateFailed, stats.Updated));
        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(1));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        Assert.Equal(1u, node.Stats.External.Active);
    }

    [Fact]
    public void It_survives_a_restart_of_the_peer()
    {
        using Node node = Node.Greeted();
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.PeerNext = 777_777;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Single(Lines(node));
    }

    private static List<string> Lines(Node node) => Flows.Lines(node.Engine, CacheKind.External);
}
