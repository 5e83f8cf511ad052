using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>
/// ALARM: every flow is sent again within the refresh time, for as long as it lives. There are no control messages.
/// </summary>
/// <remarks>
/// One walk over the cache takes the refresh time and then begins anew, a few flows at a time: a flow is repeated once
/// in each walk, whenever it changed last, and there are no bursts.
/// </remarks>
internal sealed class AlarmMode : SyncMode
{
    private const long ShortestStepMicroseconds = 10_000;
    private const long LongestStepMicroseconds = 1_000_000;

    private readonly EntrySlabs _slabs;
    private readonly FlowStore _store;
    private readonly ExpectationStore _expectations;
    private readonly InternalEntries _entries;
    private readonly StatsBox _stats;
    private readonly SyncOptions _options;
    private ulong _cursor;
    private Instant _walkedAt;
    private long _owed;              // flows to repeat, times the length of a walk in microseconds

    public AlarmMode(
        EntrySlabs slabs,
        FlowStore store,
        ExpectationStore expectations,
        InternalEntries entries,
        TxQueue queue,
        SyncOptions options,
        StatsBox stats,
        Instant now)
        : base(queue)
    {
        _slabs = slabs;
        _store = store;
        _expectations = expectations;
        _entries = entries;
        _stats = stats;
        _options = options;
        _walkedAt = now;
    }

    public override bool HasBulks => false;

    public override Instant NextDeadline => _store.Count == 0
        ? Instant.Never
        : new Instant(_walkedAt.Microseconds + StepMicroseconds);

    private long WalkMicroseconds => Math.Max(_options.RefreshSeconds, 1) * 1_000_000L;

    private long StepMicroseconds => Math.Clamp(
        WalkMicroseconds / Math.Max(_store.Count, 1), ShortestStepMicroseconds, LongestStepMicroseconds);

    public override void OnDeadline(Instant now)
    {
        if (now < NextDeadline) return;

        // After a time without flows, and after a pause of the whole machine, a walk is not caught up with.
        long elapsed = Math.Min(now.Microseconds - _walkedAt.Microseconds, 2 * LongestStepMicroseconds);
        _walkedAt = now;
        _owed += elapsed * _store.Count;
        long count = _owed / WalkMicroseconds;
        _owed %= WalkMicroseconds;
        for (; count > 0; count--)
        {
            uint handle = _store.Next(ref _cursor);
            if (handle == 0)
            {
                _cursor = 0;
                RepeatExpectations();
                handle = _store.Next(ref _cursor);
            }

            if (handle == 0) return;
            if (_slabs.Header(handle).State != EntryState.Dead) Repeat(handle);
        }
    }

    // They are few, and each has a flow: the walk over those tells when.
    private void RepeatExpectations()
    {
        ulong cursor = 0;
        while (_expectations.Next(ref cursor) is var handle and not 0)
        {
            if (_slabs.Header(handle).State != EntryState.Dead) Enqueue(handle);
        }
    }

    public override Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        _stats.Value.MessagesAccepted++;
        if (header.Flags != PeerFlags.None) return Verdict.Control;
        return header.IsData ? Verdict.Data : Verdict.Unknown;
    }

    public override void Enqueue(uint handle)
    {
        if (_slabs.Header(handle).Queue == QueueId.None) Queue.Entries.Append(handle);
    }

    // Told as new, so that the peer forgets what it may still hold of a flow before on the same tuple.
    private void Repeat(uint handle)
    {
        _slabs.Header(handle).Flags |= EntryFlags.Anew;
        Enqueue(handle);
    }

    public override void Forget(uint handle)
    {
        if (_slabs.Header(handle).Queue == QueueId.Transmit) Queue.Entries.Remove(handle);
    }

    public override void ForgetAll() => Queue.Entries.RemoveEntries();

    public override void RequestResync()
    {
        // Nobody listens to such a request in this mode, and within the refresh time everything comes by itself.
    }

    public override int Transmit(Instant now, Span<byte> buffer, int capacity) => Queue.Fill(this, buffer, capacity);

    internal override void OnSent(uint handle)
    {
        _slabs.Header(handle).Flags &= ~EntryFlags.Anew;
        _entries.Release(handle);
    }
}
