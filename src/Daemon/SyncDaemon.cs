using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Daemon.Helpers;
using TwinTrack.Daemon.Statistics;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>A reason why the daemon cannot start: one line for the operator.</summary>
internal sealed class StartException : Exception
{
    public StartException()
    {
    }

    public StartException(string message)
        : base(message)
    {
    }

    public StartException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// The daemon: engine, kernel, link and control socket around one loop. In statistics mode there is no link, and flows
/// that end are logged.
/// </summary>
internal sealed class SyncDaemon : IServing
{
    private readonly Log _log;
    private readonly SyncEngine _engine;
    private readonly KernelPort _kernel;
    private readonly LinkPort? _link;       // null in statistics mode
    private readonly FlowLog? _flowLog;     // of statistics mode
    private readonly HelperPort? _helpers;  // of section Helper
    private readonly ControlServer _control;
    private readonly Signals _signals;
    private readonly Reload _reload;
    private readonly SystemdNotifier _systemd;
    private readonly Poller _poller = new();
    private readonly ControlWatch _clients;
    private readonly List<LogLine> _lines = [];
    private readonly SyncRequests? _requests;
    private readonly Instant _started = Clock.Now;
    private DaemonConfig _config;
    private SyncNotice _notice;
    private PackedFlow _ended;
    private int _signalPlace;

    /// <summary>Opens everything and fills the internal cache.</summary>
    /// <exception cref="StartException">Something is missing.</exception>
    public SyncDaemon(
        DaemonConfig config,
        Log log,
        Signals signals,
        Reload reload,
        ControlListener listener,
        SystemdNotifier systemd)
    {
        _log = log;
        _reload = reload;
        _signals = signals;
        _systemd = systemd;
        _engine = new SyncEngine(
            config.ToSyncOptions((ulong)Random.Shared.NextInt64()),
            FirstNumber(config.Sync),
            Clock.Now);
        if (config.Sync is { } sync) _link = OpenLinks(sync, (int)config.General.EventIterationLimit);
        else _flowLog = FlowLog.Open(config.Stats ?? new StatsConfig());
        _kernel = new KernelOpening(log, config.General).Open(_engine);
        if (config.Helper is { } helper) _helpers = new HelperPort(helper, log);
        reload.Reconfigure = Reconfigure;
        _config = config;
        if (_link is not null) _requests = new SyncRequests(config, _engine, _link, _helpers, ReadRuntime, Stop);
        ControlHandler handler = _requests is null
            ? new StatisticsRequests(_engine, _helpers, ReadRuntime, Stop).Handle
            : _requests.Handle;
        var json = new JsonAnswers(config, _engine, _link, _helpers, ReadRuntime);
        _control = new ControlServer(
            listener, (in ControlCall call) => call.IsJson ? json.Handle(in call) : handler(in call))
        {
            Denied = _log.WriteDenied,
        };
        _clients = new ControlWatch(_control, _poller);
        LoadTable();
    }

    /// <summary>Whether an operator asked for the end.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Serves until it is told to stop.</summary>
    public void Run()
    {
        bool hasMore = false;
        while (!IsStopping)
        {
            Wait(hasMore);
            hasMore = Turn();
        }
    }

    public void Dispose()
    {
        _control.Dispose();
        _helpers?.Dispose();
        _link?.Dispose();
        _flowLog?.Dispose();
        _kernel.Dispose();
        _engine.Dispose();
    }

    // Of several nodes everybody hears what is acknowledged to whom: numbers that lie far apart tell whose they are.
    private static Seq FirstNumber(SyncConfig? sync) =>
        sync is { Links: [{ Kind: LinkKind.Multicast } or { MorePeers.Count: > 0 }, ..] }
            ? new Seq((uint)Random.Shared.NextInt64(uint.MaxValue))
            : new Seq((uint)DateTimeOffset.UtcNow.ToUnixTimeSeconds());

    private void Stop() => IsStopping = true;

    private void Reconfigure(DaemonConfig read)
    {
        _engine.Reconfigure(read.ToSyncOptions(indexSeed: 0));
        _kernel.BufferLimitBytes = (int)read.General.NetlinkBufferSizeMaxGrowth;
        if (read.Sync is { } sync && !sync.Links.Equals(_config.Sync!.Links)) _link!.SetBuffers(sync.Links);
        bool isFilterOther = read.General.Filter != _config.General.Filter
            || read.Sync?.ExpectationHelpers.Equals(_config.Sync!.ExpectationHelpers) == false;
        // What was left out is missing, and what is left out now would never be heard of again.
        if (isFilterOther) _engine.OnEventsLeftOut(Clock.Now);
        _config = read;
    }

