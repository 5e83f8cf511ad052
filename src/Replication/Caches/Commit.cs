using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication.Caches;

/// <summary>
/// The external cache on its way into the kernel: flows without a master first, then the related ones, and those again
/// whose master is related itself and came after them.
/// </summary>
/// <remarks>
/// Each flow is created exclusively. One that is in the way is deleted and the flow created once more:
/// <code>
/// create -> ok                    committed
///        -> EEXIST -> delete -> ok, ENOENT -> create -> ok      committed
///                                                    -> error   failed
///                            -> error                           failed
///        -> EOPNOTSUPP, and it has a helper -> create without    committed, or failed
///        -> error                                               failed
/// </code>
/// A kernel without the helper refuses the flow; without inspection it lives on.
/// Requests are answered in their order, so delete and second create leave together.
/// </remarks>
internal sealed class Commit(FlowStore external, ExternalCache cache, SyncOptions options)
{
    private const int MostInFlight = 2048;
    private const int MostScannedAtOnce = 8192;
    private const int Large = 10_000;
    private const int NoEntry = 2;           // ENOENT
    private const int Exists = 17;           // EEXIST
    private const int NotSupported = 95;     // EOPNOTSUPP

    private readonly InFlight[] _inFlight = new InFlight[MostInFlight];
    private readonly Stack<int> _free = new(MostInFlight);
    private readonly Queue<uint> _conflicts = new();
    private readonly Queue<uint> _helpless = new();    // the kernel lacks their helper
    private readonly Queue<uint> _orphans = new();     // their masters were not there
    private int _orphansOfRound;
    private bool _isLastRound;
    private long _committedBefore;
    private ulong _cursor;
    private bool _isSecondPass;
    private bool _isPassRead;
    private bool _hasRelated;      // the second pass has something to find
    private uint _ahead;           // the next flow of the pass, 0 if it was not looked for
    private uint _deleted;         // its second create is the next request
    private uint _undeletable;     // its second create will be answered next: already counted as failed
    private int _unanswered;
    private Instant _started;
    private long _committed;
    private long _failed;
    private long _over;

    private enum Step : byte
    {
        Create,
        Delete,
        SecondCreate,
        CreateWithoutHelper,
    }

    private record struct InFlight(uint Handle, Step Step);

    public bool IsRunning { get; private set; }

    /// <summary>Whether <see cref="Scan"/> has not come to the next flow yet.</summary>
    public bool IsScanning { get; private set; }

    /// <summary>
    /// Whether it is under way with so many flows that hearing of each from the kernel would take longer than to
    /// compare the table once.
    /// </summary>
    public bool IsLarge { get; private set; }

    /// <summary>The flow that the last answer was about, if the kernel has taken it; else 0.</summary>
    public uint Taken { get; private set; }

    public int Ticket { get; private set; }

    public void Start(Instant now, int ticket)
    {
        IsRunning = true;
        IsLarge = external.Count >= Large;
        Ticket = ticket;
        _started = now;
        _cursor = 0;
        _isSecondPass = false;
        _isPassRead = false;
        _hasRelated = false;
        _ahead = 0;
        IsScanning = false;
        _committed = 0;
        _failed = 0;
        _over = 0;
        _deleted = 0;
        _undeletable = 0;
        _unanswered = 0;
        _conflicts.Clear();
        _helpless.Clear();
        _orphans.Clear();
        _orphansOfRound = 0;
        _isLastRound = false;
        _free.Clear();
        for (int token = MostInFlight - 1; token >= 0; token--) _free.Push(token);
    }

    /// <summary>The next request, unless too many are unanswered or all that is left depends on answers.</summary>
    public bool Poll(Instant now, ref KernelRequest request)
    {
        if (!IsRunning || _free.Count == 0) return false;

        if (_deleted != 0)
        {
            uint again = _deleted;
            _deleted = 0;
            if (IsThere(again)) return Fill(now, again, Step.SecondCreate, ref request);
        }

        while (_conflicts.TryDequeue(out uint conflict))
        {
            if (!IsThere(conflict)) continue;
            _deleted = conflict;
            return Fill(now, conflict, Step.Delete, ref request);
        }

        while (_helpless.TryDequeue(out uint helpless))
        {
            if (IsThere(helpless)) return Fill(now, helpless, Step.CreateWithoutHelper, ref request);
        }

        return NextOfPass(now) is var handle and not 0 && Fill(now, handle, Step.Create, ref request);
    }

    /// <summary>Looks for the next flow of the pass; the next deadline goes on where this stops.</summary>
    /// <remarks>Among a million flows that are not wanted, one that is may be milliseconds away.</remarks>
    public void Scan(Instant now)
    {
        IsScanning = false;
        int steps = MostScannedAtOnce;
        while (steps > 0)
        {
            uint handle = external.Next(ref _cursor, ref steps);
            if (handle == 0)
            {
                _isPassRead = steps > 0;
                break;
            }

            bool isRelated = KernelFlow.IsRelated(external[handle].Fields);
            _hasRelated |= isRelated;
            if (isRelated != _isSecondPass) continue;
            if (!IsOver(now, handle))
            {
                _ahead = handle;
                return;
            }

            _over++;
        }

        IsScanning = !_isPassRead;
    }

