namespace TwinTrack.Lab;

/// <summary>Finds the conntrackd that a run shall use.</summary>
public static class ProgramFinder
{
    private const string Name = "conntrackd";

    // Not whatever PATH has: an installed TwinTrack goes by the same name.
    private const string Packaged = "/usr/sbin/conntrackd";

    /// <summary>Ours: where the caller says, else beside the running program, else in the repository's dist/.</summary>
    /// <param name="explicitPath">What the caller says; null for nothing.</param>
    /// <exception cref="LabException">There is none.</exception>
    public static string Ours(string? explicitPath = null)
    {
        if (explicitPath is not null)
        {
            return File.Exists(explicitPath)
                ? Path.GetFullPath(explicitPath)
                : throw new LabException($"there is no file {explicitPath}");
        }

        // Installed, this program is in bin and conntrackd in sbin.
        string[] near =
        [
            Path.Combine(AppContext.BaseDirectory, Name),
            Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "sbin", Name)),
        ];
        if (near.FirstOrDefault(IsOurs) is { } found) return found;

        string? built = Repository() is { } root ? Path.Combine(root, "dist", Name) : null;
        return built is not null && File.Exists(built)
            ? built
            : throw new LabException("our conntrackd is not beside this program nor in dist/: run make dist, "
                + "or name one with --conntrackd");
    }

    // What is installed near this program may be the original.
    private static bool IsOurs(string path) =>
        File.Exists(path) && Command.Run(path, ["-v"]).Output.StartsWith("TwinTrack", StringComparison.Ordinal);

    /// <summary>The original of conntrack-tools.</summary>
    /// <exception cref="LabException">It is not installed.</exception>
    public static string Original() => File.Exists(Packaged)
        ? Packaged
        : throw new LabException($"the original is not at {Packaged}: install the package conntrackd");

    /// <summary>
    /// Our fail-over script: where the caller says, else of the repository, else where it is installed.
    /// </summary>
    /// <param name="explicitPath">What the caller says; null for nothing.</param>
    /// <exception cref="LabException">There is none.</exception>
    public static string Script(string? explicitPath = null)
    {
        if (explicitPath is not null)
        {
            return File.Exists(explicitPath)
                ? Path.GetFullPath(explicitPath)
                : throw new LabException($"there is no file {explicitPath}");
        }

        const string name = "examples/failover/primary-backup.sh";
        string[] candidates =
        [
            Repository() is { } root ? Path.Combine(root, "docs", name) : "",
            Path.Combine(AppContext.BaseDirectory, "..", "share", "doc", "twintrack", name),
        ];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new LabException("primary-backup.sh is not where it is installed: name one with --script");
    }

    private static string? Repository()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "twintrack.slnx"))) return at.FullName;
        }

        return null;
    }
}
