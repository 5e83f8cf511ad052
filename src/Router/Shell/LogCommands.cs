using System.Diagnostics;
using TwinTrack.Router.Live;

namespace TwinTrack.Router.Shell;

/// <summary>What the daemon and the hook told the system's log.</summary>
internal static class LogCommands
{
    private static readonly string[] _ours = ["-b", "-t", "conntrack-tools", "-t", "ctsync-hook", "-t", "twintrack"];

    /// <summary><c>show log conntrack-sync</c>: since the machine was started.</summary>
    /// <exception cref="RouterException">There is no journal.</exception>
    public static string Show(bool isJson)
    {
        string[] format = isJson ? ["-o", "json"] : [];
        CommandOutcome shown = Programs.Run(Programs.Find("journalctl"), ["--no-pager", "-q", .. _ours, .. format]);
        return shown.Status == 0
            ? shown.Output
            : throw new RouterException($"the journal cannot be read: {shown.Errors.Trim()}");
    }

    /// <summary><c>monitor log conntrack-sync</c>: follows it until it is interrupted.</summary>
    /// <exception cref="RouterException">There is no journal.</exception>
    public static string Follow()
    {
        var start = new ProcessStartInfo(Programs.Find("journalctl"), ["--no-pager", "-q", "-f", .. _ours]);
        using Process journal = Process.Start(start)!;
        journal.WaitForExit();
        return "";
    }
}
