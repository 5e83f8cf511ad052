using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Caches of ours that are full say so once.</summary>
[Trait("needs", "root")]
public sealed class CacheLimitTests
{
    private const int Limit = 50;

    [Fact]
    public void A_full_internal_cache_is_reported_once_in_an_episode_and_counted()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with { HashLimit = Limit });
        NetNamespace home = pair.First.Firewall.Namespace;

        FlowGenerator.Create(home, 2 * Limit);
        Eventually.Equals(Limit, () => pair.First.Count("cache", "no space left in cache"), "refused flows");
        Assert.Equal(new CacheCounts(Limit, 0), pair.First.Counts());
        Assert.Equal(1, Reports(pair.First, "internal cache is full"));

        // The next episode begins when there was room in between.
        FlowGenerator.Delete(home, 2 * Limit);
        Eventually.Equals(0, () => pair.First.Counts().Internal, "internal cache");
        FlowGenerator.Create(home, 2 * Limit);
        Eventually.Equals(2 * Limit, () => pair.First.Count("cache", "no space left in cache"), "refused flows");
        Assert.Equal(2, Reports(pair.First, "internal cache is full"));
        pair.WaitUntilEqual();
        Assert.Equal(0, Reports(pair.Second, "is full"));
    }

    [Theory]
    [InlineData(Make.Ours)]
    [InlineData(Make.Original)]
    public void A_full_external_cache_is_reported_once_in_an_episode_and_counted(Make sender)
    {
        using Pair pair = Pair.Build(sender, Make.Ours);
        pair.Second.Config = pair.Second.Config with { HashLimit = Limit };
        pair.First.Start();
        pair.Second.Start();

        FlowGenerator.Create(pair.First.Firewall.Namespace, 2 * Limit);

        Eventually.Holds(() => pair.Second.Do("-s").Contains($"{Limit}\tfailed:\t{Limit,12}", StringComparison.Ordinal)
            ? null
            : pair.Second.Do("-s"));
        Assert.Equal(Limit, pair.Second.Counts().External);
        Assert.Equal(1, Reports(pair.Second, "external cache is full"));
    }

    private static int Reports(Node node, string text) => node.Log.Split(text).Length - 1;
}
