namespace TwinTrack.Router.Config;

/// <summary>Tells by set commands how two configurations differ.</summary>
internal static class ConfigDiff
{
    /// <summary>A line for each difference: what went with a minus, what came with a plus.</summary>
    public static IReadOnlyList<string> Between(ConfigNode before, ConfigNode after) =>
        Between(ConfigText.SetLines(before), ConfigText.SetLines(after));

    /// <summary>The same for lines of any text, in the order of the longest sequence that both have.</summary>
    public static IReadOnlyList<string> Between(IEnumerable<string> before, IEnumerable<string> after)
    {
        string[] old = [.. before];
        string[] now = [.. after];
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

        List<string> lines = [];
        int a = 0, b = 0;
        while (a < old.Length || b < now.Length)
        {
            if (a < old.Length && b < now.Length && old[a] == now[b])
            {
                a++;
                b++;
            }
            else if (b == now.Length || (a < old.Length && common[a + 1, b] >= common[a, b + 1]))
            {
                lines.Add($"- {old[a++]}");
            }
            else
            {
                lines.Add($"+ {now[b++]}");
            }
        }

        return lines;
    }
}