    /// <summary>Takes the answer to a request.</summary>
    /// <returns>A failure to report, or null.</returns>
    public CommitFailure? Answer(uint token, int errno)
    {
        InFlight item = _inFlight[token];
        Taken = 0;
        _free.Push((int)token);
        _unanswered--;
        if (item.Step == Step.Delete)
        {
            if (errno is 0 or NoEntry) return null;
            _undeletable = item.Handle;
            _failed++;
            return new CommitFailure(item.Handle, errno, IsDelete: true);
        }

        if (errno == Exists && item.Step == Step.Create)
        {
            _conflicts.Enqueue(item.Handle);
            return null;
        }

        bool isCounted = item.Step == Step.SecondCreate && item.Handle == _undeletable;
        if (item.Step == Step.SecondCreate) _undeletable = 0;
        if (isCounted) return null;
        if (errno == 0)
        {
            _committed++;
            Taken = item.Handle;
            return null;
        }

        bool isHelpless = errno == NotSupported && item.Step != Step.CreateWithoutHelper;
        if (isHelpless && IsThere(item.Handle) && external[item.Handle].Helper != 0)
        {
            _helpless.Enqueue(item.Handle);
            return null;
        }

        if (errno == NoEntry && _isSecondPass && !_isLastRound)
        {
            _orphans.Enqueue(item.Handle);
            return null;
        }

        _failed++;
        return new CommitFailure(item.Handle, errno, IsDelete: false);
    }

    /// <summary>Whether the commit just came to its end.</summary>
    public bool TakeEnd(Instant now, ref SyncNotice notice)
    {
        if (!IsRunning || !_isSecondPass || !_isPassRead || IsBusy || _orphans.Count > 0) return false;

        IsRunning = false;
        IsLarge = false;
        notice.Kind = SyncNoticeKind.CommitDone;
        notice.Ticket = Ticket;
        notice.Value = _committed;
        notice.Value2 = _failed;
        notice.Value3 = _over;
        notice.Microseconds = now.Microseconds - _started.Microseconds;
        return true;
    }

    private bool IsBusy => _unanswered > 0 || _conflicts.Count > 0 || _helpless.Count > 0 || _deleted != 0;

    private bool IsThere(uint handle) => external[handle].Header.State != EntryState.Free;

    private bool IsOver(Instant now, uint handle)
    {
        ref FlowRecord record = ref external[handle];
        return options.CommitTimeoutSeconds is null
            && KernelFlow.IsOver(record.Fields, record.Timeout, cache.SilenceOf(handle, now.Seconds));
    }

    private uint NextOfPass(Instant now)
    {
        while (true)
        {
            if (_ahead != 0)
            {
                uint handle = _ahead;
                _ahead = 0;
                if (IsThere(handle)) return handle;
            }

            if (IsScanning) return 0;
            if (_isPassRead)
            {
                if (_isSecondPass) return NextOrphan();

                // The masters must be in the kernel before the first of their children.
                if (IsBusy) return 0;
                _isSecondPass = true;
                _isPassRead = !_hasRelated;
                _cursor = 0;
                _committedBefore = _committed;
            }
            else
            {
                Scan(now);
            }
        }
    }

    // Round after round, for as long as the one before brought a flow that may be somebody's master.
    private uint NextOrphan()
    {
        if (_orphansOfRound == 0)
        {
            if (IsBusy || _orphans.Count == 0) return 0;
            _isLastRound = _committed == _committedBefore;
            _committedBefore = _committed;
            _orphansOfRound = _orphans.Count;
        }

        while (_orphansOfRound > 0)
        {
            _orphansOfRound--;
            uint handle = _orphans.Dequeue();
            if (IsThere(handle)) return handle;
        }

        return 0;
    }

    private bool Fill(Instant now, uint handle, Step step, ref KernelRequest request)
    {
        int token = _free.Pop();
        _inFlight[token] = new InFlight(handle, step);
        _unanswered++;
        request.Kind = step == Step.Delete ? KernelRequestKind.Delete : KernelRequestKind.Create;
        request.Origin = EventOrigin.Commit;
        request.Token = (uint)token;
        external.Read(handle, ref request.Flow);
        if (step == Step.CreateWithoutHelper) request.Flow.Fields &= ~FlowFields.Helper;
        KernelFlow.Complete(ref request.Flow, options, cache.SilenceOf(handle, now.Seconds));
        return true;
    }
}

/// <summary>A flow that could not be committed.</summary>
/// <param name="Handle">The external entry.</param>
/// <param name="Errno">The kernel's reason.</param>
/// <param name="IsDelete">Whether the one in its way could not be deleted.</param>
internal readonly record struct CommitFailure(uint Handle, int Errno, bool IsDelete);
