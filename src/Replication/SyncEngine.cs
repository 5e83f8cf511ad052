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
public sealed class SyncEngine : IDisposable
{
    /// <summary>A buffer for <see cref="PollTransmit"/> is longer than the capacity by at least this.</summary>
    public const int MessageLimit = PeerHeader.Size + FlowMessage.MaxSize;

    private const int BulkStep = 256;
    private const int SweepStep = 4096;
    private const int NoticeLimit = 256;

    private readonly StatsBox _stats = new();
    private readonly EntrySlabs _internalSlabs = new();
    private readonly EntrySlabs _externalSlabs = new();
    private readonly FlowStore _internalStore;
    private readonly FlowStore _externalStore;
    private readonly InternalCache _internal;
    private readonly ExternalCache _external;
    private readonly FtfwMode _mode;
    private readonly Commit _commit;
    private readonly KernelQueue _kernel = new();
    private readonly Queue<SyncNotice> _notices = new();
    private PackedFlow _received;
    private Instant _purgeAt = Instant.Never;
    private Instant _repairAt = Instant.Never;
    private ulong? _bulk;              // cursor of a bulk under way
    private bool _isBulkWantedAgain;
    private ulong? _sweep;             // cursor of a sweep under way
    private long _differences;

    /// <summary>Makes an engine with empty caches.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="first">The first sequence number; the shell passes the UNIX time in seconds.</param>
    /// <param name="now">The clock.</param>
    public SyncEngine(SyncOptions options, Seq first, Instant now)
    {
        Options = options;
        _internalStore = new FlowStore(_internalSlabs, options.IndexSeed);
        _externalStore = new FlowStore(_externalSlabs, ~options.IndexSeed);
        _internal = new InternalCache(_internalSlabs, _internalStore, options);
        _external = new ExternalCache(_externalStore, options);
        _mode = new FtfwMode(_internalSlabs, _internal, _internalStore, options, _stats, first, now);
        _commit = new Commit(_externalStore, options);
        if (options.StartupResync) RequestResync();
    }

    /// <summary>The configuration.</summary>
    public SyncOptions Options { get; }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline
    {
        get
        {
            if (_sweep is not null) return default;
            return Instant.Earlier(_mode.NextDeadline, Instant.Earlier(_purgeAt, _repairAt));
        }
    }

    /// <summary>Counters.</summary>
    public ref readonly SyncStats Stats
    {
        get
        {
            ref SyncStats stats = ref _stats.Value;
            stats.Internal = _internal.Stats;
            stats.External = _external.Stats;
            stats.TransmitQueue = (uint)_mode.TransmitCount;
            stats.ResendQueue = (uint)_mode.ResendCount;
            stats.ControlElements = _mode.ControlCount;
            return ref stats;
        }
    }

    /// <summary>A kernel event.</summary>
    public void OnFlow(Instant now, FlowChange change, EventOrigin origin, in PackedFlow flow)
    {
        if (origin == EventOrigin.Inject) return;
        if (!IsWanted(in flow, change == FlowChange.Destroy)) return;

        uint handle = _internal.Apply(change, in flow, now.Seconds);
        if (handle == 0)
        {
            ReportFull();
            return;
        }

        if (change == FlowChange.Destroy) CountTraffic(in flow);
        Announce(handle, isSilent: origin is EventOrigin.Commit or EventOrigin.Flush);
    }

    /// <summary>A step of a kernel dump; the flow is read only for <see cref="SnapshotStep.Entry"/>.</summary>
    public void OnSnapshot(Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedFlow flow)
    {
        switch (step)
        {
            case SnapshotStep.Begin:
                _internal.BeginSnapshot();
                _differences = 0;
                break;
            case SnapshotStep.Entry:
                Merge(now, purpose, in flow);
                break;
            case SnapshotStep.End when purpose == SnapshotPurpose.Repair:
                _sweep = 0;
                break;
            default:
                EndDump(purpose);
                if (step == SnapshotStep.Abort && purpose == SnapshotPurpose.Repair) OnOverrun(now);
                break;
        }
    }

    /// <summary>The kernel dropped events (ENOBUFS): repair once they have stopped coming too fast.</summary>
    public void OnOverrun(Instant now)
    {
        if (Options.OverrunResyncSeconds is { } seconds) _repairAt = now.PlusSeconds(seconds);
    }

