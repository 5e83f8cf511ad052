namespace TwinTrack.Daemon.Config;

/// <summary>Words of the parser's messages: what was expected, and what was probably meant.</summary>
internal static class Hints
{
    private const int FarthestTypo = 2;

    /// <summary>Message for a token that begins no statement of the block.</summary>
    public static string UnknownStatement(Token token, Block block)
    {
        if (token.Kind != TokenKind.Word)
            return $"unexpected {token.Shown} in {block.Title}, expected {Statements(block)}{Habit(token)}";

        string[] places = [.. Keywords.PlacesOf(token.Text)];
        if (places is ["the file"])
            return $"unexpected section `{token.Text}' in {block.Title}, expected `}}' before it";
        if (places.Length > 0)
        {
            return $"`{token.Text}' is not allowed in {block.Title}, expected {Statements(block)}; "
                + $"its place is {Or(places)}";
        }

        string kind = block == Keywords.File ? "section" : "keyword";
        return Nearest(token.Text, block) is { } nearest
            ? $"unknown {kind} `{token.Text}' in {block.Title}, expected `{nearest}'"
            : $"unknown {kind} `{token.Text}' in {block.Title}, expected {Statements(block)}";
    }

    /// <summary>What a keyword wants.</summary>
    public static string Expected(Keyword keyword)
    {
        if (keyword.Expected is { } expected) return expected;

        List<string> kinds = [];
        if (keyword.Value.HasFlag(ValueKind.Bool)) kinds.AddRange("on", "off");
        if (keyword.Value.HasFlag(ValueKind.Number)) kinds.Add($"a number from {keyword.Least} to {keyword.Most}");
        if (keyword.Value.HasFlag(ValueKind.Signed)) kinds.Add("a number");
        if (keyword.Value.HasFlag(ValueKind.Path)) kinds.Add("a path that begins with `/'");
        if (keyword.Value.HasFlag(ValueKind.Address)) kinds.Add("an address");
        if (keyword.Value.HasFlag(ValueKind.Name)) kinds.Add("a name");
        return Or(kinds);
    }

    /// <summary>What an argument may be.</summary>
    public static string Expected(Argument argument)
    {
        if (argument.Choices.Length == 0) return $"a name ({argument.Label})";
        bool maySkip = argument.IsOptional && argument.Announcement is null;
        return Or(maySkip ? [.. argument.Choices, "`{'"] : argument.Choices);
    }

    /// <summary>What may stand in a block, without what is only accepted for old files.</summary>
    public static string Statements(Block block)
    {
        List<string> names = [];
        foreach (Keyword keyword in block.Keywords)
        {
            if (!keyword.IsDeprecated) names.Add(keyword.Name);
        }

        if (block.Item is { } item) names.Add(Expected(item));
        if (block != Keywords.File) names.Add("`}'");
        return Or(names);
    }

    /// <summary>A remark on what people bring along from other formats.</summary>
    public static string Habit(Token token) => (token.Kind, token.Text) switch
    {
        (TokenKind.Stray, "\"") => " (there is no quoting)",
        (TokenKind.Stray, ";") => " (statements end without a sign)",
        (TokenKind.Stray, "=") => " (the value follows its keyword directly)",
        (TokenKind.Word, _) when token.Text.Contains('%') => " (the scope of an address is its Interface)",
        (TokenKind.Word, _) when token.Text.StartsWith("::ffff:", StringComparison.OrdinalIgnoreCase) =>
            " (mapped addresses are not supported)",
        _ => string.Empty,
    };

    private static string Or(IReadOnlyList<string> items) => items.Count switch
    {
        0 => "nothing",
        1 => items[0],
        _ => $"{string.Join(", ", items.SkipLast(1))} or {items[^1]}",
    };

    private static string? Nearest(string word, Block block)
    {
        (int distance, Keyword? keyword) = block.Keywords
            .Select(candidate => (Distance(word.ToUpperInvariant(), candidate.Name.ToUpperInvariant()), candidate))
            .DefaultIfEmpty((int.MaxValue, null!))
            .MinBy(pair => pair.Item1);
        return distance <= FarthestTypo && distance < word.Length / 2 ? keyword!.Name : null;
    }

    // Edit distance of Levenshtein, one row at a time.
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replace = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
