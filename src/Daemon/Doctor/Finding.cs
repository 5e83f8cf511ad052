using System.Text.Json.Serialization;

namespace TwinTrack.Daemon.Doctor;

/// <summary>How grave a finding is.</summary>
public enum FindingLevel
{
    /// <summary>Looked at and found in order.</summary>
    [JsonStringEnumMemberName("fine")]
    Fine,

    /// <summary>Worth knowing.</summary>
    [JsonStringEnumMemberName("note")]
    Note,

    /// <summary>Works worse than it could, or will fail some day.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>The daemon will not start, or connections will not outlive a fail-over.</summary>
    [JsonStringEnumMemberName("problem")]
    Problem,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Level">How grave it is.</param>
/// <param name="Topic">A word for the place to look at: config, kernel, events, buffers, table and so on.</param>
/// <param name="Text">What is the case.</param>
/// <param name="Advice">What to do about it; null when there is nothing to do.</param>
public sealed record Finding(FindingLevel Level, string Topic, string Text, string? Advice)
{
    /// <summary>The finding in one line.</summary>
    public override string ToString()
    {
        string line = $"{Level.ToString().ToLowerInvariant(),-7} {Topic,-11} {Text}";
        return Advice is null ? line : $"{line} -> {Advice}";
    }
}

/// <summary>Collects the findings of one topic after the other.</summary>
internal sealed class Findings
{
    private readonly List<Finding> _all = [];

    public IReadOnlyList<Finding> All => _all;

    public void Fine(string topic, string text) => _all.Add(new(FindingLevel.Fine, topic, text, null));

    public void Note(string topic, string text, string? advice = null) =>
        _all.Add(new(FindingLevel.Note, topic, text, advice));

    public void Warn(string topic, string text, string advice) =>
        _all.Add(new(FindingLevel.Warning, topic, text, advice));

    public void Fail(string topic, string text, string advice) =>
        _all.Add(new(FindingLevel.Problem, topic, text, advice));
}
