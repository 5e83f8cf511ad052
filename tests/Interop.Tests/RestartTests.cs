using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Either daemon ends, in order or not, and comes back while flows come and go.</summary>
[Trait("needs", "root")]
public sealed class RestartTests
{
    private const int Before = 200;
    private const int Meanwhile = 50;
    private const int Ended = 20;

    /// <summary>Sender, receiver, and whether the daemon is killed.</summary>
    public static TheoryData<Make, Make, bool> Endings => new()
    {
        { Make.Ours, Make.Ours, true },
        { Make.Ours, Make.Ours, false },
        { Make.Ours, Make.Original, true },
        { Make.Original, Make.Ours, true },
        { Make.Original, Make.Ours, false },
    };

    [Theory]
    [MemberData(nameof(Endings))]
    public void A_backup_that_comes_back_with_StartupResync_has_everything(Make sender, Make receiver, bool isKilled)
    {
        using Pair pair = StartWithFlows(sender, receiver);
        End(pair.Second, isKilled);
        GoOn(pair.First);

        pair.Second.Config = pair.Second.Config with { ModeLines = "StartupResync On" };
        pair.Second.Start();

        pair.WaitUntilEqual();
        Assert.Equal(Before + Meanwhile - Ended, pair.Second.Counts().External);
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public void A_backup_that_comes_back_without_it_has_everything_after_a_resync(
        Make sender, Make receiver, bool isKilled)
    {
        using Pair pair = StartWithFlows(sender, receiver);
        End(pair.Second, isKilled);
        GoOn(pair.First);

        pair.Second.Start();
        FlowGenerator.Create(pair.First.Firewall.Namespace, 10, first: Before + Meanwhile);
        Eventually.Holds(() => pair.Second.Counts().External >= 10 ? null : "the new flows have not come");
        if (sender == Make.Original)
        {
            // What was not acknowledged when a HELLO came is forgotten, and what did not change is not said again.
            Assert.Equal(10, pair.Second.Counts().External);
        }

        pair.Second.Do("-n");
        pair.WaitUntilEqual();
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public void A_primary_that_comes_back_knows_its_flows_and_the_backup_has_kept_them(
        Make sender, Make receiver, bool isKilled)
    {
        using Pair pair = StartWithFlows(sender, receiver);
        End(pair.First, isKilled);
        GoOn(pair.First);
        Assert.Equal(Before, pair.Second.Counts().External);

        pair.First.Start();
        Assert.Equal(Before + Meanwhile - Ended, pair.First.Counts().Internal);
        FlowGenerator.Create(pair.First.Firewall.Namespace, 10, first: Before + Meanwhile);
        FlowGenerator.Delete(pair.First.Firewall.Namespace, 10, first: Ended);
        Eventually.Holds(() =>
        {
            HashSet<string> told = [.. pair.Second.External().Select(line => line.Original)];
            bool hasNew = Generated.Tuples(Before + Meanwhile, 10).All(told.Contains);
            return hasNew && !Generated.Tuples(Ended, 10).Any(told.Contains) ? null : "the changes have not come";
        });

        // Those that ended while nobody watched stay with the backup until it starts afresh.
        pair.Second.Do("-f", "external");
        pair.Second.Do("-n");
        pair.WaitUntilEqual();
    }

    private static Pair StartWithFlows(Make sender, Make receiver)
    {
        Pair pair = Pair.Start(sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Before);
        pair.WaitUntilEqual();
        return pair;
    }

    private static void GoOn(Node node)
    {
        FlowGenerator.Create(node.Firewall.Namespace, Meanwhile, first: Before);
        FlowGenerator.Delete(node.Firewall.Namespace, Ended);
    }

    private static void End(Node node, bool isKilled)
    {
        if (isKilled) node.Daemon.Kill();
        else Assert.Equal(0, node.Daemon.Stop());
    }
}
