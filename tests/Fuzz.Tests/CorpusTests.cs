using Xunit;

// A target keeps the buffers of its runs: two tests must not be in one at the same time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace TwinTrack.Fuzz.Tests;

/// <summary>Everything that was ever found, again and again, and a short walk from there.</summary>
public sealed class CorpusTests
{
    private const int Steps = 2000;

    public static TheoryData<string> Targets => [.. Target.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_input_of_the_corpus_is_survived(string name)
    {
        Target target = Find(name);
        List<byte[]> inputs = Corpus.Read(target);
        Assert.InRange(inputs.Count, 10, 5000);
        Assert.Null(new Discovery(target, inputs).Replay());
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void So_are_inputs_that_are_made_of_them(string name)
    {
        Target target = Find(name);
        var discovery = new Discovery(target, Corpus.Read(target));
        Assert.Null(discovery.Walk(seed: 1, Steps, TimeSpan.FromMinutes(1), keepsCurrent: false));
        Assert.Equal(Steps, discovery.Tried);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus_has_every_recording(string name)
    {
        Target target = Find(name);
        var known = Corpus.Read(target).Select(Convert.ToHexString).ToHashSet(StringComparer.Ordinal);
        string[] missing =
        [
            .. target.Seeds().Where(seed => seed.Length <= Corpus.LongestInput).Select(Convert.ToHexString)
                .Where(seed => !known.Contains(seed)),
        ];
        Assert.True(missing.Length == 0, $"{missing.Length} are missing: dotnet run --project tests/fuzz -- seed");
    }

    private static Target Find(string name) => Target.All.Single(target => target.Name == name);
}