    /// <summary>A datagram of a peer.</summary>
    public void OnPeer(Instant now, LinkId link, PeerId from, ReadOnlySpan<byte> datagram)
    {
        ref SyncStats stats = ref _stats.Value;
        while (!datagram.IsEmpty)
        {
            if (datagram.Length < PeerHeader.Size)
            {
                stats.Truncated++;
                return;
            }

            PeerHeader header = PeerHeader.Read(datagram);
            if (header.Length == 0 || header.Length > datagram.Length)
            {
                stats.BadSize++;
                return;
            }

            if (header.HasRange && datagram.Length < PeerHeader.RangeSize)
            {
                stats.Truncated++;
                return;
            }

            if (header.Length < (header.HasRange ? PeerHeader.RangeSize : PeerHeader.Size))
            {
                stats.BadSize++;
                return;
            }

            OnMessage(now, from, in header, datagram[..header.Length]);
            datagram = datagram[header.Length..];
        }
    }

    /// <summary>A command of an operator; the ticket comes back in the notice that tells the end.</summary>
    public SyncReply OnCommand(Instant now, SyncCommand command, int ticket)
    {
        switch (command)
        {
            case SyncCommand.Commit:
                return StartCommit(now, ticket);
            case SyncCommand.FlushCaches:
            case SyncCommand.FlushInternalCache:
            case SyncCommand.FlushExternalCache:
                return FlushCaches(command);
            case SyncCommand.FlushKernel:
                Notify(SyncNoticeKind.FlushingKernel);
                return FlushKernel(ticket);
            case SyncCommand.ResyncKernel:
                Notify(SyncNoticeKind.ResyncingKernel);
                _stats.Value.KernelResyncs++;
                return _kernel.AddDump(SnapshotPurpose.Resync, ticket) ? SyncReply.Pending : SyncReply.Refused;
            case SyncCommand.SendBulk:
                SendBulk();
                return SyncReply.Done;
            case SyncCommand.RequestResync:
                RequestResync();
                return SyncReply.Done;
            default:
                SchedulePurge(now);
                return SyncReply.Done;
        }
    }

    /// <summary>The kernel's answer to a request of <see cref="PollKernel"/>: 0 or a positive errno.</summary>
    /// <remarks>Answers come in the order of the requests of one origin.</remarks>
    public void OnKernelAnswer(Instant now, KernelRequestKind kind, uint token, int errno)
    {
        if (kind == KernelRequestKind.Flush)
        {
            int ticket = _kernel.EndFlush();
            Notify(SyncNoticeKind.KernelFlushDone, errno, ticket);
            return;
        }

        if (_commit.Answer(token, errno) is { } failure) ReportFailure(failure);
    }

    /// <summary>The deadline has passed.</summary>
    public void OnDeadline(Instant now)
    {
        _mode.OnDeadline(now);
        if (_sweep is not null) Sweep();
        if (now >= _repairAt)
        {
            _repairAt = Instant.Never;
            _stats.Value.KernelResyncs++;
            Notify(SyncNoticeKind.RepairStarted);
            _kernel.AddDump(SnapshotPurpose.Repair, ticket: 0);
        }

        if (now < _purgeAt) return;
        _purgeAt = Instant.Never;
        Notify(SyncNoticeKind.PurgingKernel);
        FlushKernel(ticket: 0);
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
        FeedBulk();
        return _mode.Transmit(now, buffer, capacity);
    }

    /// <summary>The next request to the kernel. Do not poll while too many are unanswered.</summary>
    public bool PollKernel(Instant now, ref KernelRequest request)
    {
        // Each failure of a commit makes a notice: the log sets the pace.
        if (_notices.Count >= NoticeLimit) return false;
        return _kernel.Poll(ref request) || _commit.Poll(now, ref request);
    }

    /// <summary>The next notice.</summary>
    public bool PollNotice(Instant now, ref SyncNotice notice)
    {
        if (_notices.TryDequeue(out notice)) return true;
        if (_commit.TakeEnd(now, ref notice)) return true;
        return _mode.TakeOverflowReport()
            && Fill(ref notice, SyncNoticeKind.ResendQueueFull, Options.ResendQueueSize);
    }

