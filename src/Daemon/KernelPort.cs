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
internal sealed record EventOptions(int BufferBytes, int BufferLimitBytes, bool IsReliable);

/// <summary>Everything between the engine and the kernel: events and dumps in, requests out.</summary>
/// <remarks>Each call does a bounded amount of work, so that one busy source never holds the loop.</remarks>
internal sealed class KernelPort : IDisposable
{
    private const int MostEventsPerTurn = 2048;
    private const int MostDumpedPerTurn = 1024;

    // What one queued event costs of the socket's buffer: a small skb with its bookkeeping.
    private const int EventBufferCost = 1280;

    private readonly SyncEngine _engine;
    private readonly EventOptions _options;
    private readonly EventStream _events;
    private readonly FlowDump _dump = new();
    private readonly RequestQueue _requests = new();
    private readonly KernelFlush _flush;
    private readonly DrainPacer _pacer = new(longestMicroseconds: 2000);
    private KernelRequest _request;
    private SnapshotPurpose _purpose;
    private PackedFlow _flow;
    private KernelStats _stats;

    /// <summary>Opens all sockets; the events are subscribed to first, so that no change falls between.</summary>
    /// <exception cref="NetlinkException">A privilege or a kernel feature is missing.</exception>
    public KernelPort(SyncEngine engine, EventOptions options)
    {
        _engine = engine;
        _options = options;
        _events = new EventStream(EventGroups.Flows);
        if (options.BufferBytes > 0) _events.Socket.SetReceiveBufferSize(options.BufferBytes / 2);
        if (options.IsReliable)
        {
            _events.Socket.SetReliableDelivery(true).ThrowIfFailed("reliable event delivery");
            _events.Socket.SetSilentLoss(true).ThrowIfFailed("reliable event delivery");
        }

        BufferBytes = _events.Socket.ReceiveBufferSize;
        _flush = new KernelFlush(engine.Options.Filter);
    }

    /// <summary>The receive buffer of the event socket was enlarged: its new size in bytes.</summary>
    public Action<int>? BufferGrew { get; init; }

    /// <summary>An overrun met a receive buffer that must not grow any more.</summary>
    public Action? BufferAtLimit { get; init; }

    public ref readonly KernelStats Stats => ref _stats;

    /// <summary>Receive buffer of the event socket, as the kernel reports it.</summary>
    public int BufferBytes { get; private set; }

    /// <summary>Until when the event socket should be left to fill.</summary>
    public Instant ReadEventsAt => _pacer.ReadAt;

    public int EventDescriptor => _events.Socket.Descriptor;

    /// <summary>The descriptor of a dump under way, or -1.</summary>
    public int DumpDescriptor => _dump.IsRunning ? _dump.Descriptor : -1;

    /// <summary>Fills the internal cache from the kernel's table and returns when it is complete.</summary>
    /// <returns>The kernel's error if the dump failed.</returns>
    public NetlinkError LoadTable()
    {
        NetlinkError error = _dump.Start();
        if (!error.IsSuccess) return error;

        _purpose = SnapshotPurpose.Start;
        _engine.OnSnapshot(Clock.Now, _purpose, SnapshotStep.Begin, in _flow);
        while (_dump.IsRunning)
        {
            ReadDump(Clock.Now);
            if (_dump.IsRunning) _dump.Wait(1000);
        }

        return _dump.Error;
    }

    /// <summary>Hands waiting events to the engine.</summary>
    /// <returns>True when there are more than one turn takes.</returns>
    public bool ReadEvents(Instant now)
    {
        if (_pacer.IsPausing(now)) return false;

        int count = 0;
        while (count < MostEventsPerTurn)
        {
            switch (_events.Read(ref _flow))
            {
                case EventStatus.Flow:
                    count++;
                    _engine.OnFlow(now, ChangeOf(_events.Kind), OriginOf(_events.Header.PortId), in _flow);
                    continue;
                case EventStatus.Expectation:
                    count++;
                    continue;
                case EventStatus.Overrun:
                    OnOverrun(now);
                    continue;
                case EventStatus.Failed:
                    _stats.CatchFailed++;
                    break;
            }

            _stats.EventsReceived += (ulong)count;
            _pacer.OnRead(now, count, BufferBytes / EventBufferCost);
            return false;
        }

        _stats.EventsReceived += (ulong)count;
        return true;
    }

    /// <summary>Hands a slice of a dump under way to the engine.</summary>
    public void ReadDump(Instant now)
    {
        for (int count = 0; count < MostDumpedPerTurn; count++)
        {
            switch (_dump.Read(ref _flow))
            {
                case DumpStatus.Flow:
                    _engine.OnSnapshot(now, _purpose, SnapshotStep.Entry, in _flow);
                    continue;
                case DumpStatus.WouldBlock:
                    return;
                case DumpStatus.End when !_dump.WasInterrupted:
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
        Collect(now);
        bool hasMore = _requests.Pending > 0;
        if (hasMore && _requests.Send().Code is not (Errno.TryAgain or Errno.OutOfMemory)) ReadAnswers(now);
        if (!_flush.IsRunning) return hasMore;
        if (_flush.Step() is { } errno) _engine.OnKernelAnswer(now, KernelRequestKind.Flush, token: 0, errno);
        return true;
    }

    public void Dispose()
    {
        _events.Dispose();
        _dump.Dispose();
        _requests.Dispose();
        _flush.Dispose();
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
        if (portId == _requests.Socket.PortId) return EventOrigin.Commit;
        return portId == _flush.PortId ? EventOrigin.Flush : EventOrigin.Other;
    }

    private void OnOverrun(Instant now)
    {
        _stats.Overruns++;
        _stats.CatchFailed++;
        _engine.OnOverrun(now);
        int before = BufferBytes;
        int after = _options.BufferLimitBytes > 0 ? _events.GrowBuffer(_options.BufferLimitBytes) : before;
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
                case KernelRequestKind.Create:
                    _requests.Create(_request.Token, in _request.Flow);
                    break;
                case KernelRequestKind.Delete:
                    _requests.Delete(_request.Token, in _request.Flow);
                    break;
            }
        }
    }

    private void StartDump(Instant now, SnapshotPurpose purpose)
    {
        _purpose = purpose;
        _engine.OnSnapshot(now, purpose, SnapshotStep.Begin, in _flow);
        if (!_dump.Start().IsSuccess) _engine.OnSnapshot(now, purpose, SnapshotStep.Abort, in _flow);
    }

    private void ReadAnswers(Instant now)
    {
        while (_requests.TryReadAnswer(out RequestAnswer answer))
            _engine.OnKernelAnswer(now, KernelRequestKind.Create, answer.Token, (int)answer.Error.Code);
    }
}
