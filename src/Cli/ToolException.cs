namespace TwinTrack.Cli;

/// <summary>Ends a command: one line says why.</summary>
/// <param name="message">The line, without the name of the program.</param>
/// <param name="status">See <see cref="ExitCode"/>; a hint to the help follows a usage error.</param>
internal sealed class ToolException(string message, int status = ExitCode.Usage) : Exception(message)
{
    /// <summary>The exit status.</summary>
    public int Status { get; } = status;
}
