using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>
/// NOTRACK: every change is sent once. Numbers are only counted; what comes late is applied as it comes.
/// </summary>
internal sealed class NotrackMode : SyncMode
{
    private const long AliveMilliseconds = 1000;

    private readonly EntrySlabs _slabs;
    private readonly InternalEntries _entries;
    private readonly InternalBypass? _bypass;
    private readonly SequenceCounter _counter;
    private bool _isAliveQueued;
    private Instant _aliveAt;

    public NotrackMode(
        EntrySlabs slabs, InternalEntries entries, InternalBypass? bypass, TxQueue queue, StatsBox stats, Instant now)
        : base(queue)
    {
        _slabs = slabs;
        _entries = entries;
        _bypass = bypass;
        _counter = new SequenceCounter(stats);
        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
    }

    public override Instant NextDeadline => _aliveAt;

    public override void OnDeadline(Instant now)
    {
        if (now < _aliveAt) return;
        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
        if (!_isAliveQueued) _isAliveQueued = Queue.Outbox.Queue(PeerFlags.Alive);
    }

    public override Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        Verdict verdict = Digest(in header);
        _counter.Count(from, header.Sequence, isAccepted: verdict != Verdict.Bad);
        return verdict;
    }

    public override void Enqueue(uint handle)
    {
        if (_slabs.Header(handle).Queue == QueueId.None) Queue.Entries.Append(handle);
    }

    public override void Forget(uint handle)
    {
        if (_slabs.Header(handle).Queue == QueueId.Transmit) Queue.Entries.Remove(handle);
    }

    public override void ForgetAll() => Queue.Entries.RemoveEntries();

    public override void RequestResync() => Queue.Outbox.Queue(PeerFlags.Resync);

    public override int Transmit(Instant now, Span<byte> buffer, int capacity)
    {
        int used = Queue.Fill(this, buffer, capacity);
        if (_bypass is not null && Queue.Count == 0) used = _bypass.Fill(Queue, buffer, used, capacity);
        if (used > 0) _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
        return used;
    }

    internal override void OnSent(uint handle)
    {
        if (EntrySlabs.IsEntry(handle))
        {
            _slabs.Header(handle).Flags &= ~EntryFlags.Anew;
            _entries.Release(handle);
            return;
        }

        if (((PeerFlags)_slabs.Control(handle).Flags & PeerFlags.Alive) != 0) _isAliveQueued = false;
        _slabs.Free(handle);
    }

    private static Verdict Digest(in PeerHeader header)
    {
        if (header.IsData) return Verdict.Data;
        if (header.Type != PeerMessageType.Control || (header.Flags & (PeerFlags.Ack | PeerFlags.Nack)) != 0)
            return Verdict.Bad;
        if ((header.Flags & PeerFlags.Resync) != 0) return Verdict.Resync;
        return (header.Flags & PeerFlags.Alive) != 0 ? Verdict.Control : Verdict.Bad;
    }
}
