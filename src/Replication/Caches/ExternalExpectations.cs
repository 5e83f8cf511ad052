using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>The expectations that the peers told us of. A commit leaves them as they are.</summary>
/// <remarks>
/// In mode ALARM what the peers do not repeat expires: entries queue in the order they were told of. Unlike flows,
/// expectations have no owner: one that two nodes hold after a take-over goes with the first end that is told. It is
/// good for one connection, and where that has come it must not open the way for another.
/// </remarks>
internal sealed class ExternalExpectations(EntrySlabs slabs, ExpectationStore store, SyncOptions options)
{
    private const int MostExpiredAtOnce = 1024;

    private readonly FullEpisode _full = new(options);
    private readonly EntryQueue? _byAge =
        options.Mode == SyncModeKind.Alarm ? new EntryQueue(slabs, QueueId.Transmit) : null;
    private CacheStats _stats;

    public ref readonly CacheStats Stats
    {
        get
        {
            _stats.Active = _stats.Total = (uint)store.Count;
            _stats.Objects = store.Records;
            return ref _stats;
        }
    }

    public bool TakeFullReport() => _full.Take();

    /// <summary>When the next entry expires.</summary>
    public Instant NextExpiry => _byAge is { Head: not 0 and var oldest }
        ? default(Instant).PlusSeconds((long)store[oldest].UpdatedAt + options.CacheTimeoutSeconds)
        : Instant.Never;

    /// <summary>Drops entries that were not repeated in time; the next deadline goes on where this stops.</summary>
    public void Expire(Instant now)
    {
        for (int count = 0; count < MostExpiredAtOnce && NextExpiry <= now; count++) Remove(_byAge!.Head);
    }

    /// <summary>
    /// Applies a peer's message. New for known, update for unknown and delete for unknown are all in order.
    /// </summary>
    public void Apply(PeerMessageType type, in PackedExpectation expectation, uint nowSeconds)
    {
        uint handle = store.Find(in expectation);
        if (type == PeerMessageType.ExpectationDelete)
        {
            if (handle != 0) Remove(handle);
            return;
        }

        if (handle == 0)
        {
            handle = Add(in expectation, nowSeconds);
        }
        else if (type == PeerMessageType.ExpectationUpdate)
        {
            store.Merge(handle, in expectation, nowSeconds);
            _stats.Updated++;
        }
        else
        {
            store.Replace(handle, in expectation, EntryState.Alive, nowSeconds);
            _stats.Destroyed++;
            _stats.Created++;
        }

        if (handle != 0) PutLast(handle);
    }

    public void Clear()
    {
        _stats.Destroyed += (uint)store.Count;
        store.Clear();
        _byAge?.Clear();
        _full.Reset();
    }

    private void Remove(uint handle)
    {
        _byAge?.Remove(handle);
        store.Remove(handle);
        _stats.Destroyed++;
        _full.HasRoom(store.Count);
    }

    private void PutLast(uint handle)
    {
        if (_byAge is null) return;
        if (store[handle].Header.Queue != QueueId.None) _byAge.Remove(handle);
        _byAge.Append(handle);
    }

    private uint Add(in PackedExpectation expectation, uint nowSeconds)
    {
        if (store.Count >= options.CacheLimit)
        {
            _stats.CreateFailed++;
            _full.Refused();
            return 0;
        }

        _stats.Created++;
        return store.Add(in expectation, EntryState.Alive, nowSeconds);
    }
}
