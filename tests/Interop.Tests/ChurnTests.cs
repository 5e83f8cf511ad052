using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Flows come, change and go, the same tuples again and again: in the end the internal cache is the kernel's table.
/// </summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class ChurnTests
{
    private const string Small = "\nNetlinkBufferSize 65536\nNetlinkBufferSizeMaxGrowth 131072";
    private static readonly TimeSpan _length = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("NetlinkEventsReliable off", false)]
    [InlineData("NetlinkEventsReliable off" + Small, true)]
    [InlineData("NetlinkEventsReliable on" + Small, true)]
    [InlineData("PollSecs 1", false)]
    public void The_cache_is_the_table_in_the_end(string lines, bool losesEvents)
    {
        using Pair pair = Start(lines);
        Node node = pair.First;
        using var churn = new Churn(node.Firewall.Namespace, seed: 1);
        if (losesEvents)
        {
            // While it stands still nothing is read, whatever the speed of the machine.
            for (int i = 0; i < 3; i++)
            {
                Thread.Sleep(_length / 6);
                node.Signal("STOP");
                Thread.Sleep(_length / 6);
                node.Signal("CONT");
            }
        }
        else
        {
            Thread.Sleep(_length);
        }

        Assert.InRange(churn.Finish(), 2000, long.MaxValue);
        TimeSpan time = KernelTable.WaitUntilEqual(node, _patience);
        long overruns = node.Count("runtime", "netlink overrun");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{lines.Split('\n')[0]}: {overruns} overruns, equal {time.TotalMilliseconds:0} ms after the last change");
        if (losesEvents) Assert.InRange(overruns, 1, long.MaxValue);
        pair.WaitUntilEqual();
    }

    [Fact]
    public void What_happens_while_the_daemon_starts_is_not_missed()
    {
        using Pair pair = Start("");
        Node node = pair.First;
        for (int seed = 0; seed < 6; seed++)
        {
            node.Daemon.Stop();
            using var churn = new Churn(node.Firewall.Namespace, seed);
            Thread.Sleep(50);
            node.Start();
            Thread.Sleep(50);
            churn.Finish();
            KernelTable.WaitUntilEqual(node, _patience);
        }
    }

    private static Pair Start(string lines) => Pair.Start(Make.Ours, Make.Ours, config => config with
    {
        Filter = "",
        GeneralLines = config.GeneralLines + "\n" + lines,

        // What is over before it is announced would be missing at the peer.
        SyncLines = "Options { AnnounceDelay 0 }",
    });
}
