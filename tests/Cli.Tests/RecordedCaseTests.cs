using System.Text;
using System.Text.Json;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>Runs what was recorded of the original on a table of its own against our programs.</summary>
[Trait("needs", "root")]
public sealed class RecordedTableTests(CaseLab lab) : IClassFixture<CaseLab>
{
    public static TheoryData<string> Areas => RecordedRun.Areas(one => one.Topology is null && one.Trigger is null);

    [Theory]
    [MemberData(nameof(Areas))]
    public void Recorded_runs_go_as_they_were_recorded(string area) =>
        RecordedRun.Check(lab, one => one.Topology is null && one.Trigger is null && RecordedRun.Area(one) == area);

    [Fact]
    public void Every_deviation_names_a_recorded_run()
    {
        HashSet<string> ids = [.. RecordedCases.All.Select(one => one.Id)];
        Assert.All(RecordedCases.Deviations, pair =>
        {
            Assert.Contains(pair.Key, ids);
            Assert.NotEmpty(pair.Value.Why);
        });
    }
}

/// <summary>Runs what was recorded of event listeners against our programs.</summary>
[Trait("needs", "root")]
public sealed class RecordedEventTests(CaseLab lab) : IClassFixture<CaseLab>
{
    [Fact]
    public void Recorded_listeners_show_what_was_recorded() =>
        RecordedRun.Check(lab, one => one.Topology is null && one.Trigger is not null);
}

/// <summary>Runs what was recorded of a router with traffic against our programs.</summary>
[Trait("needs", "root")]
public sealed class RecordedRouterTests(CaseLab lab) : IClassFixture<CaseLab>
{
    [Fact]
    public void Recorded_runs_on_a_router_go_as_they_were_recorded() =>
        RecordedRun.Check(lab, one => one.Topology is not null);
}

/// <summary>Runs recorded cases and reports all differences at once.</summary>
internal static class RecordedRun
{
    // Those whose texts are our own: only the status counts, and that there is something.
    private static readonly string[] _ownTexts =
    [
        "help-", "no-args", "stray-argument", "unprivileged-help", "nfct-version", "unprivileged-nfct-list-version",
    ];

    // How they were done is prose: StreamTests do them.
    private static readonly string[] _prose = ["event-overflow", "closed-pipe", "stdout-full"];

    public static TheoryData<string> Areas(Func<RecordedCase, bool> chosen) =>
        [.. RecordedCases.All.Where(chosen).Select(Area).Distinct(StringComparer.Ordinal)];

    public static void Check(CaseLab lab, Func<RecordedCase, bool> chosen)
    {
        var report = new StringBuilder();
        int failed = 0;
        List<RecordedCase> cases = [.. RecordedCases.All.Where(one => chosen(one) && !_prose.Contains(one.Id))];
        foreach (RecordedCase recorded in cases)
        {
            string difference = Try(lab, recorded, out RecordedResult actual);
            if (difference.Length == 0) continue;

            failed++;
            Keep(recorded, actual);
            report.Append($"{recorded.Id}: {recorded.Prog} {string.Join(' ', recorded.Args)}\n{difference}");
        }

        Assert.True(failed == 0, $"{failed} of {cases.Count} differ:\n{report}");
    }

    private static string Try(CaseLab lab, RecordedCase recorded, out RecordedResult actual)
    {
        actual = lab.Run(recorded);
        return HasOwnText(recorded) ? CompareStatus(recorded, actual) : CaseComparison.Compare(recorded, actual);
    }

    // What a case left instead, for a look, and for tests/golden/cli/deviations.json if it is wanted.
    private static void Keep(RecordedCase recorded, RecordedResult actual)
    {
        string folder = Path.Combine(Testing.Repository.Root, "artifacts", "cli");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $"{recorded.Id}.json"), JsonSerializer.Serialize(actual));
    }

    public static string Area(RecordedCase recorded) => recorded.Id.Split('-', '_')[0];

    private static bool HasOwnText(RecordedCase recorded) =>
        _ownTexts.Any(start => recorded.Id.StartsWith(start, StringComparison.Ordinal));

    private static string CompareStatus(RecordedCase recorded, RecordedResult actual)
    {
        bool prints = recorded.Expected.Exit == 0;
        return actual.Exit == recorded.Expected.Exit && actual.Stdout.Length > 0 == prints
            ? ""
            : $"  exit {actual.Exit}, {actual.Stdout.Length} bytes: {actual.Stderr}\n";
    }

}
