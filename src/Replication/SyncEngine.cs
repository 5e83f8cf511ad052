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
    private readonly Notices _notices = new();
    private readonly Bulk _bulk;
    private readonly Repair _repair;
    private readonly CatchUp _catchUp = new();      // of the peer
    private readonly CatchUp _ownCatchUp = new();
    private PackedFlow _received;
    private Instant _purgeAt = Instant.Never;
    private Instant _repairAt = Instant.Never;

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
        _bulk = new Bulk(_internalStore, _mode);
        _repair = new Repair(_internal, _mode);
        if (options.StartupResync) RequestResync();
    }

    /// <summary>The configuration.</summary>
    public SyncOptions Options { get; }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline
    {
        get
        {
            if (_repair.IsSweeping) return default;
            Instant catchUp = Instant.Earlier(_catchUp.DueAt, _ownCatchUp.DueAt);
            return Instant.Earlier(
                Instant.Earlier(_mode.NextDeadline, catchUp), Instant.Earlier(_purgeAt, _repairAt));
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
            stats.ResendQueue = (uint)_mode.Resend.Count;
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

        if (change == FlowChange.Destroy) _stats.AddTraffic(in flow);
        Announce(handle, isSilent: origin is EventOrigin.Commit or EventOrigin.Flush);
    }

    /// <summary>A step of a kernel dump; the flow is read only for <see cref="SnapshotStep.Entry"/>.</summary>
    public void OnSnapshot(Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedFlow flow)
    {
        switch (step)
        {
            case SnapshotStep.Begin:
                _repair.BeginDump();
                break;
            case SnapshotStep.Entry:
                Merge(now, purpose, in flow);
                break;
            default:
                if (!_repair.EndDump(purpose, isComplete: step == SnapshotStep.End)) EndDump(purpose);
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
        var reader = new PeerMessageReader(datagram);
        while (reader.MoveNext(ref _stats.Value)) OnMessage(now, from, reader.Header, reader.Message);
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
                _notices.Add(SyncNoticeKind.FlushingKernel);
                return FlushKernel(ticket);
            case SyncCommand.ResyncKernel:
                _notices.Add(SyncNoticeKind.ResyncingKernel);
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
            _notices.Add(SyncNoticeKind.KernelFlushDone, errno, ticket);
            return;
        }

        if (_commit.Answer(token, errno) is { } failure) ReportFailure(failure);
    }

    /// <summary>The deadline has passed.</summary>
    public void OnDeadline(Instant now)
    {
        _mode.OnDeadline(now);
        if (_repair.IsSweeping && _repair.Sweep()) EndDump(_repair.Purpose);
        if (now >= _repairAt)
        {
            _repairAt = Instant.Never;
            _stats.Value.KernelResyncs++;
            _notices.Add(SyncNoticeKind.RepairStarted);
            _kernel.AddDump(SnapshotPurpose.Repair, ticket: 0);
        }

        BringWhatIsLacking(now);
        if (now < _purgeAt) return;
        _purgeAt = Instant.Never;
        _notices.Add(SyncNoticeKind.PurgingKernel);
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
        _bulk.Feed();
        int length = _mode.Transmit(now, buffer, capacity);
        if (_mode.Resend.TakeLostQuestion()) _ownCatchUp.Want(now);
        return length;
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
        if (_mode.Resend.TakeOverflowReport()) _notices.Add(SyncNoticeKind.ResendQueueFull, Options.ResendQueueSize);
        return _notices.TryTake(ref notice) || _commit.TakeEnd(now, ref notice);
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
    public IReadOnlyList<ResendQueueElement> ReadResendQueue() => _mode.Resend.Read();

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
            _repair.OnDifference(handle);
        }
    }

    private void EndDump(SnapshotPurpose purpose)
    {
        int ticket = _kernel.EndDump();
        if (purpose == SnapshotPurpose.Repair) _notices.Add(SyncNoticeKind.RepairDone, _repair.Differences);
        else if (purpose == SnapshotPurpose.Resync) _notices.Add(SyncNoticeKind.KernelResyncDone, ticket: ticket);
    }

    private void OnMessage(Instant now, PeerId from, PeerHeader header, ReadOnlySpan<byte> message)
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
                _notices.Add(SyncNoticeKind.ResyncRequestedByPeer);
                SendBulk();
                break;
            case Verdict.Data:
                Apply(now, header.Type, message[PeerHeader.Size..]);
                break;
        }

        if (_mode.Resend.TakeUnrepairable()) _catchUp.Want(now);
        BringWhatIsLacking(now);
        if (_mode.TakeLostInGreeting()) RequestResync();
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
        if (_external.TakeFullReport()) _notices.Add(SyncNoticeKind.ExternalCacheFull, Options.CacheLimit);
    }

    private SyncReply StartCommit(Instant now, int ticket)
    {
        if (_commit.IsRunning)
        {
            _notices.Add(SyncNoticeKind.CommitBusy);
            return SyncReply.Refused;
        }

        _purgeAt = Instant.Never;
        _notices.Add(SyncNoticeKind.CommitStarted);
        _commit.Start(now, ticket);
        return SyncReply.Pending;
    }

    private SyncReply FlushCaches(SyncCommand command)
    {
        if (_commit.IsRunning && command != SyncCommand.FlushInternalCache)
        {
            _notices.Add(SyncNoticeKind.FlushRefused);
            return SyncReply.Refused;
        }

        _notices.Add(command switch
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
        _bulk.Stop();
        _repair.Restart();
    }

    private SyncReply FlushKernel(int ticket)
    {
        _stats.Value.KernelFlushes++;
        return _kernel.AddFlush(ticket) ? SyncReply.Pending : SyncReply.Refused;
    }

    private void RequestResync()
    {
        _notices.Add(SyncNoticeKind.ResyncRequested);
        _mode.RequestResync();
    }

    private void SchedulePurge(Instant now)
    {
        if (_purgeAt != Instant.Never) return;
        _purgeAt = now.PlusSeconds(Options.PurgeSeconds);
        _notices.Add(SyncNoticeKind.PurgeScheduled, Options.PurgeSeconds);
    }

    private void SendBulk()
    {
        _notices.Add(SyncNoticeKind.SendingBulk);
        _bulk.Start();
    }

    private void BringWhatIsLacking(Instant now)
    {
        if (_ownCatchUp.TakeDue(now)) RequestResync();
        if (!_catchUp.TakeDue(now)) return;
        _mode.Resend.ForgetGivenUp();
        SendBulk();
    }

    private void ReportFull()
    {
        if (_internal.TakeFullReport()) _notices.Add(SyncNoticeKind.InternalCacheFull, Options.CacheLimit);
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
        _notices.Add(in notice);
    }
}
