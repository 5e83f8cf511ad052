using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>In place of the external cache: what peers tell goes straight into the kernel.</summary>
/// <remarks>
/// A flow has one request under way at most; what comes for it meanwhile is merged and follows, so that answers never
/// overtake news. Per flow:
/// <code>
/// NEW:    create -> ok | EEXIST -> delete -> create
/// UPD:    update -> ok | ENOENT -> create | error -> delete -> create
/// DEL:    delete -> ok, ENOENT
/// </code>
/// In mode ALARM a flow that did not change is repeated as NEW, and one that is there is updated instead.
/// </remarks>
internal sealed class Inject
{
    private const int MostInFlight = 2048;
    private const int NoEntry = 2;           // ENOENT
    private const int Exists = 17;           // EEXIST
    private const long ReportSeconds = 60;

    private readonly FlowStore _store;
    private readonly SyncOptions _options;
    private readonly EntryQueue _waiting;
    private readonly InFlight[] _inFlight = new InFlight[MostInFlight];
    private readonly Stack<int> _free = new(MostInFlight);
    private readonly Queue<InFlight> _next = new();      // second and third steps
    private InjectStats _stats;
    private Instant _reportAt;
    private long _failures;              // since the last report

    public Inject(EntrySlabs slabs, FlowStore store, SyncOptions options)
    {
        _store = store;
        _options = options;
        _waiting = new EntryQueue(slabs, QueueId.Transmit);
        for (int token = MostInFlight - 1; token >= 0; token--) _free.Push(token);
    }

    private enum Step : byte
    {
        Create,
        Update,
        Delete,

        /// <summary>To make room for the flow that follows.</summary>
        Clear,
        CreateAgain,
    }

    private record struct InFlight(uint Handle, Step Step, EntryState Wish);

    public InjectStats Stats => _stats;

    /// <summary>Takes in a peer's message.</summary>
    public void Apply(PeerMessageType type, in PackedFlow flow, uint nowSeconds)
    {
        var key = new FlowKey(in flow);
        EntryState wish = type switch
        {
            PeerMessageType.FlowNew => EntryState.New,
            PeerMessageType.FlowUpdate => EntryState.Alive,
            _ => EntryState.Dead,
        };
        uint handle = _store.Find(in key);
        if (handle == 0)
        {
            if (_store.Count >= _options.CacheLimit)
            {
                _stats.CreateFailed++;
                return;
            }

            _waiting.Append(_store.Add(in key, in flow, wish, nowSeconds));
            return;
        }

        ref EntryHeader header = ref _store[handle].Header;
        bool isNew = header.State == EntryState.Dead || wish == EntryState.New;
        if (wish == EntryState.Alive && !isNew) _store.Merge(handle, in flow, nowSeconds);
        else if (wish != EntryState.Dead) _store.Replace(handle, in flow, EntryState.New, nowSeconds);
        else header.State = EntryState.Dead;
        if (header.Queue == QueueId.None) header.Flags |= EntryFlags.Changed;
    }

    /// <summary>The next request, unless too many are unanswered.</summary>
    public bool Poll(Instant now, ref KernelRequest request)
    {
        if (_free.Count == 0) return false;
        if (_next.TryDequeue(out InFlight next)) return Fill(now, next, ref request);

        uint handle = _waiting.Head;
        if (handle == 0) return false;
        _waiting.Remove(handle);
        ref EntryHeader header = ref _store[handle].Header;
        header.Flags &= ~EntryFlags.Changed;
        Step step = header.State switch
        {
            EntryState.New => Step.Create,
            EntryState.Alive => Step.Update,
            _ => Step.Delete,
        };
        return Fill(now, new InFlight(handle, step, header.State), ref request);
    }

    /// <summary>Takes the answer to a request.</summary>
    /// <returns>The failure to report: its errno and how many there were since the last report; or null.</returns>
    public InjectFailure? Answer(Instant now, uint token, int errno)
    {
        InFlight item = _inFlight[token];
        _free.Push((int)token);
        if (Following(item, errno) is { } step)
        {
            _next.Enqueue(item with { Step = step });
            return null;
        }

        bool failed = errno != 0 && !(errno == NoEntry && item.Step == Step.Delete);
        Count(item.Wish, failed, isNothing: errno == NoEntry && item.Step == Step.Delete);
        InjectFailure? report = failed ? Report(now, item.Handle, errno) : null;
        End(item.Handle);
        return report;
    }

    private Step? Following(InFlight item, int errno) => (item.Step, errno) switch
    {
        (Step.Create, Exists) when _options.Mode == SyncModeKind.Alarm && item.Wish == EntryState.New => Step.Update,
        (Step.Create, Exists) => Step.Clear,
        (Step.Update, NoEntry) => Step.CreateAgain,
        (Step.Update, not 0) => Step.Clear,
        (Step.Clear, 0 or NoEntry) => Step.CreateAgain,
        _ => null,
    };

    private void Count(EntryState wish, bool failed, bool isNothing)
    {
        switch (wish)
        {
            case EntryState.New when failed:
                _stats.CreateFailed++;
                break;
            case EntryState.New:
                _stats.Created++;
                break;
            case EntryState.Alive when failed:
                _stats.UpdateFailed++;
                break;
            case EntryState.Alive:
                _stats.Updated++;
                break;
            case EntryState.Dead when failed:
                _stats.DestroyFailed++;
                break;
            case EntryState.Dead when !isNothing:
                _stats.Destroyed++;
                break;
        }
    }

    private InjectFailure? Report(Instant now, uint handle, int errno)
    {
        _failures++;
        if (now < _reportAt) return null;
        _reportAt = now.PlusSeconds(ReportSeconds);
        long count = _failures;
        _failures = 0;
        var failure = new InjectFailure { Errno = errno, Count = count };
        _store.Read(handle, ref failure.Flow);
        return failure;
    }

    private void End(uint handle)
    {
        if ((_store[handle].Header.Flags & EntryFlags.Changed) != 0) _waiting.Append(handle);
        else _store.Remove(handle);
    }

    private bool Fill(Instant now, InFlight item, ref KernelRequest request)
    {
        int token = _free.Pop();
        _inFlight[token] = item;
        request.Kind = item.Step switch
        {
            Step.Update => KernelRequestKind.Update,
            Step.Delete or Step.Clear => KernelRequestKind.Delete,
            _ => KernelRequestKind.Create,
        };
        request.Origin = EventOrigin.Inject;
        request.Token = (uint)token;
        _store.Read(item.Handle, ref request.Flow);
        var idle = new FlowSilence(now.Seconds - _store[item.Handle].UpdatedAt, OfOwner: 0);
        if (item.Step == Step.Update) KernelFlow.CompleteUpdate(ref request.Flow, _options, idle);
        else KernelFlow.Complete(ref request.Flow, _options, idle);
        return true;
    }
}

/// <summary>A flow that the kernel did not take.</summary>
internal sealed class InjectFailure
{
    public PackedFlow Flow;

    public int Errno { get; init; }

    /// <summary>Failures since the last report, this one included.</summary>
    public long Count { get; init; }
}
