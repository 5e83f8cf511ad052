using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Every keyword of the grammar does something that can be seen from outside, or says that it does nothing.</summary>
[Trait("needs", "root")]
public sealed class KeywordTests
{
    private static readonly Dictionary<string, Action> Observations = new[]
    {
        GeneralObservations.Rows, LinkObservations.Rows, SyncObservations.Rows,
    }.SelectMany(rows => rows).ToDictionary(row => row.Key, row => row.Value, StringComparer.Ordinal);

    public static TheoryData<string> Grammar =>
        [.. Keywords.All(Keywords.File).Select(row => $"{row.Block.Title}/{row.Keyword.Name}")];

    [Theory, MemberData(nameof(Grammar))]
    public void A_keyword_does_what_can_be_seen(string row)
    {
        string block = row.Split('/')[0];
        if (Observations.TryGetValue(row, out Action? observe) || Observations.TryGetValue(block + "/*", out observe))
            observe();
        else
            Assert.Fail($"nobody looks whether {row} does anything");
    }

    [Fact]
    public void Nobody_looks_for_a_keyword_that_is_not_there()
    {
        HashSet<string> rows = Grammar.Select(row => row.Data).ToHashSet(StringComparer.Ordinal);
        Assert.All(Observations.Keys.Where(row => !row.EndsWith('*')), row => Assert.Contains(row, rows));
    }
}
