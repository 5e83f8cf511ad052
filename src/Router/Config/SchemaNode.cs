namespace TwinTrack.Router.Config;

/// <summary>What a node of the configuration holds.</summary>
internal enum NodeKind
{
    /// <summary>Other nodes.</summary>
    Node,

    /// <summary>Named instances, each with the same nodes.</summary>
    Tag,

    /// <summary>One value.</summary>
    Leaf,

    /// <summary>Several values, in the order they were given.</summary>
    Multi,

    /// <summary>Nothing: it is there or not.</summary>
    Flag,
}

/// <summary>A rule for the value of a node.</summary>
/// <param name="Id">Identifier of the error, such as S04.</param>
/// <param name="Expected">What is expected, for the message.</param>
/// <param name="Accepts">Whether a value is one.</param>
internal sealed record ValueRule(string Id, string Expected, Func<string, bool> Accepts);

/// <summary>A place in the configuration that may be set.</summary>
/// <param name="Name">The word that names it.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Help">What it is, in one line.</param>
/// <param name="Rule">Which values it takes; null: any text.</param>
/// <param name="Children">The nodes in it, or in each instance.</param>
internal sealed record SchemaNode(
    string Name, NodeKind Kind, string Help, ValueRule? Rule = null, params SchemaNode[] Children)
{
    /// <summary>Words that a value can be, for completion.</summary>
    public IReadOnlyList<(string Word, string Help)> Words { get; init; } = [];

    /// <summary>Shapes of a value, in angle brackets, for completion.</summary>
    public string Hint { get; init; } = "<text>";

    /// <summary>The same nodes, as they stand in one instance.</summary>
    public SchemaNode Instance => Kind == NodeKind.Tag ? this with { Kind = NodeKind.Node } : this;

    /// <summary>The node of this name, or the only one whose name begins like this.</summary>
    public SchemaNode? Find(string word)
    {
        SchemaNode? found = null;
        int count = 0;
        foreach (SchemaNode child in Children)
        {
            if (child.Name == word) return child;
            if (!child.Name.StartsWith(word, StringComparison.Ordinal)) continue;
            found = child;
            count++;
        }

        return count == 1 && word.Length > 0 ? found : null;
    }

    /// <summary>The node whose name is most like a word, at most two letters apart.</summary>
    public SchemaNode? Nearest(string word) =>
        Children.Select(child => (Child: child, Distance: EditDistance.Between(child.Name, word)))
            .Where(pair => pair.Distance <= 2)
            .OrderBy(pair => pair.Distance)
            .Select(pair => pair.Child)
            .FirstOrDefault();
}