    /// <summary>Reads a cache in slices: entries that stay all the time come exactly once.</summary>
    /// <param name="cache">Which one.</param>
    /// <param name="cursor">0 at first; keep it between calls, also when inputs came between.</param>
    /// <param name="now">The clock.</param>
    /// <param name="flow">The entry. External entries have no reply tuple.</param>
    /// <param name="times">Its times.</param>
    /// <returns>False at the end.</returns>
    public bool ReadNext(CacheKind cache, ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times)
    {
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
    public IReadOnlyList<ResendQueueElement> ReadResendQueue() => _mode.ReadResendQueue();

    /// <summary>Gives the native memory back.</summary>
    public void Dispose()
    {
        _internalStore.Dispose();
        _externalStore.Dispose();
        _internalSlabs.Dispose();
        _externalSlabs.Dispose();
    }

    private bool IsWanted(in PackedFlow flow, bool isDestroy)
    {
        bool isComplete = flow.Original.Has(TupleParts.Addresses | TupleParts.Protocol)
            && flow.Reply.Has(TupleParts.Source);
        if (isComplete && Options.Filter.Accepts(in flow, isDestroy)) return true;
        _stats.Value.EventsFiltered++;
        return false;
    }

    private void CountTraffic(in PackedFlow flow)
    {
        ref SyncStats stats = ref _stats.Value;
        if (flow.Has(FlowFields.CountersOriginal))
        {
            stats.TrafficBytes += flow.CountersOriginal.Bytes;
            stats.TrafficPackets += flow.CountersOriginal.Packets;
        }

        if (flow.Has(FlowFields.CountersReply))
        {
            stats.TrafficBytes += flow.CountersReply.Bytes;
            stats.TrafficPackets += flow.CountersReply.Packets;
        }
    }

    // What we did to the kernel ourselves is not news for the peers; a deletion of that kind leaves no trace.
    private void Announce(uint handle, bool isSilent)
    {
        if (!isSilent)
        {
            _mode.Enqueue(handle);
        }
        else if (_internalSlabs.Header(handle).State == EntryState.Dead)
        {
            _mode.Forget(handle);
            _internal.Release(handle);
        }
    }

    private void Merge(Instant now, SnapshotPurpose purpose, in PackedFlow flow)
    {
        if (!IsWanted(in flow, isDestroy: false)) return;

        uint handle = _internal.Merge(in flow, now.Seconds, out bool differs);
        if (handle == 0)
        {
            ReportFull();
        }
        else if (differs && purpose == SnapshotPurpose.Repair)
        {
            _differences++;
            _mode.Enqueue(handle);
        }
    }

    private void Sweep()
    {
        ulong cursor = _sweep!.Value;
        int steps = SweepStep;
        bool isEnd = false;
        while (steps > 0 && !isEnd)
        {
            uint gone = _internal.Sweep(ref cursor, ref steps, out isEnd);
            if (gone == 0) continue;
            _differences++;
            _mode.Enqueue(gone);
        }

        _sweep = isEnd ? null : cursor;
        if (isEnd) EndDump(SnapshotPurpose.Repair);
    }

    private void EndDump(SnapshotPurpose purpose)
    {
        int ticket = _kernel.EndDump();
        if (purpose == SnapshotPurpose.Repair) Notify(SyncNoticeKind.RepairDone, _differences);
        else if (purpose == SnapshotPurpose.Resync) Notify(SyncNoticeKind.KernelResyncDone, ticket: ticket);
    }

    private void OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        ref SyncStats stats = ref _stats.Value;
        if (header.Version != PeerHeader.CurrentVersion)
        {
            stats.WrongVersion++;
            return;
        }

        switch (_mode.OnMessage(now, from, in header, message))
        {
            case Verdict.Bad:
                stats.MalformedHeader++;
                break;
            case Verdict.Resync:
                Notify(SyncNoticeKind.ResyncRequestedByPeer);
                SendBulk();
                break;
            case Verdict.Data:
                Apply(now, header.Type, message[PeerHeader.Size..]);
                break;
        }

        if (_mode.TakeUnrepairable()) SendBulk();
    }

    private void Apply(Instant now, PeerMessageType type, ReadOnlySpan<byte> body)
    {
        bool isFlow = type <= PeerMessageType.FlowDelete;
        bool isValid = isFlow
            ? FlowMessage.TryRead(body, Options, ref _received)
            : ExpectationMessage.IsWellFormed(body);
        if (!isValid)
        {
            _stats.Value.MalformedPayload++;
            return;
        }

        // Expectations are not kept: their sequence number counts, their content does not.
        if (!isFlow) return;

        _external.Apply(type, in _received, now.Seconds);
        if (_external.TakeFullReport()) Notify(SyncNoticeKind.ExternalCacheFull, Options.CacheLimit);
    }

