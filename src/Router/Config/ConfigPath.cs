namespace TwinTrack.Router.Config;

/// <summary>One word of a path and its place in the schema.</summary>
internal readonly record struct PathStep(SchemaNode Schema, string Name);

/// <summary>A path through the configuration, and values at its end.</summary>
/// <param name="Steps">The words, each in full.</param>
/// <param name="Values">The values; none for a path to a node, and for deleting all values.</param>
internal sealed record ConfigPath(IReadOnlyList<PathStep> Steps, IReadOnlyList<string> Values)
{
    /// <summary>What to tell the operator: an old form was understood.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>Where it ends.</summary>
    public SchemaNode End => Steps.Count == 0 ? Schema.Root : Steps[^1].Schema;
}

/// <summary>Something wrong in what was typed.</summary>
/// <param name="id">Identifier, such as S04.</param>
/// <param name="text">What is wrong and what was expected.</param>
/// <param name="word">Index of the word that is wrong; -1: the end.</param>
internal sealed class PathException(string id, string text, int word = -1) : Exception(text)
{
    /// <summary>Identifier, such as S04.</summary>
    public string Id { get; } = id;

    /// <summary>Index of the word that is wrong; -1: something is missing at the end.</summary>
    public int Word { get; } = word;
}
