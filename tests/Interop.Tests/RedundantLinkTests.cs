using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Two dedicated links, of which one fails while flows come.</summary>
[Trait("needs", "root")]
public sealed class RedundantLinkTests
{
    private const int Flows = 100;

    public static TheoryData<Make, Make, SyncChannel> Cells
    {
        get
        {
            var cells = new TheoryData<Make, Make, SyncChannel>();
            foreach (SyncChannel channel in Enum.GetValues<SyncChannel>())
            {
                cells.Add(Make.Ours, Make.Ours, channel);
                cells.Add(Make.Ours, Make.Original, channel);
                cells.Add(Make.Original, Make.Ours, channel);
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_link_that_goes_down_is_left_and_used_again_when_it_is_back(
        Make sender, Make receiver, SyncChannel channel)
    {
        using Pair pair = StartWithFlows(sender, receiver, channel);
        pair.First.Firewall.Namespace.Ip("link set sync0 down\n");
        Create(pair, 1);
        pair.WaitUntilEqual();
        AssertActive(pair, "sync1");
        foreach (Node node in Ours(pair))
        {
            Assert.Contains("device `sync1' becomes dedicated link", node.Log, StringComparison.Ordinal);
            Assert.Matches("\"sync1\"[^}]*\"times_chosen\": ?1,", node.Do("-s", "link", "--json"));
        }

        pair.First.Firewall.Namespace.Ip("link set sync0 up\n");
        Create(pair, 2);
        pair.WaitUntilEqual();
        AssertActive(pair, "sync0");
        Create(pair, 3);
        pair.WaitUntilEqual();
    }

    [Theory]
    [InlineData(Make.Ours, Make.Ours, SyncChannel.Udp)]
    [InlineData(Make.Ours, Make.Original, SyncChannel.Udp)]
    [InlineData(Make.Original, Make.Ours, SyncChannel.Udp)]
    [InlineData(Make.Original, Make.Ours, SyncChannel.Multicast)]
    [InlineData(Make.Ours, Make.Ours, SyncChannel.Tcp)]
    public void A_link_that_falls_silent_is_left_and_used_again_when_it_is_back(
        Make sender, Make receiver, SyncChannel channel)
    {
        using Pair pair = StartWithFlows(sender, receiver, channel);
        foreach (Node node in Both(pair)) node.Firewall.SetSyncLoss(100, "sync0");
        Create(pair, 1);
        pair.WaitUntilEqual();
        AssertActive(pair, "sync1");

        foreach (Node node in Both(pair)) node.Firewall.SetSyncLoss(0);
        AssertActive(pair, "sync0");
        Create(pair, 2);
        pair.WaitUntilEqual();
    }

    [Theory]
    [InlineData(SyncChannel.Udp, 0)]
    [InlineData(SyncChannel.Udp, 1)]
    [InlineData(SyncChannel.Multicast, 1)]
    public void A_link_that_carries_in_one_direction_only_is_left_for_good(SyncChannel channel, int deaf)
    {
        using Pair pair = StartWithFlows(Make.Ours, Make.Ours, channel);
        Both(pair)[deaf].Firewall.SetSyncLoss(100, "sync0");
        AssertActive(pair, "sync1");
        Create(pair, 1);
        pair.WaitUntilEqual();

        Thread.Sleep(TimeSpan.FromSeconds(8)); // longer than a link has to work before it is used again
        AssertActive(pair, "sync1");
        Both(pair)[deaf].Firewall.SetSyncLoss(0);
        AssertActive(pair, "sync0");
    }

    [Fact]
    public void Without_any_link_all_waits_and_nothing_is_lost()
    {
        using Pair pair = StartWithFlows(Make.Ours, Make.Ours, SyncChannel.Udp);
        NetNamespace home = pair.First.Firewall.Namespace;
        home.Ip("link set sync0 down\nlink set sync1 down\n");
        Eventually.Holds(() => pair.First.Log.Contains("no dedicated links available!", StringComparison.Ordinal)
            ? null
            : "the log does not say it");
        Create(pair, 1);
        Assert.DoesNotContain("RUNNING", pair.First.Do("-s", "link"), StringComparison.Ordinal);

        home.Ip("link set sync1 up\n");
        pair.WaitUntilEqual();
        AssertActive(pair, "sync1");
        Assert.Equal(2 * Flows, pair.Second.Counts().External);
    }

    [Fact]
    public void An_interface_that_is_made_anew_is_used_again()
    {
        using Pair pair = StartWithFlows(Make.Ours, Make.Ours, SyncChannel.Multicast);
        pair.Topology.RemoveSyncLink(0);
        Create(pair, 1);
        pair.WaitUntilEqual();
        AssertActive(pair, "sync1");

        pair.Topology.AddSyncLink(0, interfaceIndex: 301);
        AssertActive(pair, "sync0");
        Create(pair, 2);
        pair.WaitUntilEqual();
    }

    private static Pair StartWithFlows(Make sender, Make receiver, SyncChannel channel)
    {
        Pair pair = Pair.Build(sender, receiver, channel, isIPv6: false, links: 2).Start();
        Create(pair, 0);
        pair.WaitUntilEqual();
        AssertActive(pair, "sync0");
        return pair;
    }

    private static void Create(Pair pair, int part) =>
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows, first: part * Flows);

    private static Node[] Both(Pair pair) => [pair.First, pair.Second];

    private static IEnumerable<Node> Ours(Pair pair) => Both(pair).Where(static node => node.Make == Make.Ours);

    private static void AssertActive(Pair pair, string device) => Eventually.Holds(() =>
    {
        foreach (Node node in Both(pair))
        {
            string links = node.Do("-s", "link");
            string? active = links.Split('\n').SingleOrDefault(
                line => line.EndsWith("role=ACTIVE:", StringComparison.Ordinal));
            if (active?.Contains($"device={device} ", StringComparison.Ordinal) != true)
                return $"{node.Make}: {active} instead of {device}";
        }

        return null;
    });
}
