using System.Diagnostics;

namespace TwinTrack.Lab;

/// <summary>How long each step of a take-over took, in milliseconds.</summary>
/// <param name="CutMs">Killing the primary's daemon and taking its links down.</param>
/// <param name="CommitMs"><c>conntrackd -c</c>, from call to return; null without a daemon, as the next three.</param>
/// <param name="FlushMs"><c>conntrackd -f</c>.</param>
/// <param name="ResyncMs"><c>conntrackd -R</c>.</param>
/// <param name="BulkMs"><c>conntrackd -B</c>.</param>
/// <param name="MoveMs">Adding the virtual addresses and announcing them.</param>
/// <param name="TotalMs">From the cut until the addresses are announced.</param>
public sealed record TakeOverTimes(
    double CutMs, double? CommitMs, double? FlushMs, double? ResyncMs, double? BulkMs, double MoveMs, double TotalMs);

/// <summary>Takes the place of the fail-over manager: the backup becomes primary.</summary>
public sealed class TakeOver
{
    private readonly Topology _topology;
    private readonly DaemonProcess? _primary;
    private readonly DaemonProcess? _backup;
    private readonly List<string> _problems = [];

    /// <summary>Prepares it.</summary>
    /// <param name="topology">The firewalls.</param>
    /// <param name="primary">The daemon to kill, if there is one.</param>
    /// <param name="backup">The daemon to command, if there is one.</param>
    public TakeOver(Topology topology, DaemonProcess? primary, DaemonProcess? backup)
    {
        _topology = topology;
        _primary = primary;
        _backup = backup;
    }

    /// <summary>Commands that failed. The take-over goes on after one, as the scripts in the field do.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Does it: cut off, commit, flush, resync, bulk send, move the addresses.</summary>
    /// <remarks>Commit comes first, so that the flows are in the kernel before traffic arrives.</remarks>
    public TakeOverTimes Run()
    {
        var watch = Stopwatch.StartNew();
        Cut();
        double cut = Milliseconds(watch.Elapsed);
        double? commit = Tell("-c");
        double? flush = Tell("-f");
        double? resync = Tell("-R");
        double? bulk = Tell("-B");
        double moving = Milliseconds(watch.Elapsed);
        _topology.Backup.TakeVirtualAddresses();
        double end = Milliseconds(watch.Elapsed);
        return new(cut, commit, flush, resync, bulk, Math.Round(end - moving, 2), end);
    }

    /// <summary>The primary is gone at once: its daemon killed, all its links down.</summary>
    private void Cut()
    {
        _primary?.Kill();
        _topology.Primary.SetLinksDown();
    }

    private double? Tell(string option)
    {
        if (_backup is null) return null;

        CommandResult result = _backup.Control(option);
        if (result.ExitCode != 0)
            _problems.Add($"conntrackd {option} left with exit code {result.ExitCode}: {result.FirstLine}");
        return Milliseconds(result.Elapsed);
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 2);
}
