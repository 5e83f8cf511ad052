using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
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

/// <summary>The daemon in synchronisation mode: engine, kernel, link and control socket around one loop.</summary>
internal sealed class SyncDaemon : IDisposable
{
    private readonly Log _log;
    private readonly SyncEngine _engine;
    private readonly KernelPort _kernel;
    private readonly LinkPort _link;
    private readonly ControlServer _control;
    private readonly Signals _signals;
    private readonly Reload _reload;
    private readonly SystemdNotifier _systemd;
    private readonly Poller _poller = new();
    private readonly List<PollInterest> _interests = [];
    private readonly List<LogLine> _lines = [];
    private readonly SyncRequests _requests;
    private SyncNotice _notice;
    private bool _isBufferLimitReported;
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
        SyncConfig sync = config.Sync!;
        _engine = new SyncEngine(
            config.ToSyncOptions((ulong)Random.Shared.NextInt64()),
            new Seq((uint)DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
            Clock.Now);
        _link = OpenLinks(sync, (int)config.General.EventIterationLimit);
        _kernel = OpenKernel(config.General, _engine.Options.Filter);
        _requests = new SyncRequests(config, _engine, _kernel, _link, Stop);
        _control = new ControlServer(listener, _requests.Handle) { Denied = _log.WriteDenied };
        _requests.Control = _control;
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
        _link.Dispose();
        _kernel.Dispose();
        _engine.Dispose();
    }

    private void Stop() => IsStopping = true;

    // The order is that of the original: clients, the peer, then our own kernel, then what follows from all of it.
    private bool Turn()
    {
        Instant now = Clock.Now;
        if (_engine.NextDeadline <= now) _engine.OnDeadline(now);
        _control.OnDeadline(now);
        _systemd.OnDeadline(now);
        if (_link.NextDeadline <= now) _link.OnDeadline(now);
        ServeDescriptors(now);
        bool hasMore = _link.Receive(now);
        hasMore |= _kernel.ReadEvents(now);
        if (_kernel.DumpDescriptor >= 0 && _engine.HasRoomForSnapshot) _kernel.ReadDump(now);
        hasMore |= _kernel.ServeRequests(now);
        hasMore |= _link.Transmit(now);
        Report(now);
        return hasMore;
    }

    private void Wait(bool hasMore)
    {
        Instant now = Clock.Now;
        Instant until = Instant.Earlier(
            Instant.Earlier(_engine.NextDeadline, _link.NextDeadline),
            Instant.Earlier(_control.NextDeadline, _systemd.NextDeadline));
        _poller.Clear();
        _interests.Clear();
        _control.AddInterests(_interests);
        foreach (PollInterest interest in _interests)
        {
            short events = (short)((interest.Events & PollEvents.Read) != PollEvents.None ? Libc.PollIn : 0);
            if ((interest.Events & PollEvents.Write) != PollEvents.None) events |= Libc.PollOut;
            _poller.Add(interest.Descriptor, events);
        }

        _signalPlace = _poller.Add(_signals.Descriptor, Libc.PollIn);
        _link.Watch(_poller, now, ref until);
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
        for (int place = 0; place < _interests.Count; place++)
        {
            short returned = _poller.Returned(place);
            if (returned == 0) continue;

            // Hang-up and error show as readable: the next read tells which.
            PollEvents events = (returned & Libc.PollOut) != 0 ? PollEvents.Write : PollEvents.None;
            if ((returned & ~Libc.PollOut) != 0) events |= PollEvents.Read;
            _control.OnReady(now, _interests[place].Descriptor, events);
        }

        _link.OnWatched(now, _poller);
        if (_poller.Returned(_signalPlace) == 0) return;
        _signals.Clear();
        if (_signals.TakeReopen()) _reload.ReopenLogs();
        if (_signals.TakeReload())
        {
            _systemd.Reloading();
            _reload.Run();
            _systemd.Ready();
        }

        if (_signals.IsStopWanted) Stop();
    }

