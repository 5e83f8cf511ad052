using TwinTrack.Replication.Store;

namespace TwinTrack.Replication.Caches;

/// <summary>The external expectations on their way into the kernel; their masters are there already.</summary>
/// <remarks>
/// As with flows, what is in the way is deleted and the expectation created once more:
/// <code>
/// create -> ok                    committed
///        -> EEXIST -> delete -> create -> ok      committed
///                                      -> error   failed
///        -> error                                 failed
/// </code>
/// Requests are answered in their order, so delete and second create leave together.
/// </remarks>
internal sealed class ExpectationCommit(ExpectationStore external, SyncOptions options)
{
    /// <summary>The bit of a request's token that tells it from one of a flow.</summary>
    public const uint TokenBit = 1u << 30;

    private const int MostInFlight = 256;
    private const int NoEntry = 2;           // ENOENT
    private const int Exists = 17;           // EEXIST

    private readonly InFlight[] _inFlight = new InFlight[MostInFlight];
    private readonly Stack<int> _free = new(MostInFlight);
    private readonly Queue<uint> _conflicts = new();
    private ulong _cursor;
    private bool _isRead;
    private uint _deleted;         // its second create is the next request
    private int _unanswered;
    private Instant _started;
    private long _committed;
    private long _failed;

    private enum Step : byte
    {
        Create,
        Delete,
        SecondCreate,
    }

    private record struct InFlight(uint Handle, Step Step);

    public bool IsRunning { get; private set; }

    public int Ticket { get; private set; }

    public void Start(Instant now, int ticket)
    {
        IsRunning = true;
        Ticket = ticket;
        _started = now;
        _cursor = 0;
        _isRead = false;
        _committed = 0;
        _failed = 0;
        _deleted = 0;
        _unanswered = 0;
        _conflicts.Clear();
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

        if (_isRead) return false;
        uint handle = external.Next(ref _cursor);
        _isRead = handle == 0;
        return !_isRead && Fill(now, handle, Step.Create, ref request);
    }

    /// <summary>Takes the answer to a request.</summary>
    /// <returns>A failure to report, or null.</returns>
    public CommitFailure? Answer(uint token, int errno)
    {
        int place = (int)(token & ~TokenBit);
        InFlight item = _inFlight[place];
        _free.Push(place);
        _unanswered--;
        if (item.Step == Step.Delete)
            return errno is 0 or NoEntry ? null : new CommitFailure(item.Handle, errno, IsDelete: true);

        if (errno == Exists && item.Step == Step.Create)
        {
            _conflicts.Enqueue(item.Handle);
            return null;
        }

        if (errno == 0)
        {
            _committed++;
            return null;
        }

        _failed++;
        return new CommitFailure(item.Handle, errno, IsDelete: false);
    }

    /// <summary>Whether the commit just came to its end.</summary>
    public bool TakeEnd(Instant now, ref SyncNotice notice)
    {
        if (!IsRunning || !_isRead || _unanswered > 0 || _conflicts.Count > 0 || _deleted != 0) return false;

        IsRunning = false;
        notice.Kind = SyncNoticeKind.ExpectationCommitDone;
        notice.Ticket = Ticket;
        notice.Value = _committed;
        notice.Value2 = _failed;
        notice.Microseconds = now.Microseconds - _started.Microseconds;
        return true;
    }

    private bool IsThere(uint handle) => external[handle].Header.State != EntryState.Free;

    private bool Fill(Instant now, uint handle, Step step, ref KernelRequest request)
    {
        int place = _free.Pop();
        _inFlight[place] = new InFlight(handle, step);
        _unanswered++;
        request.Kind = step == Step.Delete
            ? KernelRequestKind.DeleteExpectation
            : KernelRequestKind.CreateExpectation;
        request.Origin = EventOrigin.Commit;
        request.Token = (uint)place | TokenBit;
        external.Read(handle, ref request.Expectation);
        KernelExpectation.Complete(ref request.Expectation, options, now.Seconds - external[handle].UpdatedAt);
        return true;
    }
}
