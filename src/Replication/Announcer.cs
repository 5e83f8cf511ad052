using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication;

/// <summary>
/// Decides when peers hear of a flow for the first time: at once while few begin; else after the announce delay, and
/// not at all of a TCP connection that is over by then.
/// </summary>
/// <remarks>
/// <code>
///  begins ──few──────────────────────────────────────────► announced: every change is sent
///         ──many──► young ──delay over──► lasts ──────────────►┘   ▲
///                     │ ended                ├─ half closed ──1 s──┤  (and is so still)
///                     ▼                      └─ over ──► not announced, and neither is its end
///                  forgotten
/// </code>
/// A flow that waits is in a queue of its own through the links that all queues use, and notes when it is due where
/// an announced one has its sequence number: waiting costs no memory.
/// </remarks>
internal sealed class Announcer(
    EntrySlabs slabs, FlowStore flows, InternalCache cache, SyncMode mode, SyncOptions options)
{
    private const long WindowMicroseconds = 100_000;
    private const uint HalfClosedMilliseconds = 1000;
    private const int MostAtOnce = 4096;

    private readonly EntryQueue _young = new(slabs, QueueId.Young);
    private readonly EntryQueue _halfClosed = new(slabs, QueueId.HalfClosed);
    private readonly bool _isOff = options.AnnounceDelayMilliseconds == 0 || options.Mode == SyncModeKind.Statistics;

    // Those that become due in one such step are looked at together.
    private readonly uint _stepMilliseconds = Math.Max(options.AnnounceDelayMilliseconds / 8, 1);
    private Instant _now;
    private Instant _windowBegan;
    private int _begun;              // flows of this window
    private int _begunBefore;        // flows of the window before

    /// <summary>When the next flow is to be looked at.</summary>
    public Instant NextDeadline => Instant.Earlier(DueOf(_young.Head), DueOf(_halfClosed.Head));

    /// <summary>Flows that wait for their announcement.</summary>
    public int Waiting => _young.Count + _halfClosed.Count;

    /// <summary>Traffic has begun a flow.</summary>
    public void OnBegin(Instant now, uint handle)
    {
        if (!_isOff)
        {
            // In the place of another that the peers may hold, it has to correct them.
            ref FlowRecord record = ref flows[handle];
            if ((record.Header.Flags & EntryFlags.Anew) == 0) record.Marks = FlowMarks.Unannounced;
            Turn(now);
            _begun++;
        }

        OnChange(now, handle);
    }

    /// <summary>Traffic has changed or ended a flow.</summary>
    public void OnChange(Instant now, uint handle)
    {
        ref FlowRecord record = ref flows[handle];
        if (record.Marks != FlowMarks.Unannounced || record.Header.Queue == QueueId.Transmit) mode.Enqueue(handle);
        else if (record.Header.State == EntryState.Dead) Drop(handle);
        else if (record.Header.Queue != QueueId.None) return;
        else if (!IsBusy(now)) Tell(handle);
        else if (!IsOver(in record)) Begin(now, handle);
    }

    /// <summary>Has an entry told to the peers whatever its age; one that has ended unannounced is dropped.</summary>
    public void Tell(uint handle)
    {
        if (EntrySlabs.IsExpectation(handle))
        {
            mode.Enqueue(handle);
            return;
        }

        ref FlowRecord record = ref flows[handle];
        if (record.Header.Queue == QueueId.Transmit) return;
        if (record.Marks == FlowMarks.Unannounced && record.Header.State == EntryState.Dead)
        {
            Drop(handle);
            return;
        }

        StopWaiting(handle);
        TellMaster(in record);
        mode.Enqueue(handle);
    }

    /// <summary>Whether everything that is sent includes the flow.</summary>
    public bool IsAnnounceable(uint handle)
    {
        if (EntrySlabs.IsExpectation(handle)) return true;
        ref FlowRecord record = ref flows[handle];
        return record.Marks != FlowMarks.Unannounced || !IsOver(in record);
    }

    /// <summary>Has a flow told if it has not been yet: something that is told needs it.</summary>
    public void TellFirst(uint master)
    {
        if (flows[master].Marks == FlowMarks.Unannounced) Tell(master);
    }

    /// <summary>Takes a flow out of its queue, so that its state is not sent.</summary>
    public void Forget(uint handle)
    {
        StopWaiting(handle);
        mode.Forget(handle);
    }

    /// <summary>Takes all entries out of the queues.</summary>
    public void ForgetAll()
    {
        _young.RemoveEntries();
        _halfClosed.RemoveEntries();
        mode.ForgetAll();
    }

    /// <summary>Announces what is due and worth it; the next deadline goes on where this stops.</summary>
    public void OnDeadline(Instant now)
    {
        _now = now;
        int left = MostAtOnce;
        for (; left > 0 && IsDue(_young.Head, now); left--) EndYouth(now, _young.Head);
        for (; left > 0 && IsDue(_halfClosed.Head, now); left--)
        {
            uint handle = _halfClosed.Head;
            _halfClosed.Remove(handle);
            if (!IsOver(in flows[handle])) TellAnew(handle);
        }
    }

    private void EndYouth(Instant now, uint handle)
    {
        _young.Remove(handle);
        ref FlowRecord record = ref flows[handle];
        if (IsOver(in record)) return;
        if (IsHalfClosed(in record)) Wait(_halfClosed, handle, MillisecondsOf(now) + HalfClosedMilliseconds);
        else TellAnew(handle);
    }

    // What has changed since it began is new to the peers all the same.
    private void TellAnew(uint handle)
    {
        slabs.Header(handle).State = EntryState.New;
        Tell(handle);
    }

    private void Begin(Instant now, uint handle)
    {
        uint due = MillisecondsOf(now) + options.AnnounceDelayMilliseconds;
        _now = now;
        Wait(_young, handle, due - (due % _stepMilliseconds));
    }

    private void Wait(EntryQueue queue, uint handle, uint due)
    {
        slabs.Header(handle).Sequence = due;
        queue.Append(handle);
    }

    private void StopWaiting(uint handle)
    {
        switch (slabs.Header(handle).Queue)
        {
            case QueueId.Young:
                _young.Remove(handle);
                break;
            case QueueId.HalfClosed:
                _halfClosed.Remove(handle);
                break;
        }
    }

    // Nobody has heard of it: its end is no news.
    private void Drop(uint handle)
    {
        Forget(handle);
        cache.Release(handle);
    }

    // A related flow can be committed only where its master is.
    private void TellMaster(in FlowRecord record)
    {
        if ((record.Fields & FlowFields.Master) == 0) return;
        uint master = flows.FindMaster(in record);
        if (master != 0) TellFirst(master);
    }

    private static bool IsOver(in FlowRecord record) =>
        record.Protocol == IpProtocol.Tcp && (TcpState)record.State is TcpState.LastAck or TcpState.TimeWait
            or TcpState.Close;

    // One side has said all it has to say; the other may go on for long.
    private static bool IsHalfClosed(in FlowRecord record) =>
        record.Protocol == IpProtocol.Tcp && (TcpState)record.State is TcpState.FinWait or TcpState.CloseWait;

    private bool IsBusy(Instant now)
    {
        Turn(now);
        return _begun > options.AnnounceAtOnce || _begunBefore > options.AnnounceAtOnce;
    }

    private void Turn(Instant now)
    {
        long elapsed = now.Microseconds - _windowBegan.Microseconds;
        if (elapsed < WindowMicroseconds) return;
        _begunBefore = elapsed < 2 * WindowMicroseconds ? _begun : 0;
        _begun = 0;
        _windowBegan = now;
    }

    private Instant DueOf(uint handle) => handle == 0
        ? Instant.Never
        : new Instant(((_now.Microseconds / 1000) + Left(handle, _now)) * 1000);

    private bool IsDue(uint handle, Instant now) => handle != 0 && Left(handle, now) <= 0;

    // Milliseconds; the note wraps every 49 days.
    private int Left(uint handle, Instant now) => (int)(slabs.Header(handle).Sequence - MillisecondsOf(now));

    private static uint MillisecondsOf(Instant now) => (uint)(now.Microseconds / 1000);
}