    private void Report(Instant now)
    {
        while (_engine.PollNotice(now, ref _notice))
        {
            NoticeText.Append(_lines, in _notice, _requests.CommitCause);
            foreach (LogLine line in _lines) Write(line);
            _lines.Clear();
            if (_notice.Kind is SyncNoticeKind.CommitDone or SyncNoticeKind.KernelFlushDone
                or SyncNoticeKind.KernelResyncDone)
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

    private KernelPort OpenKernel(GeneralConfig general, FlowFilter filter)
    {
        try
        {
            KernelPort kernel = general.PollSeconds is null
                ? new KernelPort(_engine, EventOptionsOf(general, filter))
                {
                    BufferGrew = OnBufferGrew,
                    BufferAtLimit = OnBufferLimit,
                }
                : new KernelPort(_engine, options: null) { BufferBytes = (int)general.NetlinkBufferSize };
            ReportKernel(general, kernel);
            return kernel;
        }
        catch (NetlinkException error)
        {
            throw new StartException(
                $"can't open netlink handler: {error.Message}; it needs CAP_NET_ADMIN and a kernel with "
                + "nf_conntrack_netlink", error);
        }
    }

    private static bool IsBufferSizeUsable(GeneralConfig general) =>
        general.NetlinkBufferSize > 0 && general.NetlinkBufferSize <= general.NetlinkBufferSizeMaxGrowth;

    private static EventOptions EventOptionsOf(GeneralConfig general, FlowFilter filter) => new(
        IsBufferSizeUsable(general) ? (int)general.NetlinkBufferSize : 0,
        (int)general.NetlinkBufferSizeMaxGrowth,
        general.EventsReliable,
        general.Filter is { InKernel: true } ? EventFilter.Make(filter) : null);

    private void ReportKernel(GeneralConfig general, KernelPort kernel)
    {
        if (general.PollSeconds is not null)
        {
            _log.Notice("running in polling mode");
            return;
        }

        if (general.EventsReliable) _log.Notice("reliable ctnetlink event delivery is ENABLED.");
        if (!kernel.FilterError.IsSuccess)
        {
            _log.Warning($"the kernel does not take the event filter ({kernel.FilterError}): "
                + "events are filtered in user space, with the same result");
        }

        bool inKernel = general.Filter is { InKernel: true } && kernel.FilterError.IsSuccess;
        if (general.Filter is not null) _log.Notice($"using {(inKernel ? "kernel" : "user")}-space event filtering");
        if (!IsBufferSizeUsable(general))
        {
            _log.Notice("NetlinkBufferSize is either not set or is greater than NetlinkBufferSizeMaxGrowth. "
                + "Using current system buffer size");
        }

        _log.Notice($"netlink event socket buffer size has been set to {kernel.BufferBytes} bytes");
    }

    private void LoadTable()
    {
        if (_engine.Options.DisableInternalCache) return;
        NetlinkError error = _kernel.LoadTable();
        if (error.IsSuccess) return;
        throw new StartException($"can't get kernel conntrack table: {error}; it needs CAP_NET_ADMIN and a kernel with "
            + "nf_conntrack_netlink");
    }

    private void OnBufferGrew(int bytes) =>
        _log.Notice($"netlink event socket buffer size has been doubled to {bytes} bytes");

    private void OnBufferLimit()
    {
        if (_isBufferLimitReported) return;
        _isBufferLimitReported = true;
        _log.Warning(
            "netlink event socket buffer size cannot be doubled further since it will exceed "
            + "NetlinkBufferSizeMaxGrowth. We are likely to be losing events, this may lead to unsynchronized "
            + "replicas. Please, consider increasing netlink socket buffer size via NetlinkBufferSize and "
            + "NetlinkBufferSizeMaxGrowth clauses in conntrackd.conf");
    }
}
