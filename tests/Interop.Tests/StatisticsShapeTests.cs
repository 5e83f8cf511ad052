using System.Text.RegularExpressions;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Statistics of ours and of the original differ in numbers only: words, tabs, blanks and columns are the same.
/// </summary>
[Trait("needs", "root")]
public sealed partial class StatisticsShapeTests
{
    private const int MatchMilliseconds = 1000;

    private static readonly string[] Forms =
        ["ct", "expect", "network", "cache", "runtime", "link", "multicast", "rsqueue", "process", "queue"];

    [Theory]
    [InlineData("FTFW", "")]
    [InlineData("ALARM", "")]
    [InlineData("NOTRACK", "")]
    [InlineData("FTFW", "DisableExternalCache on")]
    [InlineData("NOTRACK", "DisableInternalCache on DisableExternalCache on")]
    public void Every_form_looks_like_the_originals(string mode, string lines)
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Original, config => config with
        {
            Mode = mode,
            ModeLines = lines,
            SyncLines = "Options { ExpectationSync on }",
        });

        // Expectations are kept in ours even where flows are not: it says so.
        foreach (string form in Forms.Where(form => form != "expect" || lines.Length == 0))
        {
            (string ours, string theirs) = (Shape(pair.First, form), Shape(pair.Second, form));
            Assert.Equal($"{form}:\n{theirs}", $"{form}:\n{ours}");
        }

        Assert.Equal(Shape(pair.Second, "ct"), Numbers().Replace(pair.First.Do("-s"), Columns));
    }

    private static string Shape(Node node, string form)
    {
        string text = node.Daemon.RequireControl("-s", form).Output;
        // The elements of the resend queue are those of the moment.
        if (form == "rsqueue") text = text.Split('\n')[0];
        return Numbers().Replace(text, Columns);
    }

    // A column keeps its width whatever number stands in it; a number alone does not count for one.
    private static string Columns(Match match) =>
        match.Value[0] == ' ' ? new string('#', match.Length) : "#";

    [GeneratedRegex(" {2,}[0-9]+|[0-9]+", RegexOptions.None, MatchMilliseconds)]
    private static partial Regex Numbers();
}
