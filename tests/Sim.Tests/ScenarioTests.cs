using TwinTrack.Sim.Chaos;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Sim.Tests;

/// <summary>Stories of two or three nodes, told in lines.</summary>
public sealed class ScenarioTests
{
    private static readonly string s_folder =
        Path.GetFullPath(Path.Combine(GoldenFiles.Root, "..", "Sim", "scenarios"));

    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(s_folder, "*.scn").Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];

    /// <summary>Lines that are wrong, and what is said of them.</summary>
    public static TheoryData<string, string> Wrong => new()
    {
        { "run 1s", "1: the first line must be `nodes'" },
        { "nodes a b\ndance", "2: unknown: dance" },
        { "nodes a b\nc: stop", "2: there is no node c" },
        { "nodes a b\nexpect a external 1", "2: expected a external 1, but it is 0" },
        { "nodes a b\na: end tcp 10.0.0.1:1 > 10.0.0.2:2", "2: a has no tcp 10.0.0.1:1 > 10.0.0.2:2" },
    };

    [Theory, MemberData(nameof(Names))]
    public void A_scenario_ends_as_it_says(string name) => Assert.Null(Scenario.Try(Path.Combine(s_folder, name)));

    [Theory, MemberData(nameof(Wrong))]
    public void What_is_wrong_is_told_with_its_line(string text, string expected)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            Assert.Equal($"{path}:{expected}", Scenario.Try(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
