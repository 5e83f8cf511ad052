using System.Text.Json;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Two of ours agree on a denser form of flow messages; an original is told what it always was.</summary>
[Trait("needs", "root")]
public sealed class DenseFormatTests
{
    private const int Flows = 300;

    public static TheoryData<SyncChannel, bool> Channels => new()
    {
        { SyncChannel.Udp, false },
        { SyncChannel.Udp, true },
        { SyncChannel.Multicast, false },
        { SyncChannel.Tcp, false },
    };

    [Theory]
    [MemberData(nameof(Channels))]
    public void Two_of_ours_tell_flows_of_every_kind_in_it(SyncChannel channel, bool isIPv6)
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours, channel, isIPv6).Start();
        WaitUntilAgreed(pair.First);
        FlowKinds.GiveLabels(pair.First);
        FlowKinds.GiveLabels(pair.Second);
        pair.First.Create([.. FlowKinds.All(Make.Ours)]);
        pair.WaitUntilEqual();
        pair.Second.Do("-c");

        IReadOnlyList<string> unexplained = KernelComparison.Compare(
            pair.First.Table(), pair.Second.Table(), Make.Ours, Make.Ours, tracksWindows: false);
        if (unexplained.Count > 0) Assert.Fail(string.Join('\n', unexplained));
        Assert.True(DenseSent(pair.First) >= FlowKinds.All(Make.Ours).Count());
        Assert.Equal(0, pair.Second.Count("network", "Malformed messages"));
    }

    [Fact]
    public void Far_fewer_bytes_are_sent()
    {
        long dense = BytesOfFlows(Make.Ours);
        long plain = BytesOfFlows(Make.Original);

        // Flows that were made by netlink carry sixteen bytes more than others, in either form.
        Assert.True(5 * dense < 3 * plain, $"{dense} to one of ours, {plain} to an original");
    }

    [Theory]
    [InlineData(SyncChannel.Udp)]
    [InlineData(SyncChannel.Multicast)]
    [InlineData(SyncChannel.Tcp)]
    public void An_original_is_never_sent_it_and_finds_nothing_wrong(SyncChannel channel)
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Original, channel, isIPv6: false).Start();
        WaitUntilGreeted(pair.First);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();
        FlowGenerator.Delete(pair.First.Firewall.Namespace, Flows / 2);
        pair.WaitUntilEqual();
        Assert.Equal(0, DenseSent(pair.First));
        Assert.Equal(0, pair.Second.Count("network", "Malformed messages"));
    }

    [Fact]
    public void A_peer_that_is_replaced_by_an_original_and_back_is_told_as_it_understands()
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours);
        pair.Start();
        WaitUntilAgreed(pair.First);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();
        long before = DenseSent(pair.First);
        Assert.NotEqual(0, before);

        Replace(pair.Second, Make.Original);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows, first: Flows);
        pair.WaitUntilEqual(TimeSpan.FromSeconds(60));
        Assert.Equal(0, pair.Second.Count("network", "Malformed messages"));
        long between = DenseSent(pair.First);
        Assert.Equal(before, between);

        Replace(pair.Second, Make.Ours);
        FlowGenerator.Delete(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual(TimeSpan.FromSeconds(60));
        WaitUntilAgreed(pair.First, between);
    }

    [Theory]
    [InlineData(SyncChannel.Udp)]
    [InlineData(SyncChannel.Multicast)]
    public void Among_three_it_is_used_when_all_read_it(SyncChannel channel)
    {
        using var cluster = new Cluster(channel, config => config, Make.Ours, Make.Ours, Make.Ours);
        Node first = cluster.Nodes[0];
        WaitUntilAgreed(first);
        Assert.All(cluster.Nodes, node => Assert.Equal(0, node.Count("network", "Malformed messages")));
    }

    // It sends its flows when it is told to: the peer was restarted and has nothing.
    private static void Replace(Node node, Make make)
    {
        node.Daemon.Kill();
        node.Make = make;
        node.Config = node.Config with { ModeLines = "StartupResync On" };
        node.Start();
    }

    private static long BytesOfFlows(Make receiver)
    {
        using Pair pair = Pair.Start(Make.Ours, receiver);
        if (receiver == Make.Ours) WaitUntilAgreed(pair.First);
        else WaitUntilGreeted(pair.First);
        long before = BytesSent(pair.First);
        FlowGenerator.Create(pair.First.Firewall.Namespace, 10 * Flows);
        pair.WaitUntilEqual();
        FlowGenerator.Delete(pair.First.Firewall.Namespace, 10 * Flows);
        pair.WaitUntilEqual();
        return BytesSent(pair.First) - before;
    }

    // What a peer reads is known with its first word after the greeting.
    private static void WaitUntilAgreed(Node node, long before = 0) => Eventually.Holds(() =>
    {
        FlowGenerator.Create(node.Firewall.Namespace, 1, first: 60_000);
        FlowGenerator.Delete(node.Firewall.Namespace, 1, first: 60_000);
        return DenseSent(node) > before ? null : "nothing was sent in the dense form";
    });

    private static void WaitUntilGreeted(Node node) => Eventually.Holds(() =>
        Messages(node).GetProperty("accepted").GetInt64() >= 3 ? null : "the peer has hardly said anything");

    private static long DenseSent(Node node) => Messages(node).GetProperty("dense_sent").GetInt64();

    private static long BytesSent(Node node) =>
        Read(node, "-s", "link").GetProperty("links")[0].GetProperty("bytes_sent").GetInt64();

    private static JsonElement Messages(Node node) => Read(node, "-s").GetProperty("messages");

    private static JsonElement Read(Node node, params string[] command) =>
        JsonDocument.Parse(node.Do([.. command, "--json"])).RootElement;
}
