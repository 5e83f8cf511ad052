using System.Text;
using System.Text.RegularExpressions;

namespace TwinTrack.Cli.Tests;

/// <summary>Compares what a program printed with a recording in which the changing parts are marked.</summary>
internal static partial class CaseComparison
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    /// <summary>The differences, one a line; empty if there are none.</summary>
    public static string Compare(RecordedCase recorded, RecordedResult actual)
    {
        RecordedResult expected = recorded.Expected;
        if (RecordedCases.Deviations.TryGetValue(recorded.Id, out Deviation? deviation))
        {
            expected = expected with
            {
                Exit = deviation.Exit ?? expected.Exit,
                Stdout = deviation.Stdout ?? expected.Stdout,
                After = deviation.After ?? expected.After,
            };
        }

        var text = new StringBuilder();
        if (expected.Exit != actual.Exit)
            text.Append($"  exit {actual.Exit}, not {expected.Exit}; {actual.Stderr.Trim()}\n");
        Append(text, "stdout", expected.Stdout, actual.Stdout, recorded.Unordered);
        for (int i = 0; i < expected.After!.Count; i++)
        {
            RecordedCommand wanted = expected.After[i];
            Append(text, $"after {wanted.Cmd}", wanted.Stdout, actual.After![i].Stdout, recorded.Unordered);
        }

        if (deviation is null) Append(text, "stderr", Clean(expected.Stderr), Clean(actual.Stderr), unordered: false);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string what, string expected, string actual, bool unordered)
    {
        List<string> lines = [.. Lines(actual)];
        List<string> missing = [];
        if (unordered)
        {
            foreach (string line in Lines(expected))
            {
                int index = lines.FindIndex(candidate => Pattern(line).IsMatch(candidate));
                if (index < 0) missing.Add(line);
                else lines.RemoveAt(index);
            }

            if (missing.Count == 0 && lines.Count == 0) return;
        }
        else if (Pattern(expected).IsMatch(actual))
        {
            return;
        }
        else
        {
            missing = [.. Lines(expected)];
        }

        text.Append($"  {what}:\n");
        foreach (string line in missing) text.Append($"    - {line}\n");
        foreach (string line in lines) text.Append($"    + {line}\n");
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // What the C libraries add of their own has no meaning for users; ours says it in its own words.
    private static string Clean(string text) => string.Concat(
        Lines(text).Where(line => !Foreign().IsMatch(line)).Select(line => LineNumber().Replace(line, "") + "\n"));

    private static Regex Pattern(string recorded)
    {
        var pattern = new StringBuilder("^");
        int at = 0;
        foreach (Match mark in Mark().Matches(recorded))
        {
            pattern.Append(Literal(recorded[at..mark.Index]));
            pattern.Append(mark.Groups["kind"].Value switch
            {
                "version" => @"[0-9.]+",
                "date" => @"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}",
                "when" => @".*?",
                "progname" => @"( progname=\S+)?",
                "holder" => @".*",
                "own" => @"[\s\S]+",
                "time" => @"\d+\.\d{6}",
                _ => @"\d+",
            });
            at = mark.Index + mark.Length;
        }

        pattern.Append(Literal(recorded[at..])).Append('$');
        return new(pattern.ToString(), RegexOptions.None, _limit);
    }

    // How many segments of TCP only acknowledge is a matter of time.
    private static string Literal(string recorded) => Counters().Replace(Regex.Escape(recorded), "${name}[1-9][0-9]*");

    [GeneratedRegex(@"(?<name>(packets|bytes)(=|>))[1-9][0-9]*", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Counters();

    [GeneratedRegex(@"(?<=\(conntrack-tools\): )line \d+: ", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex LineNumber();

    [GeneratedRegex(@"\{\{(?<kind>\w+)=.*?\}\}", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Mark();

    [GeneratedRegex(@"^(nfct_labelmap_new|/etc/xtables/connlabel|mnl_socket_|netlink |events of )", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Foreign();
}
