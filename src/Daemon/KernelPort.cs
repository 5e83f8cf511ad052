using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Counters of the daemon's side of the kernel.</summary>
internal struct KernelStats
{
    public ulong EventsReceived;
    public uint UnknownEvents;
    public uint CatchFailed;
    public uint Overruns;
    public uint UnknownDumpEntries;
}

/// <summary>How <see cref="KernelPort"/> asks for its event socket.</summary>
/// <param name="BufferBytes">Size the kernel should report for the receive buffer; 0 for the system's.</param>
/// <param name="BufferLimitBytes">Limit of the doubling after an overrun; 0 for no doubling.</param>
/// <param name="IsReliable">Ask the kernel to keep what it could not deliver.</param>
/// <param name="Filter">What the kernel shall drop itself; null for nothing.</param>
internal sealed record EventOptions(
    int BufferBytes, int BufferLimitBytes, bool IsReliable, KernelFilter? Filter = null);

/// <summary>Everything between the engine and the kernel: events and dumps in, requests out.</summary>
/// <remarks>Each call does a bounded amount of work, so that one busy source never holds the loop.</remarks>
internal sealed class KernelPort : IDisposable
{
    private const int MostEventsPerTurn = 2048;
    private const int MostDumpedPerTurn = 1024;

    // What one queued event costs of the socket's buffer: a small skb with its bookkeeping.
    private const int EventBufferCost = 1280;

    private readonly SyncEngine _engine;
    private readonly EventStream? _events;     // null: the table is polled
    private readonly FlowDump _dump = new();
    private readonly ExpectationPort? _expectations;
    private readonly RequestQueue _requests = new();
    private ConntrackClient? _client;
    private readonly KernelFlush _flush;
    private readonly DrainPacer _pacer = new(longestMicroseconds: 2000);
    private KernelRequest _request;
    private SnapshotPurpose _purpose;
    private ulong _malformedBefore;
    private int _bucketsBefore;
    private bool _isLossUntold;
    private bool _hearsBegins = true;
    private PackedFlow _flow;
    private KernelStats _stats;

    /// <summary>Opens all sockets; the events are subscribed to first, so that no change falls between.</summary>
    /// <param name="engine">Takes events and dumps, makes requests.</param>
    /// <param name="options">How to listen to events; null: not at all, the table is polled.</param>
    /// <exception cref="NetlinkException">A privilege or a kernel feature is missing.</exception>
    public KernelPort(SyncEngine engine, EventOptions? options)
    {
        _engine = engine;
        if (options is not null)
        {
            _events = OpenEvents(options);
            BufferLimitBytes = options.BufferLimitBytes;
            BufferBytes = _events.Socket.ReceiveBufferSize;
        }

        _flush = new KernelFlush(engine.Options);
        if (engine.Options.Expectations is not null) _expectations = new ExpectationPort(engine);
    }

    /// <summary>The receive buffer of the event socket was enlarged: its new size in bytes.</summary>
    public Action<int>? BufferGrew { get; init; }

    /// <summary>An overrun met a receive buffer that must not grow any more.</summary>
    public Action? BufferAtLimit { get; init; }

    /// <summary>What the receive buffer of the event socket may grow to, in bytes; 0: it may not.</summary>
    public int BufferLimitBytes { get; set; }

    public ref readonly KernelStats Stats => ref _stats;

    /// <summary>Receive buffer of the event socket as the kernel reports it; without one what is configured.</summary>
    public int BufferBytes { get; set; }

    /// <summary>Why the kernel does not filter although it was to; then the engine does it alone.</summary>
    public NetlinkError FilterError { get; private set; }

    /// <summary>Until when the event socket should be left to fill.</summary>
    public Instant ReadEventsAt => _pacer.ReadAt;

    /// <summary>The descriptor of the event socket, or -1 without one.</summary>
    public int EventDescriptor => _events?.Socket.Descriptor ?? -1;

    /// <summary>The descriptor of a dump under way, or -1.</summary>
    public int DumpDescriptor => _dump.IsRunning ? _dump.Descriptor : _expectations?.DumpDescriptor ?? -1;

