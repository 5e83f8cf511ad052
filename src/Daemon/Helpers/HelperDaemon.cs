using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Helpers;

/// <summary>The daemon when section Helper is all it has to do: no engine, no events, no links.</summary>
internal sealed class HelperDaemon : IServing
{
    private const int UsualLength = 1024;

    private readonly Log _log;
    private readonly Signals _signals;
    private readonly Reload _reload;
    private readonly SystemdNotifier _systemd;
    private readonly HelperPort _helpers;
    private readonly ControlServer _control;
    private readonly Poller _poller = new();
    private readonly ControlWatch _clients;
    private readonly Instant _started = Clock.Now;
    private bool _isStopping;

    /// <summary>Opens everything.</summary>
    /// <exception cref="StartException">Something is missing.</exception>
    public HelperDaemon(
        DaemonConfig config,
        Log log,
        Signals signals,
        Reload reload,
        ControlListener listener,
        SystemdNotifier systemd)
    {
        _log = log;
        _signals = signals;
        _reload = reload;
        _systemd = systemd;
        _helpers = new HelperPort(config.Helper!, log);
        _control = new ControlServer(listener, Handle) { Denied = log.WriteDenied };
        _clients = new ControlWatch(_control, _poller);
    }

    public void Run()
    {
        bool hasMore = false;
        while (!_isStopping)
        {
            int signal = Wait(hasMore);
            Instant now = Clock.Now;
            _control.OnDeadline(now);
            _systemd.OnDeadline(now);
            _clients.Serve(now);
            hasMore = _helpers.Serve(now, _poller);
            if (_poller.Returned(signal) != 0) OnSignal();
        }
    }

    public void Dispose()
    {
        _control.Dispose();
        _helpers.Dispose();
    }

    // Returns the place of the signals.
    private int Wait(bool hasMore)
    {
        Instant now = Clock.Now;
        _poller.Clear();
        _clients.Watch();
        int signal = _poller.Add(_signals.Descriptor, Libc.PollIn);
        _helpers.Watch(_poller);
        _poller.Wait(now, hasMore ? now : Instant.Earlier(_control.NextDeadline, _systemd.NextDeadline));
        return signal;
    }

    private void OnSignal()
    {
        _signals.Clear();
        bool isReload = _signals.TakeReload();
        if (_signals.TakeReopen() || isReload) _reload.ReopenLogs();
        if (isReload)
        {
            _systemd.Reloading();
            _reload.Run();
            _systemd.Ready();
        }

        if (_signals.IsStopWanted) _isStopping = true;
    }

    // What is about flows is accepted and has neither effect nor answer, as with the original.
    private ControlAnswer? Handle(in ControlCall call)
    {
        switch (call.Request)
        {
            case ControlRequest.Stop:
                _isStopping = true;
                return ControlAnswer.UntilComplete;
            case ControlRequest.FlowStatistics when !call.IsJson:
                return ControlAnswer.FromText(new StringBuilder().AppendHelpers(_helpers).ToString());
            case ControlRequest.RuntimeStatistics when !call.IsJson:
                return ControlAnswer.FromText(new StringBuilder().AppendRuntime(ReadRuntime(call.Now)).ToString());
        }

        if (call.IsJson && ControlAccess.IsRead(call.Request)) return Json(call.Request, call.Now);
        return Enum.IsDefined(call.Request) ? ControlAnswer.Empty : null;
    }

    private ControlAnswer Json(ControlRequest request, Instant now)
    {
        byte[] buffer = new byte[UsualLength + (_helpers.Helpers.Count * HelperReport.LongestObject)];
        LineWriter line = new(buffer);
        JsonText json = default;
        json.Open(ref line);
        if (request == ControlRequest.FlowStatistics) HelperReport.PutHelpers(ref json, ref line, _helpers);
        else if (request == ControlRequest.RuntimeStatistics)
            StatisticsJson.PutRuntime(ref json, ref line, ReadRuntime(now));
        json.Close(ref line);
        line.Write((byte)'\n');
        return ControlAnswer.FromBytes(buffer.AsMemory(0, line.Length));
    }

    private RuntimeStats ReadRuntime(Instant now) => new()
    {
        UptimeSeconds = (ulong)(now.Seconds - _started.Seconds),
        ControlReadErrors = _control.Stats.ReadFailed,
    };
}
