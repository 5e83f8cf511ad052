using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The link loses datagrams in both directions; the caches become equal all the same.</summary>
[Trait("needs", "root")]
public sealed class LossTests
{
    private const int Flows = 2000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>Sender, receiver, and percentage lost each way.</summary>
    public static TheoryData<Make, Make, int> Losses => new()
    {
        { Make.Ours, Make.Ours, 5 },
        { Make.Ours, Make.Ours, 20 },
        { Make.Ours, Make.Original, 5 },
        { Make.Ours, Make.Original, 20 },
        { Make.Original, Make.Ours, 5 },
        { Make.Original, Make.Ours, 20 },
    };

    public static TheoryData<Make, Make> Pairings => Programs.Pairings;

    [Theory]
    [MemberData(nameof(Losses))]
    public void Lost_datagrams_are_repeated_until_the_caches_are_equal(Make sender, Make receiver, int percent)
    {
        using Pair pair = Pair.Start(sender, receiver);
        pair.SetLoss(percent);
        NetNamespace home = pair.First.Firewall.Namespace;

        FlowGenerator.Create(home, Flows);
        pair.WaitUntilEqual(_patience);
        FlowGenerator.Delete(home, Flows / 2);
        FlowGenerator.Create(home, Flows / 2, first: Flows);
        pair.WaitUntilEqual(_patience);

        Assert.NotEqual(0, pair.Second.Count("network", "Packets lost"));
    }

    [Fact]
    public void Datagrams_that_overtake_each_other_count_as_lost_and_are_repeated()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, options: new TopologyOptions { ReordersSync = true });

        FlowGenerator.Create(pair.First.Firewall.Namespace, 10 * Flows);
        pair.WaitUntilEqual(_patience);

        Assert.NotEqual(0, pair.HeldBackFrames);
        Assert.NotEqual(0, pair.Second.Count("network", "Packets lost"));
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public void Changes_during_a_partition_arrive_after_it(Make sender, Make receiver)
    {
        using Pair pair = Pair.Start(sender, receiver);
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Flows);
        pair.WaitUntilEqual();

        pair.SetLoss(100);
        FlowGenerator.Delete(home, Flows / 2);
        FlowGenerator.Create(home, Flows / 2, first: Flows);
        Thread.Sleep(TimeSpan.FromSeconds(3)); // the length of the partition is what is tested
        Assert.NotNull(Replication.Difference(pair.First, pair.Second));
        pair.SetLoss(0);

        pair.WaitUntilEqual(_patience);
    }
}
