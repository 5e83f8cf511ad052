namespace TwinTrack.Cli;

/// <summary>How the command lines end.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>The kernel or the system refused, or nothing was found to work on.</summary>
    public const int Failure = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;
}
