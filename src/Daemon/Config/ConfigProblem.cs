namespace TwinTrack.Daemon.Config;

/// <summary>How bad a problem of the configuration file is, and who has to hear of it.</summary>
public enum ProblemLevel
{
    /// <summary>The daemon says it at its start, and <c>--check</c>; clients do not.</summary>
    StartWarning,

    /// <summary>Every invocation says it and goes on.</summary>
    Warning,

    /// <summary>The configuration cannot be used.</summary>
    Error,
}

/// <summary>Something wrong in a configuration file.</summary>
/// <param name="Level">Whether the file can be used all the same.</param>
/// <param name="Line">Line from 1, or 0 when the problem has no place in the file.</param>
/// <param name="Column">Column from 1 in characters, or 0.</param>
/// <param name="Text">What is wrong and what was expected; warnings carry the text conntrackd always gave them.</param>
public readonly record struct ConfigProblem(ProblemLevel Level, int Line, int Column, string Text)
{
    /// <summary>The problem with its place: <c>FILE:LINE:COLUMN: TEXT</c>.</summary>
    public string Locate(string file) => Line == 0 ? Text : $"{file}:{Line}:{Column}: {Text}";
}

/// <summary>A value as it stands in a configuration file.</summary>
/// <param name="Place">Title of the block it stands in, such as General or UDP.</param>
/// <param name="Keyword">The keyword before it.</param>
/// <param name="Text">The value.</param>
/// <param name="Line">Line from 1.</param>
/// <param name="Column">Column from 1 in characters.</param>
public readonly record struct ConfigStatement(string Place, string Keyword, string Text, int Line, int Column);

/// <summary>Outcome of reading a configuration file.</summary>
/// <param name="File">Name of the file as given.</param>
/// <param name="Config">The configuration, or null when there is an error.</param>
/// <param name="Problems">Warnings and errors in the order they were met.</param>
public sealed record ConfigResult(string File, DaemonConfig? Config, IReadOnlyList<ConfigProblem> Problems)
{
    /// <summary>The keywords with a value, in the order they were met.</summary>
    public IReadOnlyList<ConfigStatement> Statements { get; init; } = [];
}
