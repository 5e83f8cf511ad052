using System.Diagnostics;
using System.Globalization;

namespace TwinTrack.Router.Live;

/// <summary>Starts, reloads and stops keepalived.</summary>
internal sealed class FailoverControl(RouterPaths paths)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether it runs.</summary>
    public bool Runs => ProcessId is not null;

    /// <summary>
    /// Makes it read its configuration; starts it when there is one, and stops it when there is none.
    /// </summary>
    /// <exception cref="RouterException">That does not work.</exception>
    public void Apply()
    {
        bool isWanted = FileStore.Read(paths.Failover) is { Length: > 0 };
        if (ProcessId is { } process)
        {
            Programs.Signal(process, isWanted ? "HUP" : "TERM");
            if (!isWanted) WaitForEnd();
            return;
        }

        if (!isWanted) return;
        string pid = paths.FailoverProcess;
        CommandOutcome started = Programs.Run(
            Programs.Find("setsid"),
            [
                Programs.Find("keepalived"), "--vrrp", "-f", paths.Failover, "-p", pid, "-r", pid + ".vrrp",
            ]);
        if (started.Status != 0) throw new RouterException($"keepalived does not start: {started.Errors.Trim()}");
        var watch = Stopwatch.StartNew();
        while (!Runs && watch.Elapsed < _limit) Thread.Sleep(_pause); // it writes its number when it is on its own
    }

    private void WaitForEnd()
    {
        var watch = Stopwatch.StartNew();
        while (Runs && watch.Elapsed < _limit) Thread.Sleep(_pause);
    }

    private int? ProcessId =>
        int.TryParse(FileStore.Read(paths.FailoverProcess)?.Trim(), CultureInfo.InvariantCulture, out int id)
            && Directory.Exists($"/proc/{id}")
            ? id
            : null;
}
