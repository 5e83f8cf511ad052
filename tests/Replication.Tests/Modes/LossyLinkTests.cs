using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Two engines on a link that loses a part of the datagrams for as long as it lasts.</summary>
public sealed class LossyLinkTests
{
    private const int Made = 20_000;
    private const int MadePerMillisecond = 500;

    [Theory]
    [InlineData(5, 1)]
    [InlineData(20, 1)]
    [InlineData(50, 1)]
    [InlineData(50, 2)]
    [InlineData(50, 3)]
    [InlineData(50, 6)]
    public void Caches_become_equal_within_seconds_while_datagrams_are_still_lost(int percent, int seed)
    {
        using var first = new Node();
        using var second = new Node(first: 500_000);
        var random = new Random(seed);
        Run(first, second, 3000, () => false, () => false);
        int made = 0;

        long elapsed = Run(
            first, second, 30_000, () => random.Next(100) < percent, () =>
            {
                for (int i = 0; i < MadePerMillisecond && made < Made; i++) first.New(made++);
                return second.Stats.External.Active == Made;
            });

        Assert.Equal(Made, second.Count(CacheKind.External));
        Assert.InRange(elapsed, 0, 5000);
    }

    // Both speak each millisecond; what one says the other hears a millisecond later.
    private static long Run(Node first, Node second, long milliseconds, Func<bool> isLost, Func<bool> isDone)
    {
        Instant start = first.Now;
        while (!isDone() && first.Now < start.PlusMilliseconds(milliseconds))
        {
            byte[][] toSecond = [.. first.Datagrams().Where(_ => !isLost())];
            byte[][] toFirst = [.. second.Datagrams().Where(_ => !isLost())];
            first.Wait(1);
            second.Wait(1);
            foreach (byte[] datagram in toSecond) second.Hear(datagram);
            foreach (byte[] datagram in toFirst) first.Hear(datagram);
        }

        return (first.Now.Microseconds - start.Microseconds) / 1000;
    }
}
