using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class GoldenTests
{
    // What conntrackd complains about and we read as it was meant, or only look at when the daemon starts.
    private static readonly string[] ReadCorrectly =
    [
        "invalid/002-brace-after-path.conf", "invalid/003-comment-at-eof.conf", "invalid/069-warn-interface.conf",
        "invalid/073-warn-mcast6-order.conf", "invalid/094-tab-after-path.conf", "invalid/096-filter-proto-hex.conf",
        "invalid/103-quirk-filter-zero.conf",
    ];

    public static TheoryData<string> Valid => [.. Samples.Names("valid")];

    public static TheoryData<string> All => [.. Samples.AllNames];

    [Theory, MemberData(nameof(All))]
    public void A_sample_gives_the_recorded_problems(string name) =>
        Assert.Equal(
            string.Join('\n', Samples.Recorded(name, original: false)),
            string.Join('\n', Samples.Read(name).Problems.Select(Samples.Show)));

    [Theory, MemberData(nameof(Valid))]
    public void A_valid_sample_loads(string name)
    {
        ConfigResult result = Samples.Read(name);
        Assert.NotNull(result.Config);
        Assert.DoesNotContain(result.Problems, problem => problem.Level == ProblemLevel.Error);
    }

    [Theory, MemberData(nameof(All))]
    public void What_conntrackd_complains_about_we_complain_about_too(string name)
    {
        string[] original = Samples.Recorded(name, original: true);
        if (original.Length == 0 || Array.IndexOf(ReadCorrectly, name) >= 0) return;

        IReadOnlyList<ConfigProblem> ours = Samples.Read(name).Problems;
        Assert.NotEmpty(ours);
        if (original[^1].EndsWith(": syntax error", StringComparison.Ordinal)) return;

        // A text that scripts may look for begins with what conntrackd says; ours may add what was expected.
        Assert.All(original, line => Assert.Contains(ours, problem =>
            problem.Text.StartsWith(line[(line.IndexOf(']') + 2)..], StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(All))]
    public void What_is_printed_reads_back_as_the_same_configuration(string name)
    {
        if (Samples.Read(name).Config is not { } config) return;

        string printed = Printer.Print(config);
        ConfigResult again = ConfigReader.Parse("printed", printed, Samples.Protocols);
        Assert.Equal(config, again.Config);
        Assert.DoesNotContain(again.Problems, problem => problem.Line > 0);
        Assert.Equal(printed, Printer.Print(again.Config!));
    }
}
