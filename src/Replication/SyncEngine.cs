using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication;

/// <summary>
/// The replication engine of one firewall: kernel events, peer datagrams, commands and clock readings go in;
/// datagrams, kernel requests, notices and a deadline come out.
/// </summary>
/// <remarks>
/// It does no I/O and never blocks. Call one input, then drain the outputs (<see cref="PollTransmit"/>,
/// <see cref="PollKernel"/>, <see cref="PollNotice"/>) until they have nothing more, then sleep until
/// <see cref="NextDeadline"/> or the next input. A full socket is answered by not polling.
/// </remarks>
public sealed partial class SyncEngine : IDisposable
{
    /// <summary>A buffer for <see cref="PollTransmit"/> is longer than the capacity by at least this.</summary>
    public const int MessageLimit = PeerHeader.Size + FlowMessage.MaxSize;

    private const int NoticeLimit = 256;
    private const long ResyncAnswerSeconds = 30;

    private readonly StatsBox _stats = new();
    private readonly EntrySlabs _internalSlabs = new();
    private readonly EntrySlabs _externalSlabs = new();
    private readonly FlowStore _internalStore;
    private readonly FlowStore _externalStore;
    private readonly InternalCache _internal;
    private readonly ExternalCache _external;
    private readonly InternalBypass? _bypass;
    private readonly Inject? _inject;
    private readonly SyncMode _mode;
    private StatisticsMode? _statistics;
    private readonly Announcer _announcer;
    private readonly Commit _commit;
    private readonly KernelQueue _kernel = new();
    private readonly Notices _notices = new();
    private readonly Bulk _bulk;
    private readonly Repair _repair;
    private readonly SequenceWatch _sequences;
    private readonly RepairSchedule _repairSchedule;
    private readonly CatchUp _catchUp = new();      // of the peer
    private readonly CatchUp _ownCatchUp = new();
    private readonly RefreshRetry _refreshRetry = new();

    // Sixteen bytes ask for a whole table. What is over the limit is answered all the same, later and together.
    private readonly PeerLimit _resyncLimit = new(burst: 5, secondsEach: 10);
    private PackedFlow _received;
    private PackedFlow _adopted;
    private Instant _purgeAt = Instant.Never;
    private Instant _resyncAnswersUntil;

    /// <summary>Makes an engine with empty caches.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="first">The first sequence number; the shell passes the UNIX time in seconds.</param>
    /// <param name="now">The clock.</param>
    public SyncEngine(SyncOptions options, Seq first, Instant now)
    {
        Options = options;
        _internalStore = new FlowStore(_internalSlabs, options.IndexSeed, options.IndexSlots);
        _externalStore = new FlowStore(_externalSlabs, ~options.IndexSeed, options.IndexSlots);
        _internal = new InternalCache(_internalSlabs, _internalStore, options);
        _external = new ExternalCache(_externalSlabs, _externalStore, options);
        if (options is { Mode: SyncModeKind.Notrack, DisableInternalCache: true })
            _bypass = new InternalBypass(_internalStore, options);
        if (options.DisableExternalCache) _inject = new Inject(_externalSlabs, _externalStore, options);
        _expectations = new Expectations(_internalSlabs, _externalSlabs, _internalStore, options);
        _sequences = new SequenceWatch(_internalSlabs, _internalStore);
        if (options.DisableExternalCache)
            _expectationInject = new ExpectationInject(_expectations.ExternalStore, options);
        _mode = MakeMode(first, now);
        _announcer = new Announcer(_internalSlabs, _internalStore, _internal, _mode, options);
        _commit = new Commit(_externalStore, _external, options);
        _bulk = new Bulk(_bypass is null ? _internalStore : null, _expectations.InternalStore, _mode, _announcer);
        _repair = new Repair(_internal, _announcer);
        _repairSchedule = new RepairSchedule(options, now);
        if (options.StartupResync) RequestResync(now);
    }

    /// <summary>The configuration.</summary>
    public SyncOptions Options { get; }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline
    {
        get
        {
            if (_repair.IsSweeping || _external.IsSweeping || _commit.IsScanning) return default;
            Instant catchUp = Instant.Earlier(_catchUp.DueAt, _ownCatchUp.DueAt);
            catchUp = Instant.Earlier(Instant.Earlier(catchUp, _refreshRetry.DueAt), _sequences.DueAt);
            Instant expiry = Instant.Earlier(_external.NextExpiry, _expectations.External.NextExpiry);
            return Instant.Earlier(
                Instant.Earlier(Instant.Earlier(_mode.NextDeadline, catchUp), expiry),
                Instant.Earlier(Instant.Earlier(_purgeAt, _repairSchedule.DueAt), _announcer.NextDeadline));
        }
    }

    /// <summary>Counters.</summary>
    public ref readonly SyncStats Stats
    {
        get
        {
            ref SyncStats stats = ref _stats.Value;
            stats.Internal = _internal.Stats;
            if (_inject is null) stats.External = _external.Stats;
            else stats.Inject = _inject.Stats;
            if (_bypass is not null) stats.Bypass = _bypass.Stats;
            stats.InternalExpectations = _expectations.Internal.Stats;
            if (_expectationInject is null) stats.ExternalExpectations = _expectations.External.Stats;
            else stats.ExpectationInject = _expectationInject.Stats;
            stats.TransmitQueue = (uint)_mode.TransmitCount;
            stats.ResendQueue = (uint)(_mode.Resend?.Count ?? 0);
            stats.ControlElements = _mode.ControlCount;
            stats.Unannounced = (uint)_announcer.Waiting;
            return ref stats;
        }
    }

