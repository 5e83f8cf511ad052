using TwinTrack.Router.Config;

namespace TwinTrack.Router.Shell;

/// <summary>A configuration with braces, with a mark before each line: new, gone, changed.</summary>
internal static class MarkedLines
{
    /// <summary>The lines: plus, minus, greater than (another value), or blank.</summary>
    public static IReadOnlyList<string> Between(string before, string after)
    {
        List<string> lines = [];
        foreach ((char mark, string text) in ConfigDiff.Whole(Lines(before), Lines(after)))
        {
            bool isOther = mark == '+' && lines.Count > 0 && lines[^1][0] == '-' && Key(lines[^1][1..]) == Key(text);
            if (isOther) lines[^1] = $">{text}";
            else lines.Add($"{mark}{text}");
        }

        return lines;
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Key(string line) => line.TrimStart().Split(' ')[0];
}
