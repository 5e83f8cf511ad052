namespace TwinTrack.Daemon.Config;

/// <summary>Tells by name where two configurations differ.</summary>
internal static class ConfigDifference
{
    /// <summary>The statements that differ, as <c>General HashLimit</c> or <c>General UNIX Path</c>.</summary>
    public static IReadOnlyList<string> Between(DaemonConfig before, DaemonConfig after)
    {
        Dictionary<string, string> old = Statements(Printer.Print(before));
        Dictionary<string, string> now = Statements(Printer.Print(after));
        return
        [
            .. old.Keys.Union(now.Keys, StringComparer.Ordinal)
                .Where(name => old.GetValueOrDefault(name) != now.GetValueOrDefault(name)),
        ];
    }

    // The printed form has one statement a line; lines of equal name (links, lists) are compared together.
    private static Dictionary<string, string> Statements(string printed)
    {
        var statements = new Dictionary<string, string>(StringComparer.Ordinal);
        var blocks = new Stack<string>();
        const StringSplitOptions options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        foreach (string line in printed.Split('\n', options))
        {
            if (line == "}")
            {
                blocks.Pop();
                continue;
            }

            string keyword = line.Split(' ')[0];
            string path = string.Join(' ', blocks.Reverse());
            string name = path.Length == 0 ? keyword : $"{path} {keyword}";
            statements[name] = statements.GetValueOrDefault(name) + '\n' + line;
            if (line.EndsWith('{')) blocks.Push(keyword);
        }

        return statements;
    }
}