    /// <summary>Fills the internal cache from the kernel's table and returns when it is complete.</summary>
    /// <returns>The kernel's error if the dump failed.</returns>
    public NetlinkError LoadTable()
    {
        if (!StartDump(Clock.Now, SnapshotPurpose.Start)) return _dump.Error;

        // What happens meanwhile waits in the event socket: read along, so that it does not overflow.
        while (_dump.IsRunning)
        {
            ReadDump(Clock.Now);
            ReadEvents(Clock.Now);
            if (_dump.IsRunning) _dump.Wait(1);
        }

        return _dump.Error.IsSuccess && _expectations is not null ? _expectations.LoadTable() : _dump.Error;
    }

    /// <summary>Hands waiting events to the engine.</summary>
    /// <returns>True when there are more than one turn takes.</returns>
    public bool ReadEvents(Instant now)
    {
        return _events is not null && !_pacer.IsPausing(now) && Drain(_events, now);
    }

    /// <summary>Hands a slice of a dump under way to the engine.</summary>
    public void ReadDump(Instant now)
    {
        _expectations?.ReadDump(now);
        if (!_dump.IsRunning) return;
        for (int count = 0; count < MostDumpedPerTurn; count++)
        {
            switch (_dump.Read(ref _flow))
            {
                case DumpStatus.Flow:
                    _engine.OnSnapshot(now, _purpose, SnapshotStep.Entry, in _flow);
                    continue;
                case DumpStatus.WouldBlock:
                    return;
                case DumpStatus.End when IsDumpComplete():
                    _engine.OnSnapshot(now, _purpose, SnapshotStep.End, in _flow);
                    return;
                default:
                    _engine.OnSnapshot(now, _purpose, SnapshotStep.Abort, in _flow);
                    return;
            }
        }
    }

    /// <summary>Takes requests of the engine to the kernel and the answers back, one batch at most.</summary>
    /// <returns>True when there may be more: answers make room for new requests.</returns>
    public bool ServeRequests(Instant now)
    {
        HearBegins(now, !_engine.IsCommittingMany);
        Collect(now);
        bool hasMore = _requests.Pending > 0;
        if (hasMore && _requests.Send().Code is not (Errno.TryAgain or Errno.OutOfMemory)) ReadAnswers(now);
        hasMore |= !_hearsBegins;
        if (!_flush.IsRunning) return hasMore;
        if (_flush.Step() is { } errno) _engine.OnKernelAnswer(now, KernelRequestKind.Flush, token: 0, errno);
        return true;
    }

    public void Dispose()
    {
        _events?.Dispose();
        _dump.Dispose();
        _requests.Dispose();
        _flush.Dispose();
        _expectations?.Dispose();
        _client?.Dispose();
    }

    private bool Drain(EventStream events, Instant now)
    {
        int count = 0;
        while (count < MostEventsPerTurn)
        {
            switch (events.Read(ref _flow))
            {
                case EventStatus.Flow:
                    count++;
                    _engine.OnFlow(now, ChangeOf(events.Kind), OriginOf(events.Header.PortId), in _flow);
                    continue;
                case EventStatus.Expectation:
                    count++;
                    _expectations?.OnEvent(now, events, OriginOf(events.Header.PortId));
                    continue;
                case EventStatus.Overrun:
                    OnOverrun(events);
                    continue;
                case EventStatus.Failed:
                    _stats.CatchFailed++;
                    break;
            }

            _stats.EventsReceived += (ulong)count;
            _pacer.OnRead(now, count, BufferBytes / EventBufferCost);
            if (_isLossUntold) _engine.OnOverrun(now);
            _isLossUntold = false;
            return false;
        }

        _stats.EventsReceived += (ulong)count;
        return true;
    }

    // For each flow we create the kernel would make an event, which costs as much as the flow. Begins of others are not
    // heard meanwhile: what changes is, and at the end the table is compared.
    private void HearBegins(Instant now, bool on)
    {
        if (_events is null || on == _hearsBegins || !_events.HearBegins(on).IsSuccess) return;
        _hearsBegins = on;
        if (on) _engine.OnEventsLeftOut(now);
    }

