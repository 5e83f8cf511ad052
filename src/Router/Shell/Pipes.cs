using TwinTrack.Router.Live;

namespace TwinTrack.Router.Shell;

/// <summary>
/// What may follow a show command: <c>| match TEXT</c>, <c>| except TEXT</c>, <c>| count</c>, <c>| json</c>.
/// </summary>
internal static class Pipes
{
    /// <summary>Parts a command from what follows it.</summary>
    /// <exception cref="RouterException">What follows is unknown.</exception>
    public static (List<string> Words, Func<string, string> Filter, bool IsJson) Split(IReadOnlyList<string> typed)
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

        Func<string, string> filter = text => text;
        foreach (List<string> pipe in parts[1..])
        {
            Func<string, string> before = filter;
            switch (pipe.FirstOrDefault())
            {
                case "json": isJson = true; break;
                case "no-more": break;
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
                        $"'| {string.Join(' ', pipe)}' is not known: json, match, except, count, no-more");
            }
        }

        return (words, filter, isJson);
    }

    private static string Lines(string text, Func<string, bool> isKept) => string.Concat(
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(isKept).Select(line => line + "\n"));
}
