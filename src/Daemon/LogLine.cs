namespace TwinTrack.Daemon;

/// <summary>How much a log line matters.</summary>
public enum LogLevel : byte
{
    /// <summary>Statistics lines of ended flows (LOG_INFO).</summary>
    Info,

    /// <summary>What the daemon does (LOG_NOTICE).</summary>
    Notice,

    /// <summary>Something is not as configured, but the work goes on (LOG_WARNING).</summary>
    Warning,

    /// <summary>Something could not be done (LOG_ERR).</summary>
    Error,
}

/// <summary>A line for the log.</summary>
/// <param name="Level">How much it matters.</param>
/// <param name="Text">The text without time, process id and level.</param>
/// <param name="IsFlow">
/// The text is a flow that belongs to the line before: a log file shows it after the time and a tab, without process id
/// and level; syslog shows the bare text.
/// </param>
public readonly record struct LogLine(LogLevel Level, string Text, bool IsFlow = false);