    private EventStream OpenEvents(EventOptions options)
    {
        bool hasExpectations = _engine.Options.Expectations is not null;
        var events =
            new EventStream(hasExpectations ? EventGroups.Flows | EventGroups.Expectations : EventGroups.Flows);
        try
        {
            FilterError = options.Filter?.AttachTo(events) ?? NetlinkError.Success;
            if (options.BufferBytes > 0) events.Socket.SetReceiveBufferSize(options.BufferBytes / 2);
            if (options.IsReliable) events.Socket.SetReliableDelivery(true).ThrowIfFailed("reliable event delivery");
            return events;
        }
        catch
        {
            events.Dispose();
            throw;
        }
    }

    private static FlowChange ChangeOf(EventKind kind) => kind switch
    {
        EventKind.New => FlowChange.New,
        EventKind.Update => FlowChange.Update,
        _ => FlowChange.Destroy,
    };

    private EventOrigin OriginOf(uint portId)
    {
        if (portId == 0) return EventOrigin.Other;
        if (portId == _requests.Socket.PortId)
            return _engine.Options.DisableExternalCache ? EventOrigin.Inject : EventOrigin.Commit;
        return portId == _flush.PortId ? EventOrigin.Flush : EventOrigin.Other;
    }

    // The kernel keeps what it had when it began to drop, and drops until all of that is read: then the engine is told.
    private void OnOverrun(EventStream events)
    {
        _stats.Overruns++;
        _stats.CatchFailed++;
        _isLossUntold = true;
        int before = BufferBytes;
        int after = BufferLimitBytes > 0 ? events.GrowBuffer(BufferLimitBytes) : before;
        BufferBytes = after;
        if (after > before) BufferGrew?.Invoke(after);
        else BufferAtLimit?.Invoke();
    }

    private void Collect(Instant now)
    {
        while (!_requests.IsFull)
        {
            if (!_engine.PollKernel(now, ref _request)) return;

            switch (_request.Kind)
            {
                case KernelRequestKind.Dump:
                    StartDump(now, _request.Purpose);
                    break;
                case KernelRequestKind.Flush:
                    _flush.Start();
                    break;
                case KernelRequestKind.Get:
                    Read(now);
                    break;
                case KernelRequestKind.DumpExpectations:
                    _expectations?.StartDump(now, _request.Purpose);
                    break;
                case KernelRequestKind.FlushExpectations:
                    _flush.StartExpectations();
                    break;
                case KernelRequestKind.CreateExpectation:
                    _requests.CreateExpectation(_request.Token, in _request.Expectation);
                    break;
                case KernelRequestKind.DeleteExpectation:
                    _requests.DeleteExpectation(_request.Token, in _request.Expectation);
                    break;
                case KernelRequestKind.Create:
                    _requests.Create(_request.Token, in _request.Flow);
                    break;
                case KernelRequestKind.Update:
                    _requests.Update(_request.Token, in _request.Flow);
                    break;
                case KernelRequestKind.Delete:
                    _requests.Delete(_request.Token, in _request.Flow);
                    break;
            }
        }
    }

    // The kernel answers within the call; what has gone meanwhile makes an event of its own.
    private void Read(Instant now)
    {
        _client ??= new ConntrackClient();
        if (_client.Get(in _request.Flow, ref _flow).IsSuccess)
            _engine.OnFlow(now, FlowChange.Update, EventOrigin.Other, in _flow);
    }

    private bool StartDump(Instant now, SnapshotPurpose purpose)
    {
        _purpose = purpose;
        _malformedBefore = _dump.Malformed;
        _bucketsBefore = TableBuckets.Read();
        _engine.OnSnapshot(now, purpose, SnapshotStep.Begin, in _flow);
        if (_dump.Start().IsSuccess) return true;
        _engine.OnSnapshot(now, purpose, SnapshotStep.Abort, in _flow);
        return false;
    }

    // Of flows that moved to another place of the table while it was read, and of what could not be read, nothing is
    // known: that they did not come does not mean that they are gone.
    private bool IsDumpComplete() => !_dump.WasInterrupted && _dump.Malformed == _malformedBefore
        && TableBuckets.Read() == _bucketsBefore;

    private void ReadAnswers(Instant now)
    {
        // What was deleted to make room for a flow is older than that flow.
        if (!_hearsBegins) while (Drain(_events!, now)) continue;
        while (_requests.TryReadAnswer(out RequestAnswer answer))
            _engine.OnKernelAnswer(now, KernelRequestKind.Create, answer.Token, (int)answer.Error.Code);
    }
}