    private SyncReply StartCommit(Instant now, int ticket)
    {
        if (_commit.IsRunning)
        {
            Notify(SyncNoticeKind.CommitBusy);
            return SyncReply.Refused;
        }

        _purgeAt = Instant.Never;
        Notify(SyncNoticeKind.CommitStarted);
        _commit.Start(now, ticket);
        return SyncReply.Pending;
    }

    private SyncReply FlushCaches(SyncCommand command)
    {
        if (_commit.IsRunning && command != SyncCommand.FlushInternalCache)
        {
            Notify(SyncNoticeKind.FlushRefused);
            return SyncReply.Refused;
        }

        Notify(command switch
        {
            SyncCommand.FlushCaches => SyncNoticeKind.FlushingCaches,
            SyncCommand.FlushInternalCache => SyncNoticeKind.FlushingInternal,
            _ => SyncNoticeKind.FlushingExternal,
        });
        if (command != SyncCommand.FlushInternalCache) _external.Clear();
        if (command == SyncCommand.FlushExternalCache) return SyncReply.Done;
        _purgeAt = Instant.Never;
        ClearInternal();
        return SyncReply.Done;
    }

    private void ClearInternal()
    {
        _mode.ForgetAll();
        _internal.Clear();
        _bulk = null;
        if (_sweep is not null) _sweep = 0;
    }

    private SyncReply FlushKernel(int ticket)
    {
        _stats.Value.KernelFlushes++;
        return _kernel.AddFlush(ticket) ? SyncReply.Pending : SyncReply.Refused;
    }

    private void RequestResync()
    {
        Notify(SyncNoticeKind.ResyncRequested);
        _mode.RequestResync();
    }

    private void SchedulePurge(Instant now)
    {
        if (_purgeAt != Instant.Never) return;
        _purgeAt = now.PlusSeconds(Options.PurgeSeconds);
        Notify(SyncNoticeKind.PurgeScheduled, Options.PurgeSeconds);
    }

    // One that is wanted while another is under way follows it: what has changed since its start may have passed.
    private void SendBulk()
    {
        Notify(SyncNoticeKind.SendingBulk);
        if (_bulk is null) _bulk = 0;
        else _isBulkWantedAgain = true;
    }

    private void FeedBulk()
    {
        if (_bulk is not { } cursor) return;
        for (int step = 0; step < BulkStep && _mode.HasRoomForBulk; step++)
        {
            uint handle = _internalStore.Next(ref cursor);
            if (handle == 0)
            {
                _bulk = _isBulkWantedAgain ? 0 : null;
                _isBulkWantedAgain = false;
                return;
            }

            _mode.Enqueue(handle);
        }

        _bulk = cursor;
    }

    private void ReportFull()
    {
        if (_internal.TakeFullReport()) Notify(SyncNoticeKind.InternalCacheFull, Options.CacheLimit);
    }

    private void ReportFailure(CommitFailure failure)
    {
        var notice = new SyncNotice
        {
            Kind = failure.IsDelete ? SyncNoticeKind.CommitDeleteFailed : SyncNoticeKind.CommitCreateFailed,
            Value = failure.Errno,
            Ticket = _commit.Ticket,
        };
        if (_externalStore[failure.Handle].Header.State != EntryState.Free)
            _externalStore.Read(failure.Handle, ref notice.Flow);
        _notices.Enqueue(notice);
    }

    private void Notify(SyncNoticeKind kind, long value = 0, int ticket = 0)
    {
        SyncNotice notice = default;
        Fill(ref notice, kind, value);
        notice.Ticket = ticket;
        _notices.Enqueue(notice);
    }

    private static bool Fill(ref SyncNotice notice, SyncNoticeKind kind, long value)
    {
        notice.Kind = kind;
        notice.Value = value;
        notice.Ticket = 0;
        return true;
    }
}

/// <summary>An element that waits for an acknowledgement.</summary>
/// <param name="Sequence">The number it was sent under.</param>
/// <param name="IsControl">A control message rather than a flow.</param>
/// <param name="Flags">The flags of a control message.</param>
public readonly record struct ResendQueueElement(Seq Sequence, bool IsControl, byte Flags);
