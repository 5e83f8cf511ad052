using System.Text;
using System.Text.Json.Nodes;

namespace TwinTrack.Router.Config;

/// <summary>Reads and writes configurations: as set commands, and with curly braces as config.boot.</summary>
internal static class ConfigText
{
    private const string Versions = "conntrack@5:conntrack-sync@2:vrrp@4";

    /// <summary>The set commands that make a configuration, sorted by path.</summary>
    public static IEnumerable<string> SetLines(ConfigNode root) => SetLines(root, "set");

    /// <summary>The form with curly braces.</summary>
    public static string Braces(ConfigNode root)
    {
        var text = new StringBuilder();
        AppendBraces(text, root, 0);
        return text.ToString();
    }

    /// <summary>A configuration file: the form with curly braces and the versions of its parts.</summary>
    public static string File(ConfigNode root) =>
        $"{Braces(root)}\n// Warning: Do not remove the following line.\n// vyos-config-version: \"{Versions}\"\n"
        + "// Release version: TwinTrack\n";

    /// <summary>The tree as JSON: nodes are objects, leaves texts, several values lists, flags empty objects.</summary>
    public static JsonObject Json(ConfigNode node)
    {
        var json = new JsonObject();
        foreach (ConfigNode child in node.Children)
        {
            json[child.Name] = child.Schema.Kind switch
            {
                NodeKind.Leaf => child.Values.FirstOrDefault(),
                NodeKind.Multi => Views.Json.List(child.Values),
                _ => Json(child),
            };
        }

        return json;
    }

    /// <summary>Reads either form into a configuration.</summary>
    /// <param name="text">The text.</param>
    /// <param name="root">What it is added to.</param>
    /// <param name="problem">Takes each line that is not understood, with its number.</param>
    /// <param name="notice">Takes what is to be told.</param>
    public static void Read(string text, ConfigNode root, Action<int, PathException> problem, Action<string> notice)
    {
        List<string> prefix = [];
        Stack<int> depths = new();
        int number = 0;
        foreach (string raw in text.Split('\n'))
        {
            number++;
            string line = raw.Trim();
            if (line.Length == 0 || line.StartsWith('#') || line.StartsWith("//", StringComparison.Ordinal)
                || line.StartsWith("/*", StringComparison.Ordinal))
            {
                continue;
            }

            try
            {
                ReadLine(line, prefix, depths, root, notice);
            }
            catch (PathException e)
            {
                problem(number, e);
            }
        }
    }

    private static void ReadLine(
        string line, List<string> prefix, Stack<int> depths, ConfigNode root, Action<string> notice)
    {
        if (line == "}")
        {
            if (depths.Count == 0) throw new PathException("S01", "a brace is closed that was not opened", 0);
            int depth = depths.Pop();
            prefix.RemoveRange(depth, prefix.Count - depth);
            return;
        }

        bool opens = line.EndsWith('{');
        List<string> words = WordSplitter.Split(opens ? line[..^1] : line);
        bool isCommand = words.Count > 0 && words[0] == "set" && prefix.Count == 0;
        if (isCommand) words.RemoveAt(0);
        if (opens)
        {
            depths.Push(prefix.Count);
            prefix.AddRange(words);
            ConfigPath place = PathReader.ForPlace(prefix);
            if (place.Steps.Count > 0 && place.End.Kind == NodeKind.Node) root.Set(place);
            return;
        }

        ConfigPath path = PathReader.ForSet([.. prefix, .. words]);
        foreach (string told in path.Notices) notice(told);
        root.Set(path);
    }

    private static IEnumerable<string> SetLines(ConfigNode node, string prefix)
    {
        foreach (ConfigNode child in node.Children)
        {
            string path = $"{prefix} {Word(child.Name)}";
            if (child.Values.Count > 0)
            {
                foreach (string value in child.Values) yield return $"{path} '{value}'";
            }
            else if (!child.Children.Any())
            {
                yield return path;
            }

            foreach (string line in SetLines(child, path)) yield return line;
        }
    }

    private static void AppendBraces(StringBuilder text, ConfigNode node, int depth)
    {
        foreach (ConfigNode child in node.Children)
        {
            if (child.Schema.Kind == NodeKind.Tag)
            {
                foreach (ConfigNode instance in child.Children)
                    AppendBlock(text, $"{child.Name} {Word(instance.Name)}", instance, depth);
            }
            else if (child.Schema.Kind == NodeKind.Node)
            {
                AppendBlock(text, child.Name, child, depth);
            }
            else if (child.Schema.Kind == NodeKind.Flag)
            {
                text.Append(' ', depth * 4).Append(child.Name).Append('\n');
            }

            foreach (string value in child.Values)
                text.Append(' ', depth * 4).Append(child.Name).Append(" \"").Append(value).Append("\"\n");
        }
    }

    private static void AppendBlock(StringBuilder text, string head, ConfigNode node, int depth)
    {
        text.Append(' ', depth * 4).Append(head).Append(" {\n");
        AppendBraces(text, node, depth + 1);
        text.Append(' ', depth * 4).Append("}\n");
    }

    private static string Word(string name) =>
        name.Any(c => char.IsWhiteSpace(c) || c is '"' or '{' or '}') ? $"'{name}'" : name;
}
