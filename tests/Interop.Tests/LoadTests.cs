using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Operators ask and command while flows pour in.</summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class LoadTests
{
    private const int Standing = 5000;
    private const int Arriving = 50_000;
    private const int Step = 500;

    // Of a machine that compiles things besides; a daemon that waits for a listing or a commit takes far longer.
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(5);

    [Fact]
    public void Commands_under_load_are_answered_in_full_and_hold_up_nothing()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Standing);
        pair.WaitUntilEqual();
        using var probe = new LatencyProbe(pair);
        var load = new Thread(() =>
        {
            for (int first = Standing; first < Standing + Arriving; first += Step)
            {
                FlowGenerator.Create(home, Step, first);
                Thread.Sleep(25);
            }
        });
        load.Start();

        int rounds = 0;
        while (load.IsAlive)
        {
            AssertComplete(pair.First.Internal());
            AssertComplete(pair.Second.External());
            pair.Second.Do("-c");
            Assert.InRange(pair.Second.Firewall.CountFlows(), (uint)Standing, uint.MaxValue);
            Assert.InRange(pair.First.Counts().Internal ?? 0, Standing, long.MaxValue);
            Assert.InRange(pair.Second.Counts().External ?? 0, Standing, long.MaxValue);
            rounds++;
        }

        (int flows, TimeSpan longest) = probe.Finish();
        pair.WaitUntilEqual();
        pair.Second.Do("-c");
        Assert.Equal((uint)(Standing + Arriving + flows), pair.Second.Firewall.CountFlows());
        Assert.DoesNotContain("can't be committed", pair.Second.Log, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds} rounds, longest delay {longest.TotalMilliseconds:0} ms");
        Assert.InRange(longest, TimeSpan.Zero, _bound);
    }

    // Whatever comes and goes meanwhile, what stands all the time is listed once.
    private static void AssertComplete(List<FlowLine> listing)
    {
        HashSet<string> tuples = [.. listing.Select(line => line.Original)];
        Assert.Equal(listing.Count, tuples.Count);
        Assert.Superset(Generated.Tuples(0, Standing).ToHashSet(StringComparer.Ordinal), tuples);
    }
}
