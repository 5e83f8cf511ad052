using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>
/// What the peers told us. It survives their restart, ours it does not, and a commit leaves it as it is.
/// </summary>
internal sealed class ExternalCache(FlowStore store, SyncOptions options)
{
    private readonly FullEpisode _full = new(options.CacheLimit);
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

    /// <summary>
    /// Applies a peer's message. New for known, update for unknown and delete for unknown are all in order.
    /// </summary>
    public void Apply(PeerMessageType type, in PackedFlow flow, uint nowSeconds)
    {
        var key = new FlowKey(in flow);
        uint handle = store.Find(in key);
        if (type == PeerMessageType.FlowDelete)
        {
            if (handle == 0) return;
            store.Remove(handle);
            _stats.Destroyed++;
            _full.HasRoom(store.Count);
        }
        else if (handle == 0)
        {
            Add(in key, in flow, nowSeconds);
        }
        else if (type == PeerMessageType.FlowUpdate)
        {
            store.Merge(handle, in flow, nowSeconds);
            _stats.Updated++;
        }
        else
        {
            store.Replace(handle, in flow, EntryState.Alive, nowSeconds);
            _stats.Destroyed++;
            _stats.Created++;
        }
    }

    public void Clear()
    {
        _stats.Destroyed += (uint)store.Count;
        store.Clear();
        _full.Reset();
    }

    private void Add(in FlowKey key, in PackedFlow flow, uint nowSeconds)
    {
        if (store.Count >= options.CacheLimit)
        {
            _stats.CreateFailed++;
            _full.Refused();
            return;
        }

        store.Add(in key, in flow, EntryState.Alive, nowSeconds);
        _stats.Created++;
    }
}
