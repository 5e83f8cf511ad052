using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>In place of the external cache: the expectations that peers tell of go straight into the kernel.</summary>
/// <remarks>
/// The record of an expectation lives until the kernel has answered; what comes for it meanwhile is done afterwards.
/// <code>
/// NEW, UPD:  create -> ok | EEXIST -> delete -> create | ENOENT, once: its master is on the way -> create
/// DEL:       delete
/// </code>
/// </remarks>
internal sealed class ExpectationInject
{
    private const int MostInFlight = 256;
    private const int NoEntry = 2;           // ENOENT
    private const int Exists = 17;           // EEXIST

    private readonly ExpectationStore _store;
    private readonly SyncOptions _options;
    private readonly InFlight[] _inFlight = new InFlight[MostInFlight];
    private readonly Stack<int> _free = new(MostInFlight);
    private readonly Queue<InFlight> _next = new();
    private InjectStats _stats;

    public ExpectationInject(ExpectationStore store, SyncOptions options)
    {
        _store = store;
        _options = options;
        for (int place = MostInFlight - 1; place >= 0; place--) _free.Push(place);
    }

    /// <summary>Requests to the kernel that ended an expectation's turn; an update counts as a creation.</summary>
    public ref readonly InjectStats Stats => ref _stats;

    private enum Step : byte
    {
        Create,
        CreateAgain,
        Delete,

        /// <summary>To make room for the one that follows.</summary>
        Clear,
    }

    private record struct InFlight(uint Handle, Step Step);

    /// <summary>Takes in a peer's message.</summary>
    public void Apply(PeerMessageType type, in PackedExpectation expectation, uint nowSeconds)
    {
        EntryState wish = type == PeerMessageType.ExpectationDelete ? EntryState.Dead : EntryState.Alive;
        uint handle = _store.Find(in expectation);
        if (handle != 0)
        {
            _store.Replace(handle, in expectation, wish, nowSeconds);
            _store[handle].Header.Flags |= EntryFlags.Changed;
        }
        else if (_store.Count < _options.CacheLimit)
        {
            handle = _store.Add(in expectation, wish, nowSeconds);
            _next.Enqueue(new InFlight(handle, FirstStep(handle)));
        }
    }

    /// <summary>The next request, unless too many are unanswered.</summary>
    public bool Poll(Instant now, ref KernelRequest request)
    {
        if (_free.Count == 0 || !_next.TryDequeue(out InFlight item)) return false;

        int place = _free.Pop();
        _inFlight[place] = item;
        if (item.Step is Step.Create or Step.Delete) _store[item.Handle].Header.Flags &= ~EntryFlags.Changed;
        request.Kind = item.Step is Step.Delete or Step.Clear
            ? KernelRequestKind.DeleteExpectation
            : KernelRequestKind.CreateExpectation;
        request.Origin = EventOrigin.Inject;
        request.Token = (uint)place | ExpectationCommit.TokenBit;
        _store.Read(item.Handle, ref request.Expectation);
        uint idle = now.Seconds - _store[item.Handle].UpdatedAt;
        KernelExpectation.Complete(ref request.Expectation, _options, idle);
        return true;
    }

    /// <summary>Takes the answer to a request.</summary>
    public void Answer(uint token, int errno)
    {
        int place = (int)(token & ~ExpectationCommit.TokenBit);
        InFlight item = _inFlight[place];
        _free.Push(place);
        Step? following = (item.Step, errno) switch
        {
            (Step.Create, Exists) => Step.Clear,
            (Step.Create, NoEntry) => Step.CreateAgain,
            (Step.Clear, _) => Step.CreateAgain,
            _ => null,
        };
        if (following is null) Count(item.Step, errno);
        if (following is { } step) _next.Enqueue(item with { Step = step });
        else if ((_store[item.Handle].Header.Flags & EntryFlags.Changed) == 0) _store.Remove(item.Handle);
        else _next.Enqueue(new InFlight(item.Handle, FirstStep(item.Handle)));
    }

    private void Count(Step step, int errno)
    {
        if (step == Step.Delete)
        {
            if (errno == 0) _stats.Destroyed++;
            else if (errno != NoEntry) _stats.DestroyFailed++;
        }
        else if (errno == 0)
        {
            _stats.Created++;
        }
        else
        {
            _stats.CreateFailed++;
        }
    }

    private Step FirstStep(uint handle) =>
        _store[handle].Header.State == EntryState.Dead ? Step.Delete : Step.Create;
}
