using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Whose conntrackd a firewall runs.</summary>
public enum Make
{
    /// <summary>The program of dist/, the one that ships.</summary>
    Ours,

    /// <summary>The one of Debian's package conntrackd.</summary>
    Original,
}

/// <summary>Where the programs are, and who is paired with whom.</summary>
internal static class Programs
{
    /// <summary>Sender first, receiver second.</summary>
    public static TheoryData<Make, Make> Pairings => new()
    {
        { Make.Ours, Make.Ours },
        { Make.Ours, Make.Original },
        { Make.Original, Make.Ours },
    };

    public static string PathOf(Make make) => make == Make.Ours ? Ours() : Original();

    private static string Ours()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "twintrack.slnx"))) continue;
            string program = Path.Combine(folder.FullName, "dist", "conntrackd");
            return File.Exists(program)
                ? program
                : throw new FileNotFoundException($"{program} is missing: run make dist");
        }

        throw new DirectoryNotFoundException("twintrack.slnx is not above " + AppContext.BaseDirectory);
    }

    private static string Original() => Command.Find("conntrackd")
        ?? throw new FileNotFoundException("the original is missing: install the package conntrackd");
}
