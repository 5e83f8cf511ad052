using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>What an operator's commands do on one node, and what the other one hears of it.</summary>
[Trait("needs", "root")]
public sealed class CommandTests
{
    private const int Flows = 50;

    public static TheoryData<Make, Make> Pairings => Programs.Pairings;

    [Theory]
    [MemberData(nameof(Pairings))]
    public void A_bulk_send_gives_back_what_the_peer_has_flushed(Make sender, Make receiver)
    {
        using Pair pair = StartWithFlows(sender, receiver);
        pair.Second.Do("-f", "external");
        Assert.Equal(0, pair.Second.Counts().External);

        pair.First.Do("-B");

        pair.WaitUntilEqual();
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public void A_flush_of_the_caches_tells_nobody_and_a_kernel_resync_refills_them(Make sender, Make receiver)
    {
        using Pair pair = StartWithFlows(sender, receiver);

        pair.First.Do("-f");
        Assert.Equal(new CacheCounts(0, 0), pair.First.Counts());
        pair.First.Do("-R");
        Assert.Equal(new CacheCounts(Flows, 0), pair.First.Counts());

        CreateMore(pair);
        pair.WaitUntilEqual();
        Assert.Equal((uint)Flows + 1, pair.First.Firewall.CountFlows());
        Assert.Equal(Flows + 1, pair.Second.Counts().External);
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public void A_flush_of_the_kernel_ends_the_flows_here_and_tells_nobody(Make sender, Make receiver)
    {
        using Pair pair = StartWithFlows(sender, receiver);

        pair.First.Do("-F");
        Eventually.Equals(0u, pair.First.Firewall.CountFlows, "flows in the kernel");
        Eventually.Equals(0, () => pair.First.Counts().Internal, "internal cache");

        CreateMore(pair);
        Eventually.Equals(Flows + 1, () => pair.Second.Counts().External, "external cache of the peer");
        Assert.Equal(1, pair.First.Count("runtime", "flush kernel table"));
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public void A_commit_puts_the_flows_into_the_kernel_and_keeps_them_in_the_cache(Make sender, Make receiver)
    {
        using Pair pair = StartWithFlows(sender, receiver);

        pair.Second.Do("-c");
        Assert.Equal((uint)Flows, pair.Second.Firewall.CountFlows());
        pair.Second.Do("-c", "ct");
        Assert.Equal((uint)Flows, pair.Second.Firewall.CountFlows());

        Assert.Equal(Flows, pair.Second.Counts().External);
        Eventually.Equals(Flows, () => pair.Second.Counts().Internal, "internal cache after a commit");
        Assert.Equal(2, pair.Second.Log.Split($"Committed {Flows} new entries").Length - 1);

        // What a commit creates is not announced: the sender knows these flows best.
        CreateMore(pair);
        pair.WaitUntilEqual();
        Assert.Equal(0, pair.First.Counts().External);
    }

    [Theory]
    [InlineData(Make.Ours)]
    [InlineData(Make.Original)]
    public void A_purge_comes_after_its_time_and_empties_kernel_and_cache(Make make)
    {
        using Pair pair = StartWithFlows(make, Make.Ours, "PurgeTimeout 1");

        pair.First.Do("-t");
        pair.First.Do("-t");
        pair.First.Do("-f", "external");
        Assert.Equal((uint)Flows, pair.First.Firewall.CountFlows());

        Eventually.Equals(0u, pair.First.Firewall.CountFlows, "flows in the kernel");
        Eventually.Equals(0, () => pair.First.Counts().Internal, "internal cache");
        Assert.Equal(1, pair.First.Log.Split("flushing conntrack table in 1 secs").Length - 1);
        Assert.Equal(1, pair.First.Log.Split("flushing kernel conntrack table (scheduled)").Length - 1);
    }

    [Theory]
    [InlineData(Make.Ours, Make.Original, "-c")]
    [InlineData(Make.Ours, Make.Original, "-f")]
    [InlineData(Make.Ours, Make.Original, "-f", "internal")]
    [InlineData(Make.Original, Make.Ours, "-c")]
    [InlineData(Make.Original, Make.Ours, "-f")]
    [InlineData(Make.Original, Make.Ours, "-f", "internal")]
    public void A_pending_purge_is_cancelled_by_a_commit_or_a_flush(Make make, Make clock, params string[] command)
    {
        using Pair pair = StartWithFlows(make, clock, "PurgeTimeout 2");
        pair.Second.Do("-c");

        pair.First.Do("-t");
        pair.First.Do(command);

        // The other node's purge tells when ours would have been due.
        pair.Second.Do("-t");
        Eventually.Equals(0u, pair.Second.Firewall.CountFlows, "flows of the node that shows the time");
        Assert.Equal((uint)Flows, pair.First.Firewall.CountFlows());
        Assert.DoesNotContain("(scheduled)", pair.First.Log, StringComparison.Ordinal);
    }

    private static Pair StartWithFlows(Make sender, Make receiver, string modeLines = "")
    {
        Pair pair = Pair.Start(sender, receiver, config => config with { ModeLines = modeLines });
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();
        return pair;
    }

    // A flow that arrives shows that whatever was sent before it has arrived too.
    private static void CreateMore(Pair pair)
    {
        FlowGenerator.Create(pair.First.Firewall.Namespace, 1, first: Flows);
        string tuple = Generated.Tuple(Flows);
        Eventually.Holds(() => pair.Second.External().Exists(line => line.Original == tuple)
            ? null
            : "the new flow has not come");
    }
}
