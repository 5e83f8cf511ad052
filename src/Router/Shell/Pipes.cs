using System.Text.RegularExpressions;
using TwinTrack.Router.Live;

namespace TwinTrack.Router.Shell;

/// <summary>A command parted from what follows it.</summary>
/// <param name="Words">The command.</param>
/// <param name="Filter">Makes of its output what is shown.</param>
/// <param name="IsJson">Whether it shall show JSON.</param>
/// <param name="IsOld">Whether it shall show the form of old routers.</param>
internal readonly record struct PipedCommand(
    List<string> Words, Func<string, string> Filter, bool IsJson, bool IsOld);

/// <summary>
/// What may follow a show command: <c>| match TEXT</c>, <c>| except TEXT</c>, <c>| count</c>, <c>| json</c>,
/// <c>| strip-private</c>, <c>| dialect old</c>.
/// </summary>
internal static partial class Pipes
{
    private const int MatchMilliseconds = 2000;

    /// <summary>Parts a command from what follows it.</summary>
    /// <exception cref="RouterException">What follows is unknown.</exception>
    public static PipedCommand Split(IReadOnlyList<string> typed)
    {
        List<List<string>> parts = [[]];
        foreach (string word in typed)
        {
            if (word == "|") parts.Add([]);
            else parts[^1].Add(word);
        }

        List<string> words = parts[0];
        bool isJson = words.RemoveAll(word => word is "--json") > 0;
        if (words.Count > 0 && words[^1] == "json")
        {
            words.RemoveAt(words.Count - 1);
            isJson = true;
        }

        bool isOld = false;
        Func<string, string> filter = text => text;
        foreach (List<string> pipe in parts[1..])
        {
            Func<string, string> before = filter;
            switch (pipe.FirstOrDefault())
            {
                case "json": isJson = true; break;
                case "no-more": break;
                case "dialect" when pipe is [_, "old"]: isOld = true; break;
                case "strip-private":
                    filter = text => Secret().Replace(Octets().Replace(before(text), "xxx.xxx."), "${name} 'xxxxxx'");
                    break;
                case "match" when pipe.Count == 2:
                    filter = text => Lines(before(text), line => line.Contains(pipe[1], StringComparison.Ordinal));
                    break;
                case "except" when pipe.Count == 2:
                    filter = text => Lines(before(text), line => !line.Contains(pipe[1], StringComparison.Ordinal));
                    break;
                case "count":
                    filter = text => $"Count: {before(text).Count(c => c == '\n')} lines\n";
                    break;
                default:
                    throw new RouterException(
                        $"'| {string.Join(' ', pipe)}' is not known: json, match, except, count, no-more, "
                        + "strip-private, dialect old");
            }
        }

        return new(words, filter, isJson, isOld);
    }

    // The first half of IPv4 addresses.
    [GeneratedRegex(@"\b[0-9]{1,3}\.[0-9]{1,3}\.(?=[0-9]{1,3}\.[0-9]{1,3}\b)", RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex Octets();

    [GeneratedRegex(@"\b(?<name>password|pre-shared-secret) \S+", RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex Secret();

    private static string Lines(string text, Func<string, bool> isKept) => string.Concat(
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(isKept).Select(line => line + "\n"));
}
