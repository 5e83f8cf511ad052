using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The calls of the script that fail-over managers run, in its order.</summary>
[Trait("needs", "root")]
public sealed class FailoverScriptTests
{
    private const int Flows = 300;

    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    [InlineData(Make.Original, Make.Ours)]
    public void The_flows_move_from_node_to_node_and_back_with_the_roles(Make first, Make second)
    {
        using Pair pair = Pair.Start(first, second, config => config with { ModeLines = "PurgeTimeout 1" });
        (Node one, Node two) = (pair.First, pair.Second);
        BecomeBackup(one);
        BecomeBackup(two);
        BecomePrimary(one, flows: 0);

        FlowGenerator.Create(one.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();
        Swap(from: one, to: two);
        Swap(from: two, to: one);
        Swap(from: one, to: two);
    }

    [Fact]
    public void A_node_that_is_backup_for_a_moment_only_keeps_its_flows()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with { ModeLines = "PurgeTimeout 1" });
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();

        BecomeBackup(pair.First);
        BecomePrimary(pair.First, Flows);
        pair.Second.Do("-c");
        BecomeBackup(pair.Second);

        Eventually.Equals(0u, pair.Second.Firewall.CountFlows, "flows of the node that stays backup");
        Assert.Equal((uint)Flows, pair.First.Firewall.CountFlows());
    }

    // The two scripts are not coordinated; the new primary is usually first.
    private static void Swap(Node from, Node to)
    {
        BecomePrimary(to, Flows);
        BecomeBackup(from);
        Eventually.Equals(0u, from.Firewall.CountFlows, "flows of the node that gave up");
        Replication.WaitUntilEqual(sender: to, receiver: from);
        Assert.Equal((uint)Flows, to.Firewall.CountFlows());
        Assert.Equal(new CacheCounts(Flows, 0), to.Counts());
    }

    // Each call returns when its effect is there: the next one builds on it.
    private static void BecomePrimary(Node node, int flows)
    {
        node.Do("-c");
        Assert.Equal((uint)flows, node.Firewall.CountFlows());
        node.Do("-f");
        Assert.Equal(new CacheCounts(0, 0), node.Counts());
        node.Do("-R");
        Assert.Equal(new CacheCounts(flows, 0), node.Counts());
        node.Do("-B");
    }

    private static void BecomeBackup(Node node)
    {
        Assert.Contains("cache internal", node.Do("-s"), StringComparison.Ordinal);
        node.Do("-t");
        node.Do("-n");
    }
}
