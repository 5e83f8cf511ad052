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

    public static string PathOf(Make make) => make == Make.Ours ? ProgramFinder.Ours() : ProgramFinder.Original();
}
