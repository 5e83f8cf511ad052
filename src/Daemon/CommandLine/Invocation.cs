using TwinTrack.Daemon.Control;

namespace TwinTrack.Daemon.CommandLine;

/// <summary>What an invocation of conntrackd is.</summary>
public enum InvocationMode
{
    /// <summary>The daemon, in the foreground.</summary>
    Console,

    /// <summary>The daemon, in the background (-d).</summary>
    Daemon,

    /// <summary>A request to a running daemon.</summary>
    Client,

    /// <summary>A look at the configuration file (--check).</summary>
    Check,

    /// <summary>The help text (-h).</summary>
    Help,

    /// <summary>The version (-v).</summary>
    Version,
}

/// <summary>What the arguments of a call ask for.</summary>
public sealed record Invocation
{
    /// <summary>What the call is.</summary>
    public required InvocationMode Mode { get; init; }

    /// <summary>Configuration file.</summary>
    public required string ConfigFile { get; init; }

    /// <summary>What a client sends; null in the other modes.</summary>
    public ControlRequest? Request { get; init; }

    /// <summary>Whether a client wants JSON (--json).</summary>
    public bool IsJson { get; init; }

    /// <summary>Warnings to print before anything else.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>Arguments that cannot be obeyed; the exit status is 1.</summary>
/// <param name="Message">One line for standard error.</param>
/// <param name="ShowHelp">Whether the help text goes to standard output first.</param>
public sealed record UsageError(string Message, bool ShowHelp);
