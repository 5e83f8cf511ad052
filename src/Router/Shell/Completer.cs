using TwinTrack.Router.Config;

namespace TwinTrack.Router.Shell;

/// <summary>A word that may stand where the cursor is.</summary>
/// <param name="Word">The word; a shape in angle brackets where anything of that shape may stand.</param>
/// <param name="Mark">How it goes on: <c>+></c> a tag, <c>></c> a node, <c>+</c> several values.</param>
/// <param name="Help">What it is.</param>
internal readonly record struct Candidate(string Word, string Mark, string Help)
{
    /// <summary>Whether it can be typed as it is.</summary>
    public bool IsWord => Word.Length > 0 && Word[0] != '<';
}

/// <summary>Finds what may be typed next in configuration mode.</summary>
internal static class Completer
{
    /// <summary>Candidates for the last word of a line.</summary>
    /// <param name="line">The line up to the cursor.</param>
    /// <param name="place">Words of the place that the line is relative to.</param>
    /// <param name="interfaces">Names of interfaces, for where one is wanted.</param>
    public static IReadOnlyList<Candidate> Find(
        string line, IReadOnlyList<string> place, IEnumerable<string> interfaces)
    {
        List<string> words = [.. line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)];
        bool isNew = words.Count == 0 || char.IsWhiteSpace(line[^1]);
        string begun = isNew ? "" : words[^1];
        List<string> before = isNew ? words : words[..^1];
        IEnumerable<Candidate> all;
        if (before.Count == 0)
            all = ConfigSession.Commands.Select(one => new Candidate(one.Word, " ", one.Help));
        else if (before[0] == "run") all = Operations.Next(before[1..]).Select(word => new Candidate(word, " ", ""));
        else if (before[0] is "set" or "delete" or "show" or "edit")
            all = InTree([.. place, .. before[1..]], interfaces);
        else all = [];
        return [.. all.Where(one => !one.IsWord || one.Word.StartsWith(begun, StringComparison.Ordinal))];
    }

    /// <summary>What all words begin with, beyond what was typed.</summary>
    public static string Common(IReadOnlyList<Candidate> candidates, string begun)
    {
        List<string> words = [.. candidates.Where(one => one.IsWord).Select(one => one.Word)];
        if (words.Count == 0) return "";
        int length = words[0].Length;
        foreach (string word in words)
        {
            int same = 0;
            while (same < Math.Min(length, word.Length) && word[same] == words[0][same]) same++;
            length = same;
        }

        return length > begun.Length ? words[0][begun.Length..length] : "";
    }

    private static IEnumerable<Candidate> InTree(List<string> words, IEnumerable<string> interfaces)
    {
        SchemaNode end;
        try
        {
            ConfigPath path = PathReader.ForPlace(words);
            if (path.Values.Count > 0) return [];
            end = path.End;
        }
        catch (PathException)
        {
            return []; // what comes before makes no sense: nothing can follow
        }

        bool isInterface = end.Name == "interface";
        return end.Kind switch
        {
            NodeKind.Node => end.Children.Select(child => new Candidate(child.Name, Mark(child), child.Help)),
            NodeKind.Flag => [],
            _ when end.Words.Count > 0 => end.Words.Select(word => new Candidate(word.Word, " ", word.Help)),
            _ when isInterface => interfaces.Select(name => new Candidate(name, " ", "")),
            _ => end.Hint.Split(' ').Select(hint => new Candidate(hint, " ", end.Help)),
        };
    }

    private static string Mark(SchemaNode node) => node.Kind switch
    {
        NodeKind.Tag => "+>",
        NodeKind.Node => ">",
        NodeKind.Multi => "+",
        _ => " ",
    };
}
