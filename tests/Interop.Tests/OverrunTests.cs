using System.Diagnostics;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The kernel drops events because nobody reads them; the daemon finds out and repairs.</summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class OverrunTests
{
    private const int Flows = 20_000;
    private const int Ended = 1000;

    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    [InlineData(Make.Original, Make.Ours)]
    public void Lost_events_are_noticed_counted_and_made_up_for(Make sender, Make receiver)
    {
        using Pair pair = Pair.Start(sender, receiver, config => config with
        {
            NetlinkBufferSize = 64 * 1024,
            NetlinkBufferSizeMaxGrowth = 256 * 1024,
            GeneralLines = config.GeneralLines + "\nNetlinkOverrunResync 1",
        });
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Ended);
        pair.WaitUntilEqual();

        // While it stands still nothing is read, whatever the speed of the machine.
        pair.First.Signal("STOP");
        FlowGenerator.Create(home, Flows - Ended, first: Ended);
        FlowGenerator.Delete(home, Ended);
        pair.First.Signal("CONT");

        Eventually.Equals(Flows - Ended, () => pair.First.Counts().Internal, "internal cache");
        pair.WaitUntilEqual();
        Assert.InRange(pair.First.Count("runtime", "netlink overrun"), 1, Flows);
        Assert.InRange(pair.First.Count("runtime", "resync with kernel table"), 1, 30);
        Assert.InRange(pair.First.Count("runtime", "current buffer size (in bytes)"), 64 * 1024 + 1, 256 * 1024);
        Assert.Contains("socket buffer size has been doubled to", pair.First.Log, StringComparison.Ordinal);
    }

    /// <summary>The original waits for half a minute; with zones it then takes living flows for gone.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("NetlinkOverrunResync on")]
    [InlineData("NetlinkEventsReliable on")]
    public void Lost_events_are_made_up_for_at_once_unless_told_otherwise(string line)
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with
        {
            NetlinkBufferSize = 64 * 1024,
            NetlinkBufferSizeMaxGrowth = 64 * 1024,
            GeneralLines = config.GeneralLines + "\n" + line,
        });
        NetNamespace home = pair.First.Firewall.Namespace;
        pair.First.Create(FlowKinds.Find("zone 7"), FlowKinds.Find("zone 8"));
        FlowGenerator.Create(home, Ended);
        pair.WaitUntilEqual();

        pair.First.Signal("STOP");
        FlowGenerator.Create(home, Flows - Ended, first: Ended);
        FlowGenerator.Delete(home, Ended);
        var watch = Stopwatch.StartNew();
        pair.First.Signal("CONT");
        Eventually.Equals(Flows - Ended + 2, () => pair.First.Counts().Internal, "internal cache");
        TimeSpan repaired = watch.Elapsed;
        pair.WaitUntilEqual();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{line}: internal cache right after {repaired.TotalMilliseconds:0} ms, the peer's after "
            + $"{watch.Elapsed.TotalMilliseconds:0} ms");
        Assert.InRange(repaired, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.NotEqual(0, pair.First.Count("runtime", "netlink overrun"));
        KernelTable.WaitUntilEqual(pair.First);
    }

    [Fact]
    public void Without_repair_what_was_lost_stays_lost()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with
        {
            NetlinkBufferSize = 64 * 1024,
            NetlinkBufferSizeMaxGrowth = 64 * 1024,
            GeneralLines = config.GeneralLines + "\nNetlinkOverrunResync off",
        });
        pair.First.Signal("STOP");
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.First.Signal("CONT");
        Eventually.Holds(() => pair.First.Count("runtime", "netlink overrun") > 0 ? null : "no overrun");
        Assert.InRange(pair.First.Counts().Internal ?? 0, 1, Flows - 1);
        pair.First.Do("-R");
        Eventually.Equals(Flows, () => pair.First.Counts().Internal, "internal cache");
    }

    /// <summary>The kernel says nothing of flows that are older than its first listener.</summary>
    [Fact]
    public void Flows_that_end_without_an_event_leave_the_caches_all_the_same()
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours);
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Ended);
        pair.First.Start();
        pair.Second.Start();
        Assert.Equal(Ended, pair.First.Counts().Internal);
        pair.First.Do("-B");
        pair.WaitUntilEqual();
        FlowGenerator.Delete(home, Ended / 2);
        TimeSpan time = Eventually.Equals(Ended / 2, () => pair.First.Counts().Internal, "internal cache");
        pair.WaitUntilEqual();
        TestContext.Current.TestOutputHelper?.WriteLine($"gone after {time.TotalSeconds:0} s");
    }
}
