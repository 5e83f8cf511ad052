using System.Text.RegularExpressions;

namespace TwinTrack.Cli.Tests;

/// <summary>
/// Rows of docs/deviations.md, and what 1.4.7 does otherwise than its successors, as random lines show them.
/// </summary>
internal static partial class KnownDifferences
{
    /// <summary>Why the two may differ; null if they must not.</summary>
    public static string? Find(string[] words, string[] file, int exit, string errors)
    {
        if (exit > 128) return "the original crashed";
        if (errors.Contains("0 flow entries have been added", StringComparison.Ordinal)) return "-A of what exists";
        if (errors.Contains("Protocol error", StringComparison.Ordinal)) return "-U while a second of the clock ends";
        foreach (string line in file)
        {
            if (FindInFile(line) is { } reason) return reason;
        }

        return Find(words, errors);
    }

    /// <summary>Whether our output is meant to differ: framed XML, texts of our own, time, counters of the CPUs.</summary>
    public static bool IsOutputOurs(string[] words)
    {
        string line = Line(words);
        return IsHelp(words) || (line.Contains("xml", StringComparison.Ordinal) && !IsPlainList(line))
            || line.Contains("timestamp", StringComparison.Ordinal) || Statistics().IsMatch(line)
            || (IsEvent(line) && line.Contains("save", StringComparison.Ordinal));
    }

    private static string? Find(string[] words, string errors)
    {
        string line = Line(words);
        bool isDelete = Deletes().IsMatch(line);
        bool isUpdate = Updates().IsMatch(line);
        if (isUpdate && errors.Contains("Operation failed", StringComparison.Ordinal)) return "-U without a family";
        if (isUpdate && words.Contains("99")) return "-U in a zone";
        if (isUpdate && line.Contains("--label-del", StringComparison.Ordinal)) return "--label-del of high bits";
        if (isDelete && TimeoutOrStatus().IsMatch(line)) return "-D -t and -u";
        if (isDelete && (line.Contains("vtag", StringComparison.Ordinal))) return "-D with tags";
        if (isDelete && line.Contains(" e", StringComparison.Ordinal)) return "-D expect";
        if (MarkAndStatus().IsMatch(line)) return "the mark gets the status";
        if (MixedStatus().IsMatch(line)) return "-u with what must not be set";
        if (Flushes().IsMatch(line) && Family().IsMatch(line)) return "-F -f";
        if (ReplyOfGet().IsMatch(line)) return "-G by reply tuple";
        if (Loose().IsMatch(line)) return "keys of GRE, an empty mask, a word behind a value";
        if (MakesExpected().IsMatch(line)) return "EXPECTED is left out";
        if (SecurityMark().IsMatch(line)) return "-c is compared";
        if (TranslatedPort().IsMatch(line)) return "a translated port of SCTP or UDP-Lite";
        if (AttachedNat().IsMatch(line)) return "an attached address";
        if (Icmp().IsMatch(line) && !IsBehindAddresses(words)) return "ICMP before the addresses";
        return null;
    }

    private static string? FindInFile(string line)
    {
        if (line.Contains("label", StringComparison.Ordinal) || line.Contains(" -l", StringComparison.Ordinal))
            return "labels in a load file";
        if (line.Contains(" -o", StringComparison.Ordinal) || line.Contains("--out", StringComparison.Ordinal))
            return "an output form acts on all lines";
        string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return line.Contains("-U", StringComparison.Ordinal) ? "-U takes values of the last line" : Find(words, "");
    }

    private static string Line(string[] words) => " " + string.Join(' ', words) + " ";

    private static bool IsHelp(string[] words) =>
        words.Length == 0 || words.Any(word => word is "-h" or "-V") || words.All(HasNoEffect);

    private static bool HasNoEffect(string word) =>
        word[0] != '-' || word.StartsWith("-a", StringComparison.Ordinal)
        || word.StartsWith("--nat-range", StringComparison.Ordinal);

    private static bool IsPlainList(string line) =>
        PlainList().IsMatch(line) && !line.Contains("dying", StringComparison.Ordinal);

    private static bool IsEvent(string line) => Events().IsMatch(line);

    private static bool IsBehindAddresses(string[] words)
    {
        int icmp = Array.FindIndex(words, word => word.StartsWith("--icmp", StringComparison.Ordinal));
        int address = Array.FindLastIndex(
            words, word => word.StartsWith("-r", StringComparison.Ordinal)
                || word.StartsWith("-q", StringComparison.Ordinal)
                || word.StartsWith("--reply-", StringComparison.Ordinal));
        return icmp < 0 || address < icmp;
    }

    [GeneratedRegex(" (-D|--de)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Deletes();

    [GeneratedRegex(" (-U|--up)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Updates();

    [GeneratedRegex(" (-E|--ev)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Events();

    [GeneratedRegex(" (-F|--flu)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Flushes();

    [GeneratedRegex(" (-S|--stats) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Statistics();

    [GeneratedRegex(" (-L|--dump) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PlainList();

    [GeneratedRegex(" (-f|--family)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Family();

    [GeneratedRegex(" (-t|--timeout|-u|--status)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TimeoutOrStatus();

    [GeneratedRegex(" (-u|--status)[ =]?(UNSET|FOO|S)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MixedStatus();

    [GeneratedRegex(
        " (-I|-A|-U|--create|--add|--up).* (-m|--mark).* (-u|--status)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MarkAndStatus();

    [GeneratedRegex(" (-G|--get) .*(-r|-q|--reply-src|--reply-dst)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ReplyOfGet();

    [GeneratedRegex("gre.*--srckey|47.*--srckey|/ ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Loose();

    [GeneratedRegex(" (-[ngj]|--(src|dst|any)-nat=)[0-9[:]", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AttachedNat();

    [GeneratedRegex(" (-c|--secmark)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SecurityMark();

    [GeneratedRegex("(sctp|udplite).*(-n|-g|nat)[ =][0-9.]+:", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TranslatedPort();

    [GeneratedRegex(" (-I|-A|--create|--add) .*EXPECTED", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MakesExpected();

    [GeneratedRegex("icmp", RegexOptions.None, 1000)]
    private static partial Regex Icmp();
}
