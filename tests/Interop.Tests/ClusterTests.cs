using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Three nodes: in a list of unicast peers, or in a multicast group.</summary>
[Trait("needs", "root")]
public sealed class ClusterTests
{
    private const int Flows = 300;

    public static TheoryData<SyncChannel, string> Ours => new()
    {
        { SyncChannel.Udp, "FTFW" },
        { SyncChannel.Udp, "NOTRACK" },
        { SyncChannel.Multicast, "FTFW" },
        { SyncChannel.Multicast, "NOTRACK" },
    };

    [Theory]
    [MemberData(nameof(Ours))]
    public void Each_is_told_what_the_others_hold(SyncChannel channel, string mode)
    {
        using var cluster = new Cluster(
            channel, config => config with { Mode = mode }, Make.Ours, Make.Ours, Make.Ours);
        List<Node> nodes = cluster.Nodes;
        for (int index = 0; index < nodes.Count; index++) Create(nodes[index], index);
        foreach (Node node in nodes) WaitUntilTold(node, nodes);

        FlowGenerator.Delete(nodes[0].Firewall.Namespace, Flows / 2);
        foreach (Node node in nodes) WaitUntilTold(node, nodes);
        Assert.Equal(2 * Flows, nodes[0].Counts().External);
        Assert.Equal((3 * Flows / 2, Flows), (nodes[1].Counts().External, nodes[1].Counts().Internal));
    }

    [Fact]
    public void What_one_of_a_list_loses_is_repeated()
    {
        using Cluster cluster = Unicast();
        List<Node> nodes = cluster.Nodes;
        nodes[2].Firewall.SetSyncLoss(30);
        for (int part = 0; part < 4; part++) Create(nodes[0], part);
        FlowGenerator.Delete(nodes[0].Firewall.Namespace, Flows);
        Create(nodes[1], 5);
        foreach (Node node in nodes) WaitUntilTold(node, nodes);
        Assert.NotEqual(0, nodes[2].Count("network", "Packets lost"));
    }

    [Fact]
    public void One_of_a_list_that_dies_holds_nothing_up_and_has_everything_when_it_is_back()
    {
        using Cluster cluster = Unicast();
        List<Node> nodes = cluster.Nodes;
        Create(nodes[0], 0);
        foreach (Node node in nodes) WaitUntilTold(node, nodes);

        nodes[2].Daemon.Kill();
        Create(nodes[0], 1);
        Create(nodes[1], 2);
        FlowGenerator.Delete(nodes[0].Firewall.Namespace, Flows / 2);
        WaitUntilTold(nodes[0], nodes);
        WaitUntilTold(nodes[1], nodes);

        nodes[2].Config = nodes[2].Config with { ModeLines = "StartupResync On" };
        nodes[2].Start();
        Create(nodes[2], 3);
        foreach (Node node in nodes) WaitUntilTold(node, nodes);
    }

    [Fact]
    public void After_a_take_over_the_end_in_the_kernel_that_the_traffic_has_left_is_no_end_for_a_third()
    {
        using Cluster cluster = Unicast();
        List<Node> nodes = cluster.Nodes;
        Create(nodes[0], 0);
        foreach (Node node in nodes) WaitUntilTold(node, nodes);

        // What a new primary does.
        foreach (string command in (string[])["-c", "-f", "-R", "-B"]) nodes[1].Do(command);
        Eventually.Equals(Flows, () => nodes[0].Counts().External ?? 0, "flows that the first hears of again");
        Assert.Equal(Flows, nodes[2].Counts().External);

        FlowGenerator.Delete(nodes[0].Firewall.Namespace, Flows / 2);
        Create(nodes[0], 1);
        Eventually.Equals(2 * Flows, () => nodes[2].Counts().External ?? 0, "flows of both at the third");
        FlowGenerator.Delete(nodes[1].Firewall.Namespace, Flows / 3);
        Eventually.Equals(
            (2 * Flows) - (Flows / 3), () => nodes[2].Counts().External ?? 0, "flows at the third after an end");
        nodes[2].Do("-c");
        Assert.Equal((2 * Flows) - (Flows / 3), nodes[2].Table().Count);
    }

    // The original follows the numbers of whoever spoke last, and takes the others' for late or lost: what it holds of
    // two peers is not certain, with ours as little as among its own.
    [Fact]
    public void In_a_multicast_group_with_an_original_ours_are_told_everything()
    {
        using var cluster = new Cluster(
            SyncChannel.Multicast, static config => config, Make.Ours, Make.Ours, Make.Original);
        List<Node> nodes = cluster.Nodes;
        for (int index = 0; index < nodes.Count; index++) Create(nodes[index], index);
        WaitUntilTold(nodes[0], nodes);
        WaitUntilTold(nodes[1], nodes);
        for (int index = 0; index < nodes.Count; index++)
            FlowGenerator.Delete(nodes[index].Firewall.Namespace, Flows / 2, first: index * Flows);
        WaitUntilTold(nodes[0], nodes);
        WaitUntilTold(nodes[1], nodes);
    }

    private static Cluster Unicast() =>
        new(SyncChannel.Udp, static config => config, Make.Ours, Make.Ours, Make.Ours);

    private static void Create(Node node, int part) =>
        FlowGenerator.Create(node.Firewall.Namespace, Flows, first: part * Flows);

    private static void WaitUntilTold(Node node, List<Node> nodes) => Eventually.Holds(() =>
    {
        HashSet<FlowLine> expected = [.. nodes.Where(peer => peer != node && peer.Daemon.IsRunning)
            .SelectMany(peer => peer.Internal().Select(line => Losses.Carried(line, peer.Make, node.Make)))];
        HashSet<FlowLine> actual = [.. node.External()];
        return expected.SetEquals(actual)
            ? null
            : $"{node.Config.Address}: {expected.Except(actual).Count()} missing, "
                + $"{actual.Except(expected).Count()} in surplus";
    });
}
