using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>
/// Random command lines and load files end alike, show the same and leave the same tables with the original and ours.
/// </summary>
/// <remarks>
/// The same lines each time, unless CLI_FUZZ_SECONDS and CLI_FUZZ_SEED set how long and which; a failure tells the seed
/// of its command line. What docs/deviations.md names is passed over, see <see cref="KnownDifferences"/>.
/// </remarks>
[Trait("needs", "root")]
public sealed partial class DifferenceTests
{
    private const int SeedsOfShortRun = 150;
    private const int FileEvery = 8;
    private const int ShownAtMost = 10;

    private const string Base =
        """
        -I -s 10.83.0.1 -d 10.83.0.2 -p tcp --sport 1000 --dport 80 --state ESTABLISHED -t 1000 -u ASSURED,SEEN_REPLY
        -I -s 10.83.0.1 -d 10.83.0.2 -p udp --sport 1001 --dport 53 -t 1000 -m 5
        -I -s 10.83.0.1 -d 10.83.0.2 -p udp --sport 7 --dport 80 -t 1000 -n 10.83.0.9
        -I -s fd83::1 -d fd83::2 -p udp --sport 1002 --dport 53 -t 1000
        -I -s 10.83.0.1 -d 10.83.0.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 1000
        -I -s 10.83.0.77 -d 10.83.0.2 -p 99 -t 1000 -w 5
        """;

    private const string Reset =
        """
        conntrack -F 2>/dev/null; printf '%s\n' "$0" | conntrack -R - || exit 120
        $CONNTRACK -U -s 10.83.0.1 -p tcp --label-add alpha,forty >/dev/null 2>&1 || exit 121

        """;

    private const string Show =
        """

        cat $WORK/out; echo; echo ====; cat $WORK/err >&2
        conntrack -L -o extended,labels 2>/dev/null | sort; conntrack -L expect 2>/dev/null | sort
        exit $status
        """;

    // A listener is told what happens once it listens, and ends when it has read it.
    private const string Listen =
        """
        { exec PROGRAM LINE; } >$WORK/out 2>$WORK/err </dev/null & listener=$!
        until_it_listens $listener
        conntrack -I -s 10.83.0.1 -d 10.83.0.9 -p udp --sport 1 --dport 53 -t 600
        $CONNTRACK -U -s 10.83.0.1 -d 10.83.0.9 -p udp -m 5 >/dev/null
        conntrack -I -s fd83::1 -d fd83::9 -p tcp --sport 7 --dport 80 -t 600 --state ESTABLISHED
        conntrack -D -p udp >/dev/null
        until_it_rests $listener
        kill -INT $listener 2>/dev/null; wait $listener; status=$?
        """;

    [Fact]
    public void Random_command_lines_do_what_they_do_with_the_original()
    {
        using var lab = new CaseLab();
        lab.UseLabels();
        int seconds = Number("CLI_FUZZ_SECONDS", 0);
        int first = Number("CLI_FUZZ_SEED", 1);
        List<string> differences = [];
        int tried = 0, compared = 0;
        var watch = Stopwatch.StartNew();
        bool GoesOn(int seed) =>
            seconds > 0 ? watch.Elapsed.TotalSeconds < seconds : seed < first + SeedsOfShortRun;

        for (int seed = first; GoesOn(seed); seed++)
        {
            var random = new RandomArguments(seed);
            string[] words = seed % FileEvery == 0 ? ["-R", "-"] : random.Next();
            string[] file = seed % FileEvery == 0 ? random.NextFile() : [];
            Outcome theirs = Run(lab, "conntrack", words, file);
            tried++;
            if (KnownDifferences.Find(words, file, theirs.Exit, theirs.Errors) is not null) continue;

            compared++;

            Outcome ours = Run(lab, "$CONNTRACK", words, file);
            bool isAlike = theirs.Exit == ours.Exit && theirs.Table == ours.Table
                && (theirs.Output == ours.Output || KnownDifferences.IsOutputOurs(words));
            if (isAlike) continue;

            differences.Add(
                $"CLI_FUZZ_SEED={seed}: conntrack {string.Join(' ', words)}\n{string.Join('\n', file)}\n"
                + theirs.Text("theirs", ours) + ours.Text("ours", theirs));
            if (differences.Count == ShownAtMost) break;
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.True(compared * 2 > tried, $"only {compared} of {tried} were compared");
    }

    private static int Number(string name, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value)
            ? value
            : standard;

    private static Outcome Run(CaseLab lab, string program, string[] words, string[] file)
    {
        string line = string.Join(' ', words.Select(word => $"'{word}'"));
        string run = RandomArguments.Listens(words)
            ? Listen.Replace("PROGRAM LINE", $"{program} {line}", StringComparison.Ordinal)
            : $"printf '%s\\n' \"$1\" | {program} {line} >$WORK/out 2>$WORK/err; status=${{PIPESTATUS[1]}}";
        CommandResult result = lab.Shell($"{Reset}{run}{Show}", 0, Base, string.Join('\n', file));
        string[] parts = Steady(result.Output).Split("====\n", 2);
        Assert.True(parts.Length == 2, $"the run broke off with {result.ExitCode}: {result.Errors}");
        string output = RandomArguments.Listens(words)
            ? parts[0]
            : string.Join('\n', parts[0].Split('\n').Order(StringComparer.Ordinal));
        return new(result.ExitCode, output, parts[1], result.Errors.Trim());
    }

    // What the time of day, the kernel and who else looks at a flow decide.
    private static string Steady(string text) => Changing().Replace(text, "");

    [GeneratedRegex(
        @"(?<=^(\s*\[\w+\] )?(\S+ +\d+ )?\S+ +\d+ )\d+ (?=(\S+ )?src=)|^\d+ (?=proto=)|(?<= -t )\d+|(?<=<timeout>)\d+"
        + @"| use=\d+|(?<=portid=)\d+( progname=\S+)?| id=\d+$|<use>\d+</use>|(?<=<id>)\d+(?=</id></meta>)"
        + @"|(?<=\[)\d+\.\d+\s*(?=\])|<when>.*?</when>",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Changing();

    private sealed record Outcome(int Exit, string Output, string Table, string Errors)
    {
        // What is alike is left out.
        public string Text(string whose, Outcome other) =>
            $"{whose} {Exit}: {Errors}\n{Part(Output, other.Output)}{Part(Table, other.Table)}";

        private static string Part(string text, string other) => text == other
            ? ""
            : string.Concat(
                text.Split('\n').Except(other.Split('\n'), StringComparer.Ordinal).Select(line => $"  {line}\n"));
    }
}