    // The order is that of the original: clients, the peer, then our own kernel, then what follows from all of it.
    private bool Turn()
    {
        Instant now = Clock.Now;
        if (_engine.NextDeadline <= now) _engine.OnDeadline(now);
        _control.OnDeadline(now);
        _systemd.OnDeadline(now);
        if (_link is not null && _link.NextDeadline <= now) _link.OnDeadline(now);
        ServeDescriptors(now);
        bool hasMore = _helpers?.Serve(now, _poller) ?? false;
        hasMore |= _link?.Receive(now) ?? false;
        hasMore |= _kernel.ReadEvents(now);
        if (_kernel.DumpDescriptor >= 0 && _engine.HasRoomForSnapshot) _kernel.ReadDump(now);
        hasMore |= _kernel.ServeRequests(now);
        hasMore |= _link?.Transmit(now) ?? false;
        LogEnded();
        Report(now);
        return hasMore;
    }

    private void Wait(bool hasMore)
    {
        Instant now = Clock.Now;
        Instant until = Instant.Earlier(
            Instant.Earlier(_engine.NextDeadline, _link?.NextDeadline ?? Instant.Never),
            Instant.Earlier(_control.NextDeadline, _systemd.NextDeadline));
        _poller.Clear();
        _clients.Watch();
        _signalPlace = _poller.Add(_signals.Descriptor, Libc.PollIn);
        _helpers?.Watch(_poller);
        _link?.Watch(_poller, now, ref until);
        AddPaced(_kernel.EventDescriptor, _kernel.ReadEventsAt, now, ref until);
        if (_kernel.DumpDescriptor >= 0 && _engine.HasRoomForSnapshot) _poller.Add(_kernel.DumpDescriptor, Libc.PollIn);
        _poller.Wait(now, hasMore ? now : until);
    }

    // A socket that is left to fill is not watched; the wait ends when its time has come.
    private void AddPaced(int descriptor, Instant readAt, Instant now, ref Instant until)
    {
        if (now < readAt) until = Instant.Earlier(until, readAt);
        else _poller.Add(descriptor, Libc.PollIn);
    }

    private void ServeDescriptors(Instant now)
    {
        _clients.Serve(now);
        _link?.OnWatched(now, _poller);
        if (_poller.Returned(_signalPlace) == 0) return;
        _signals.Clear();
        OnSignal();
    }

    private void OnSignal()
    {
        bool isReload = _signals.TakeReload();
        if (_signals.TakeReopen() || isReload)
        {
            _reload.ReopenLogs();
            if (_flowLog?.Reopen() is { } problem) _log.Error(problem);
        }

        if (isReload)
        {
            _systemd.Reloading();
            _reload.Run();
            _systemd.Ready();
        }

        if (_signals.IsStopWanted) Stop();
    }

    private void LogEnded()
    {
        if (_flowLog is null) return;
        while (_engine.PollEnded(ref _ended)) _flowLog.Write(in _ended);
        _flowLog.Flush();
    }

    private void Report(Instant now)
    {
        while (_engine.PollNotice(now, ref _notice))
        {
            NoticeText.Append(_lines, in _notice, _requests?.CommitCause);
            foreach (LogLine line in _lines) Write(line);
            _lines.Clear();
            if (_notice.Kind is SyncNoticeKind.CommitDone or SyncNoticeKind.ExpectationCommitDone
                or SyncNoticeKind.KernelFlushDone or SyncNoticeKind.KernelResyncDone)
            {
                _control.Complete(_notice.Ticket);
            }
        }
    }

    private void Write(LogLine line)
    {
        if (line.IsFlow) _log.WriteFlow(line.Text);
        else _log.Write(line.Level, line.Text);
    }

    private LinkPort OpenLinks(SyncConfig sync, int mostPacketsPerTurn)
    {
        try
        {
            return new LinkPort(_engine, sync, mostPacketsPerTurn, _log);
        }
        catch (ChannelException error)
        {
            throw new StartException($"can't open channel socket: {error.Message}", error);
        }
        catch (NetlinkException error)
        {
            throw new StartException($"can't open interface watcher: {error.Message}", error);
        }
    }

    private RuntimeStats ReadRuntime(Instant now)
    {
        ref readonly SyncStats stats = ref _engine.Stats;
        ref readonly KernelStats kernel = ref _kernel.Stats;
        return new RuntimeStats
        {
            UptimeSeconds = now.Seconds - _started.Seconds,
            EventsReceived = kernel.EventsReceived,
            EventsFiltered = stats.EventsFiltered,
            EventsUnknown = kernel.UnknownEvents,
            EventErrors = kernel.CatchFailed,
            DumpUnknown = kernel.UnknownDumpEntries,
            Overruns = kernel.Overruns,
            KernelFlushes = stats.KernelFlushes,
            KernelResyncs = stats.KernelResyncs,
            BufferSize = (uint)_kernel.BufferBytes,
            ControlReadErrors = _control.Stats.ReadFailed,
            ControlUnknown = 0,
        };
    }

    private void LoadTable()
    {
        if (_engine.Options.DisableInternalCache) return;
        NetlinkError error = _kernel.LoadTable();
        if (error.IsSuccess) return;
        throw new StartException($"can't get kernel conntrack table: {error}; it needs CAP_NET_ADMIN and a kernel with "
            + "nf_conntrack_netlink");
    }
}
