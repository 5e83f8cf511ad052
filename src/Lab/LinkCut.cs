using System.Diagnostics;

namespace TwinTrack.Lab;

/// <summary>Cuts the dedicated link in use while connections open, and sees which one both daemons use then.</summary>
internal sealed class LinkCut
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(2);

    private readonly Topology _topology;
    private readonly DaemonProcess[] _daemons;
    private readonly Func<bool> _isTime;
    private readonly Thread _thread;

    /// <summary>Begins to wait for the moment.</summary>
    /// <param name="topology">With more than one link.</param>
    /// <param name="daemons">Both.</param>
    /// <param name="isTime">Whether the moment has come.</param>
    public LinkCut(Topology topology, DaemonProcess[] daemons, Func<bool> isTime)
    {
        _topology = topology;
        _daemons = daemons;
        _isTime = isTime;
        _thread = new Thread(Execute) { Name = "link cut", IsBackground = true };
        _thread.Start();
    }

    /// <summary>From the cut until both used another link, in milliseconds; null if they never did.</summary>
    public double? FailOverMs { get; private set; }

    /// <summary>Waits until it is over.</summary>
    public void Wait() => _thread.Join();

    private void Execute()
    {
        var watch = Stopwatch.StartNew();
        while (!_isTime() && watch.Elapsed < Deadline) Thread.Sleep(PollInterval);
        watch.Restart();
        _topology.Primary.SetSyncLinkDown(0);
        while (watch.Elapsed < Deadline)
        {
            if (_daemons.All(UsesAnother))
            {
                FailOverMs = Math.Round(watch.Elapsed.TotalMilliseconds, 2);
                return;
            }

            Thread.Sleep(PollInterval);
        }
    }

    // UDP traffic device=sync1 status=RUNNING role=ACTIVE:
    private static bool UsesAnother(DaemonProcess daemon) =>
        daemon.Control("-s", "link").Output.Split('\n').Any(static line =>
            line.EndsWith("status=RUNNING role=ACTIVE:", StringComparison.Ordinal)
            && !line.Contains($"device={Firewall.SyncInterface} ", StringComparison.Ordinal));
}