    /// <summary>The deadline has passed.</summary>
    public void OnDeadline(Instant now)
    {
        _mode.OnDeadline(now);
        _announcer.OnDeadline(now);
        _external.Expire(now);
        _expectations.External.Expire(now);
        if (_external.IsSweeping) _external.Sweep();
        if (_commit.IsScanning) _commit.Scan(now);
        _sequences.OnDeadline(now);
        if (_repair.IsSweeping && _repair.Sweep()) EndDump(now, _repair.Purpose);
        if (_repairSchedule.TakeDue(now, _internal.Unheard) is { } purpose) StartRepair(now, purpose);

        BringWhatIsLacking(now);
        if (now < _purgeAt) return;
        _purgeAt = Instant.Never;
        _notices.Add(SyncNoticeKind.PurgingKernel);
        AddFlushes(hasFlows: true, _expectations.AreOn, ticket: 0);
        ClearInternal();
    }

    /// <summary>Fills one datagram.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="buffer">Longer than the capacity by <see cref="MessageLimit"/>.</param>
    /// <param name="capacity">What one datagram of the link holds (MTU less headers); only a message that is too
    /// long for any datagram exceeds it, alone.</param>
    /// <returns>The bytes written; 0 when there is nothing to say.</returns>
    public int PollTransmit(Instant now, Span<byte> buffer, int capacity)
    {
        _bulk.Feed();
        int length = _mode.Transmit(now, buffer, capacity);
        if (_mode.Resend?.TakeLostQuestion() == true) _ownCatchUp.Want(now);
        return length;
    }

    /// <summary>The next request to the kernel. Do not poll while too many are unanswered.</summary>
    public bool PollKernel(Instant now, ref KernelRequest request)
    {
        // Each failure of a commit makes a notice: the log sets the pace.
        if (_notices.Count >= NoticeLimit) return false;
        return _kernel.Poll(ref request) || _sequences.Poll(ref request) || _commit.Poll(now, ref request)
            || (_inject is not null && _inject.Poll(now, ref request))
            || PollExpectations(now, ref request);
    }

    /// <summary>The next notice.</summary>
    public bool PollNotice(Instant now, ref SyncNotice notice)
    {
        if (_mode.Resend?.TakeOverflowReport() == true)
            _notices.Add(SyncNoticeKind.ResendQueueFull, Options.ResendQueueSize);
        if (_bypass is not null && _bypass.TakeFullReport()) _notices.Add(SyncNoticeKind.BypassFull);
        return _notices.TryTake(ref notice) || TakeCommitEnd(now, ref notice);
    }

    /// <summary>The next flow that ended, in statistics mode: as the event told it, else as it was cached.</summary>
    /// <remarks>To be drained after every input; in other modes there is none.</remarks>
    public bool PollEnded(ref PackedFlow flow) => _statistics is not null && _statistics.TryTakeEnded(ref flow);

    /// <summary>Reads a cache in slices: entries that stay all the time come exactly once.</summary>
    /// <param name="cache">Which one.</param>
    /// <param name="cursor">0 at first; keep it between calls, also when inputs came between.</param>
    /// <param name="now">The clock.</param>
    /// <param name="flow">The entry. External entries have no reply tuple.</param>
    /// <param name="times">Its times.</param>
    /// <returns>False at the end.</returns>
    public bool ReadNext(CacheKind cache, ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times)
    {
        if (cache == CacheKind.Internal ? _bypass is not null : _inject is not null)
        {
            times = default;
            return false;
        }

        FlowStore store = cache == CacheKind.Internal ? _internalStore : _externalStore;
        uint handle;
        do
        {
            handle = store.Next(ref cursor);
            if (handle == 0)
            {
                times = default;
                return false;
            }
        }
        while (store[handle].Header.State == EntryState.Dead);

        store.Read(handle, ref flow);
        times = new EntryTimes(now.Seconds - store[handle].CreatedAt, now.Seconds - store[handle].UpdatedAt);
        return true;
    }

    /// <summary>Lists the resend queue, oldest first.</summary>
    public IReadOnlyList<ResendQueueElement> ReadResendQueue() => _mode.Resend?.Read() ?? [];

    /// <summary>Gives the native memory back.</summary>
    public void Dispose()
    {
        _internalStore.Dispose();
        _externalStore.Dispose();
        _expectations.Dispose();
        _internalSlabs.Dispose();
        _externalSlabs.Dispose();
    }

    private SyncMode MakeMode(Seq first, Instant now)
    {
        var entries = new InternalEntries(
            _internalSlabs, _internalStore, _internal, _expectations.InternalStore, _expectations.Internal, Options);
        var queue = new TxQueue(_internalSlabs, entries, _stats, first);
        return Options.Mode switch
        {
            SyncModeKind.Alarm => new AlarmMode(
                _internalSlabs, _internalStore, _expectations.InternalStore, entries, queue, Options, _stats, now),
            SyncModeKind.Statistics =>
                _statistics = new StatisticsMode(_internalSlabs, _internalStore, _internal, queue),
            SyncModeKind.Notrack => new NotrackMode(_internalSlabs, entries, _bypass, queue, _stats, now),
            _ => new FtfwMode(_internalSlabs, entries, queue, Options, _stats, _notices, now),
        };
    }
}
