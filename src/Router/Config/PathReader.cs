namespace TwinTrack.Router.Config;

/// <summary>Finds what typed words mean in the schema: shortened words, old forms, values.</summary>
internal static class PathReader
{
    private static readonly string[] _sync = ["service", "conntrack-sync"];

    /// <summary>Reads the words of <c>set</c>.</summary>
    /// <exception cref="PathException">They make no sense.</exception>
    public static ConfigPath ForSet(IReadOnlyList<string> words) => Read(words, isSet: true);

    /// <summary>Reads the words of <c>delete</c>, <c>show</c> and <c>edit</c>, which may end anywhere.</summary>
    /// <exception cref="PathException">They make no sense.</exception>
    public static ConfigPath ForPlace(IReadOnlyList<string> words) => Read(words, isSet: false);

    private static ConfigPath Read(IReadOnlyList<string> typed, bool isSet)
    {
        List<string> words = [.. typed];
        List<string> notices = [];
        List<PathStep> steps = [];
        SchemaNode schema = Schema.Root;
        int at = 0;
        while (true)
        {
            Rewrite(words, at, steps, notices);
            if (at == words.Count)
            {
                if (isSet && (steps.Count == 0 || schema.Kind is NodeKind.Tag or NodeKind.Leaf or NodeKind.Multi))
                    throw new PathException("S02", $"{Text(steps)} needs a value: {Expected(schema)}");
                return new(steps, []) { Notices = notices };
            }

            switch (schema.Kind)
            {
                case NodeKind.Flag:
                    throw new PathException("S03", $"{Text(steps)} takes no value", at);
                case NodeKind.Leaf or NodeKind.Multi:
                    return new(steps, Values(schema, words, at, steps, isSet)) { Notices = notices };
                case NodeKind.Tag:
                    schema = schema.Instance;
                    steps.Add(new(schema, words[at++]));
                    break;
                default:
                    schema = schema.Find(words[at]) ?? throw Unknown(schema, words[at], at, steps);
                    steps.Add(new(schema, schema.Name));
                    at++;
                    break;
            }
        }
    }

    private static List<string> Values(
        SchemaNode schema, List<string> words, int at, List<PathStep> steps, bool isChecked)
    {
        if (at + 1 < words.Count)
            throw new PathException("S01", $"nothing may follow the value of {Text(steps)}", at + 1);

        // Old forms: a list with commas in one value.
        bool isList = schema.Name is "accept-protocol" && words[at].Contains(',', StringComparison.Ordinal);
        string[] values = isList ? words[at].Split(',', StringSplitOptions.TrimEntries) : [words[at]];
        foreach (string value in values)
        {
            if (!isChecked || schema.Rule is not { } rule || rule.Accepts(value)) continue;
            throw new PathException(rule.Id, $"{Text(steps)}: '{value}' is not {rule.Expected}", at);
        }

        return [.. values.Distinct(StringComparer.Ordinal)];
    }

    // What older documents print, as it is written today.
    private static void Rewrite(List<string> words, int at, List<PathStep> steps, List<string> notices)
    {
        if (at == words.Count) return;
        string word = words[at];
        if (steps.Count == 0 && word is "high-availablilty" or "high-availabilty")
        {
            words[at] = "high-availability";
            notices.Add($"'{word}' is taken for high-availability");
        }

        if (!steps.Take(2).Select(step => step.Name).SequenceEqual(_sync, StringComparer.Ordinal))
        {
            bool isGroup = steps.Count == 4 && steps[1].Name == "vrrp" && steps[2].Name == "group";
            if (isGroup && word is "virtual-address") words[at] = "address";
            if (isGroup && word is "virtual-address-excluded") words[at] = "excluded-address";
            return;
        }

        if (steps.Count == 2 && word is "vrrp" or "cluster")
        {
            words.Insert(at, "failover-mechanism");
            notices.Add($"N1: {word} belongs under failover-mechanism, and is put there");
        }

        bool isIgnored = steps.Count == 3 && steps[2].Name == "ignore-address";
        if (isIgnored && word is "ipv4" or "ipv6") words.RemoveAt(at);
    }

    private static PathException Unknown(SchemaNode schema, string word, int at, List<PathStep> steps)
    {
        List<SchemaNode> candidates =
            [.. schema.Children.Where(child => child.Name.StartsWith(word, StringComparison.Ordinal))];
        string hint = word.Length > 0 && candidates.Count > 1
            ? $"; it may be {string.Join(", ", candidates.Select(child => child.Name))}"
            : schema.Nearest(word) is { } nearest ? $"; did you mean {nearest.Name}?" : "";
        return new("S01", $"[{string.Join(' ', steps.Select(step => step.Name).Append(word))}] is not known{hint}", at);
    }

    private static string Expected(SchemaNode schema) =>
        schema.Rule?.Expected ?? (schema.Kind == NodeKind.Tag ? "a name" : "a text");

    private static string Text(List<PathStep> steps) => $"[{string.Join(' ', steps.Select(step => step.Name))}]";
}
