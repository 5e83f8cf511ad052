using System.Diagnostics;
using TwinTrack.Daemon.Control;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>A program under test.</summary>
/// <param name="Subject">See <see cref="Subjects"/>.</param>
/// <param name="Program">Path of its conntrackd.</param>
/// <param name="SyncLines">More lines for section Sync of its configuration.</param>
internal sealed record Contestant(string Subject, string Program, string SyncLines = "");

/// <summary>The same conntrackd on both firewalls, configured as for production.</summary>
internal sealed class Pair : IDisposable
{
    private const int MiB = 1024 * 1024;

    private readonly Contestant _contestant;
    private readonly Topology _topology;
    private readonly string _backupPrefix;
    private readonly CancellationToken _cancellation;

    private Pair(
        Contestant contestant,
        Topology topology,
        DaemonProcess primary,
        DaemonProcess backup,
        string backupPrefix,
        CancellationToken cancellation)
    {
        _contestant = contestant;
        _topology = topology;
        _backupPrefix = backupPrefix;
        Primary = primary;
        Backup = backup;
        _cancellation = cancellation;
    }

    public DaemonProcess Primary { get; }

    public DaemonProcess Backup { get; private set; }

    /// <summary>Starts both and waits until they know each other and rest.</summary>
    public static Pair Start(
        Contestant contestant, Topology topology, RunDirectory directory, CancellationToken cancellation)
    {
        DaemonProcess primary = Start(contestant, topology.Primary, $"{directory.Path}/fw1");
        DaemonProcess backup = Start(contestant, topology.Backup, $"{directory.Path}/fw2");
        var pair = new Pair(contestant, topology, primary, backup, $"{directory.Path}/fw2", cancellation);
        primary.WaitUntilReady(cancellation);
        backup.WaitUntilReady(cancellation);
        pair.WaitUntilIdle();
        pair.RequireNormalScheduling();
        return pair;
    }

    /// <summary>Waits until both have done what they put off.</summary>
    /// <exception cref="LabException">They go on working.</exception>
    public void WaitUntilIdle()
    {
        if (!ProcessCost.WaitUntilIdle(_cancellation, Primary.ProcessId, Backup.ProcessId))
            throw new LabException($"{Primary.Program} does not come to rest");
    }

    /// <summary>Waits until the backup's daemon, left alone, has done what it put off.</summary>
    /// <exception cref="LabException">It goes on working.</exception>
    public void WaitUntilBackupIsIdle()
    {
        if (!ProcessCost.WaitUntilIdle(_cancellation, Backup.ProcessId))
            throw new LabException($"{Backup.Program} does not come to rest");
    }

    /// <summary>Waits until the primary's internal and the backup's external cache are as large as wanted.</summary>
    /// <param name="expected">Flows; null for what the primary's kernel holds at the moment.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <returns>Null, or a sentence with the counts if they do not come together.</returns>
    public string? WaitUntilEqual(long? expected, TimeSpan deadline) => WaitUntilEqual(
        Primary, Backup, () => expected ?? _topology.Primary.CountFlows(), deadline, _cancellation);

    /// <summary>Waits until the sender's internal and the receiver's external cache are as large as wanted.</summary>
    /// <returns>Null, or a sentence with the counts if they do not come together.</returns>
    public static string? WaitUntilEqual(
        DaemonProcess sender,
        DaemonProcess receiver,
        Func<long> expected,
        TimeSpan deadline,
        CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            long wanted = expected();
            long external = Count(receiver).External ?? -1;
            if (external == wanted && Count(sender).Internal == wanted) return null;
            if (watch.Elapsed > deadline)
                return $"caches differ: {Count(sender).Internal} internal, {external} external, {wanted} expected";

            // Often enough for the third digit, rarely enough to stay below a hundredth of the daemons' work.
            if (cancellation.WaitHandle.WaitOne(10)) cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Kills the backup's daemon and starts it again, so that it asks for everything.</summary>
    public void RestartBackup()
    {
        Backup.Kill();
        Backup.Dispose();
        Backup = Start(_contestant, _topology.Backup, _backupPrefix, modeLines: "StartupResync On");
        Backup.WaitUntilReady(_cancellation);
    }

    /// <summary>Ends both.</summary>
    public void Dispose()
    {
        Primary.Kill();
        Backup.Kill();
        Primary.Dispose();
        Backup.Dispose();
    }

    private static DaemonProcess Start(
        Contestant contestant, Firewall firewall, string pathPrefix, string modeLines = "")
    {
        var config = new SyncConfig
        {
            Address = firewall.SyncAddress,
            PeerAddress = firewall.PeerSyncAddress,
            HashSize = 131072,
            HashLimit = 1048576,
            NetlinkBufferSize = 8 * MiB,
            NetlinkBufferSizeMaxGrowth = 32 * MiB,
            LinkLines = $"SndSocketBuffer {8 * MiB}\n        RcvSocketBuffer {8 * MiB}\n        Checksum on",
            ModeLines = modeLines,
            SyncLines = contestant.SyncLines,
            // Without it the original makes itself a real-time process; priority 0 keeps both on the normal scheduler.
            GeneralLines = "Scheduler {\n        Type FIFO\n        Priority 0\n    }",
        };
        return DaemonProcess.Start(contestant.Program, firewall.Namespace, config, pathPrefix);
    }

    // Without the program, whose start would take CPU away from what is measured.
    private static CacheCounts Count(DaemonProcess daemon)
    {
        using var output = new MemoryStream();
        ControlResult result = ControlClient.Run(
            daemon.ControlPath, ControlRequest.FlowStatistics, output, TimeSpan.FromSeconds(30));
        return result == ControlResult.Done
            ? CacheCounts.Parse(System.Text.Encoding.UTF8.GetString(output.ToArray()))
            : throw new LabException($"{daemon.Program} -s: {ControlClient.Message(result)}: {daemon.LastWords()}");
    }

    private void RequireNormalScheduling()
    {
        foreach (DaemonProcess daemon in (DaemonProcess[])[Primary, Backup])
        {
            (string policy, string nice) = ProcessCost.Scheduling(daemon.ProcessId);
            if (policy != "0" || nice != "0")
            {
                throw new LabException(
                    $"{daemon.Program} runs with scheduling policy {policy} and nice value {nice}: not comparable");
            }
        }
    }
}
