using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>Random command lines end alike, and leave the same table, with the original and with ours.</summary>
/// <remarks>
/// The same lines each time, unless CLI_FUZZ_SECONDS and CLI_FUZZ_SEED set how long and which; a failure tells the seed
/// of its command line.
/// What docs/deviations.md names is passed over.
/// </remarks>
[Trait("needs", "root")]
public sealed partial class DifferenceTests
{
    private const int LinesOfShortRun = 150;

    private const string Base =
        """
        -I -s 10.83.0.1 -d 10.83.0.2 -p tcp --sport 1000 --dport 80 --state ESTABLISHED -t 1000 -u ASSURED,SEEN_REPLY
        -I -s 10.83.0.1 -d 10.83.0.2 -p udp --sport 1001 --dport 53 -t 1000 -m 5
        -I -s 10.83.0.1 -d 10.83.0.2 -p udp --sport 7 --dport 80 -t 1000 -n 10.83.0.9
        -I -s fd83::1 -d fd83::2 -p udp --sport 1002 --dport 53 -t 1000
        -I -s 10.83.0.1 -d 10.83.0.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 1000
        -I -s 10.83.0.77 -d 10.83.0.2 -p 99 -t 1000 -w 5
        """;

    [Fact]
    public void Random_command_lines_do_what_they_do_with_the_original()
    {
        using var lab = new CaseLab();
        int seconds = Number("CLI_FUZZ_SECONDS", 0);
        int first = Number("CLI_FUZZ_SEED", 1);
        var watch = Stopwatch.StartNew();
        for (int seed = first; seconds > 0 ? watch.Elapsed.TotalSeconds < seconds : seed < first + LinesOfShortRun; seed++)
        {
            string[] words = new RandomArguments(seed).Next();
            string line = string.Join(' ', words.Select(word => $"'{word}'"));
            Outcome theirs = Run(lab, "conntrack", line);
            if (IsDeviation(words, theirs)) continue;

            Outcome ours = Run(lab, "$CONNTRACK", line);
            Assert.True(
                theirs.Exit == ours.Exit && theirs.Table == ours.Table,
                $"CLI_FUZZ_SEED={seed}: conntrack {line}\ntheirs {theirs.Exit} {theirs.Errors}\n{theirs.Table}\n"
                + $"ours {ours.Exit} {ours.Errors}\n{ours.Table}");
        }
    }

    private static int Number(string name, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value)
            ? value
            : standard;

    private static Outcome Run(CaseLab lab, string program, string line)
    {
        CommandResult result = lab.Shell(
            $"conntrack -F 2>/dev/null; printf '%s\\n' \"$0\" | conntrack -R -; {program} {line} >$WORK/out 2>$WORK/err; "
            + "status=$?; conntrack -L -o extended 2>/dev/null | sort; cat $WORK/err >&2; exit $status",
            argument: Base);
        return new(result.ExitCode, Timeouts().Replace(result.Output, "${head} T "), result.Errors.Trim());
    }

    // Rows of docs/deviations.md, and what 1.4.7 does differently from its successors.
    private static bool IsDeviation(string[] words, Outcome theirs)
    {
        string line = string.Join(' ', words);
        bool isDelete = line.Contains("-D", StringComparison.Ordinal) || line.Contains("--de", StringComparison.Ordinal);
        bool isUpdate = line.Contains("-U", StringComparison.Ordinal) || line.Contains("--up", StringComparison.Ordinal);
        return theirs.Errors.Contains("0 flow entries have been added", StringComparison.Ordinal)
            || (isUpdate && theirs.Errors.Contains("Operation failed", StringComparison.Ordinal))
            || (isUpdate && words.Contains("99"))
            || (isDelete && (words.Contains("-t") || words.Contains("-u") || words.Contains("--status")))
            || (isDelete && line.Contains("vtag", StringComparison.Ordinal))
            || Loose().IsMatch(line)
            || (line.Contains("icmp", StringComparison.Ordinal) && !IsBehindAddresses(words))
            || (words.Contains("-F") || words.Contains("--flu")) && (words.Contains("-f") || words.Contains("--family"))
            || theirs.Exit > 128;
    }

    private static bool IsBehindAddresses(string[] words)
    {
        int icmp = Array.FindIndex(words, word => word.StartsWith("--icmp", StringComparison.Ordinal));
        int address = Array.FindLastIndex(words, word => word is "-r" or "-q" or "--reply-src" or "--reply-dst");
        return icmp < 0 || address < icmp;
    }

    [GeneratedRegex(
        @"7x|(-G|--get).* (-r|-q|--reply-src|--reply-dst) |gre.*--srckey|/( |$)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Loose();

    [GeneratedRegex(
        @"^(?<head>\S+ +\d+ \S+ +\d+) \d+ ", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Timeouts();

    private sealed record Outcome(int Exit, string Table, string Errors);
}
