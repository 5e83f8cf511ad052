namespace TwinTrack.Router.Config;

/// <summary>Tells by set commands how two configurations differ.</summary>
internal static class ConfigDiff
{
    /// <summary>A line for each difference: what went with a minus, what came with a plus.</summary>
    public static IReadOnlyList<string> Between(ConfigNode before, ConfigNode after) =>
        Between(ConfigText.SetLines(before), ConfigText.SetLines(after));

    /// <summary>The same for lines of any text.</summary>
    public static IReadOnlyList<string> Between(IEnumerable<string> before, IEnumerable<string> after) =>
        [.. Whole(before, after).Where(line => line.Mark != ' ').Select(line => $"{line.Mark} {line.Text}")];

    /// <summary>All lines of two texts with a mark each: both have it, the first, the second.</summary>
    public static IReadOnlyList<(char Mark, string Text)> Whole(IEnumerable<string> before, IEnumerable<string> after)
    {
        string[] old = [.. before];
        string[] now = [.. after];
        int[,] common = Common(old, now);
        List<(char, string)> lines = [];
        int a = 0, b = 0;
        while (a < old.Length || b < now.Length)
        {
            if (a < old.Length && b < now.Length && old[a] == now[b])
            {
                lines.Add((' ', old[a++]));
                b++;
            }
            else if (b == now.Length || (a < old.Length && common[a + 1, b] >= common[a, b + 1]))
            {
                lines.Add(('-', old[a++]));
            }
            else
            {
                lines.Add(('+', now[b++]));
            }
        }

        return lines;
    }

    // Length of the longest sequence that both have from here on.
    private static int[,] Common(string[] old, string[] now)
    {
        int[,] common = new int[old.Length + 1, now.Length + 1];
        for (int i = old.Length - 1; i >= 0; i--)
        {
            for (int j = now.Length - 1; j >= 0; j--)
            {
                common[i, j] = old[i] == now[j]
                    ? common[i + 1, j + 1] + 1
                    : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        return common;
    }
}
