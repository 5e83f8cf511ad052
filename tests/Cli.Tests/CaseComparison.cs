using System.Text;
using System.Text.RegularExpressions;

namespace TwinTrack.Cli.Tests;

/// <summary>Compares what a program printed with a recording in which the changing parts are marked.</summary>
internal static partial class CaseComparison
{
    // A segment that only acknowledges: headers of IPv4 or IPv6 and of TCP with timestamps.
    private const int AckBytes = 52;
    private const int Ack6Bytes = 72;
    private const int AcksAtMost = 2;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

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

        if (recorded.Trigger is not null) actual = WithoutLateEnd(expected, actual);
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
                int index = lines.FindIndex(candidate => Matches(line, candidate));
                if (index < 0) missing.Add(line);
                else lines.RemoveAt(index);
            }

            if (missing.Count == 0 && lines.Count == 0) return;
        }
        else if (Matches(expected, actual))
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

    private static bool Matches(string recorded, string actual)
    {
        List<Match> counters = [];
        Match match = Pattern(recorded, counters).Match(actual);
        if (!match.Success) return false;

        for (int i = 0; i < counters.Count; i++)
        {
            int packets = Number(match, $"p{i}") - Number(counters[i], "packets");
            int bytes = Number(match, $"b{i}") - Number(counters[i], "bytes");
            bool areAcks = bytes == packets * AckBytes || bytes == packets * Ack6Bytes;
            if (!areAcks || Math.Abs(packets) > AcksAtMost) return false;
        }

        return true;
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value);

    // Whether a host acknowledges by itself or along with what it sends next is a matter of milliseconds: counters of
    // TCP may differ by such segments. All others are compared as they are.
    private static Regex Pattern(string recorded, List<Match> counters)
    {
        var pattern = new StringBuilder("^");
        int at = 0;
        foreach (Match mark in Changing().Matches(recorded))
        {
            bool isCounter = mark.Groups["packets"].Success;
            if (isCounter && !LineAt(recorded, mark.Index).Contains("tcp", StringComparison.Ordinal)) continue;

            pattern.Append(Regex.Escape(recorded[at..mark.Index]));
            at = mark.Index + mark.Length;
            if (isCounter)
            {
                int i = counters.Count;
                counters.Add(mark);
                pattern.Append($@"(?<p{i}>[1-9]\d*){Regex.Escape(mark.Groups["between"].Value)}(?<b{i}>[1-9]\d*)");
                continue;
            }

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
        }

        pattern.Append(Regex.Escape(recorded[at..])).Append('$');
        return new(pattern.ToString(), RegexOptions.None, _limit);
    }

    private static string LineAt(string text, int index)
    {
        int end = text.IndexOf('\n', index);
        return text[(text.LastIndexOf('\n', index) + 1)..(end < 0 ? text.Length : end)];
    }

    // Recorded was a server that ended its side before it had acknowledged the client's end. A process that gets to run
    // later than that makes one event more, and nothing else.
    private static RecordedResult WithoutLateEnd(RecordedResult expected, RecordedResult actual)
    {
        const string late = "CLOSE_WAIT";
        if (expected.Stdout.Contains(late, StringComparison.Ordinal)) return actual;

        List<string> lines = [.. actual.Stdout.Split('\n')];
        int index = lines.FindIndex(line => line.Contains(late, StringComparison.Ordinal));
        if (index < 0 || !lines[index + 1].Contains("LAST_ACK", StringComparison.Ordinal)) return actual;

        lines.RemoveAt(index);
        return actual with
        {
            Stdout = string.Join('\n', lines),
            Stderr = EventCount().Replace(actual.Stderr, count => $"{int.Parse(count.Value) - 1}"),
        };
    }

    [GeneratedRegex(@"\d+(?= flow events have been shown)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex EventCount();

    [GeneratedRegex(
        @"\{\{(?<kind>\w+)=.*?\}\}|(?<=packets(=|>))(?<packets>[1-9]\d*)(?<between> bytes=|</packets><bytes>)(?<bytes>\d+)",
        RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Changing();

    [GeneratedRegex(@"(?<=\(conntrack-tools\): )line \d+: ", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex LineNumber();

    [GeneratedRegex(@"^(nfct_labelmap_new|/etc/xtables/connlabel|mnl_socket_|netlink |events of )", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Foreign();
}
