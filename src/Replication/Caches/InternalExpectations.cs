using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication.Caches;

/// <summary>
/// The expectations that this firewall's kernel holds. Entries that ended stay, dead, while a queue holds them.
/// </summary>
internal sealed class InternalExpectations(EntrySlabs slabs, ExpectationStore store, SyncOptions options)
{
    private readonly FullEpisode _full = new(options);
    private CacheStats _stats;
    private byte _snapshot;
    private bool _isInSnapshot;

    // Dead records wait for an acknowledgement beside the living.
    private long RecordLimit => (long)options.CacheLimit + options.ResendQueueSize;

    public ref readonly CacheStats Stats
    {
        get
        {
            _stats.Objects = store.Records;
            _stats.Total = (uint)store.Count;
            return ref _stats;
        }
    }

    /// <summary>Living entries.</summary>
    public uint Active => _stats.Active;

    /// <summary>Whether a refusal should be reported: once until there is room again.</summary>
    public bool TakeFullReport() => _full.Take();

    /// <summary>Applies a kernel event.</summary>
    /// <returns>The entry whose state should be sent; 0 when there is nothing to tell.</returns>
    public uint Apply(FlowChange change, in PackedExpectation expectation, uint nowSeconds)
    {
        if (change != FlowChange.Destroy) return Add(store.Find(in expectation), in expectation, nowSeconds);
        uint handle = store.FindInAnyZone(in expectation);
        return IsAlive(handle) ? Kill(handle) : Remember(handle, in expectation, nowSeconds);
    }

    /// <summary>Begins a dump.</summary>
    public void BeginSnapshot()
    {
        _snapshot = _snapshot == byte.MaxValue ? (byte)1 : (byte)(_snapshot + 1);
        _isInSnapshot = true;
    }

    /// <summary>Merges an entry of a dump, unless an event spoke of it since the dump began: that is newer.</summary>
    /// <param name="expectation">The entry.</param>
    /// <param name="nowSeconds">The clock.</param>
    /// <param name="differs">Whether the cache held something else, timeouts aside.</param>
    /// <returns>The entry, 0 if the cache is full.</returns>
    public uint Merge(in PackedExpectation expectation, uint nowSeconds, out bool differs)
    {
        uint handle = store.Find(in expectation);
        differs = false;
        if (handle != 0 && slabs.Header(handle).Snapshot == _snapshot) return handle;
        if (!IsAlive(handle))
        {
            differs = true;
            return Add(handle, in expectation, nowSeconds);
        }

        differs = store.Merge(handle, in expectation, nowSeconds);
        ref EntryHeader header = ref slabs.Header(handle);
        header.State = EntryState.Alive;
        header.Snapshot = _snapshot;
        _stats.Updated++;
        return handle;
    }

    /// <summary>Ends a dump and forgets the ends of expectations that were remembered for it.</summary>
    /// <param name="kills">Whether what the dump did not bring is gone.</param>
    /// <param name="gone">Takes the entries that died.</param>
    public void EndSnapshot(bool kills, List<uint> gone)
    {
        _isInSnapshot = false;
        ulong cursor = 0;
        while (store.Next(ref cursor) is var handle and not 0)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            if (header.State == EntryState.Dead)
            {
                if (header.Queue == QueueId.None) store.Remove(handle);
            }
            else if (kills && header.Snapshot != _snapshot)
            {
                gone.Add(Kill(handle));
            }
        }
    }

    /// <summary>The flow is gone, and its expectations with it.</summary>
    /// <param name="master">The original tuple of the flow.</param>
    /// <param name="gone">Takes the entries that died.</param>
    public void KillOf(in FlowTuple master, List<uint> gone)
    {
        if (_stats.Active == 0) return;
        ulong cursor = 0;
        while (store.Next(ref cursor) is var handle and not 0)
        {
            if (IsAlive(handle) && IsMaster(in store[handle].Expectation.Master, in master)) gone.Add(Kill(handle));
        }
    }

    /// <summary>
    /// Gives back a dead entry that no queue holds any more; during a dump it is kept until the end of that.
    /// </summary>
    public void Release(uint handle)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        if (header.State != EntryState.Dead) return;
        if (!_isInSnapshot || header.Snapshot != _snapshot) store.Remove(handle);
    }

    /// <summary>Forgets everything; the caller has emptied the queues.</summary>
    public void Clear()
    {
        _stats.Destroyed += _stats.Active;
        _stats.Active = 0;
        store.Clear();
        _full.Reset();
    }

    private static bool IsMaster(in FlowTuple known, in FlowTuple flow) =>
        known.Protocol == flow.Protocol && known.Family == flow.Family
        && known.Source == flow.Source && known.Destination == flow.Destination
        && FlowKey.PortWords(in known) == FlowKey.PortWords(in flow);

    private bool IsAlive(uint handle) => handle != 0 && slabs.Header(handle).State != EntryState.Dead;

    private uint Kill(uint handle)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        header.State = EntryState.Dead;
        header.Snapshot = _snapshot;
        _stats.Active--;
        _stats.Destroyed++;
        _full.HasRoom(_stats.Active);
        return handle;
    }

    // A dump that began before the expectation ended may still bring it.
    private uint Remember(uint handle, in PackedExpectation expectation, uint nowSeconds)
    {
        if (!_isInSnapshot) return 0;
        if (handle == 0)
        {
            if (store.Records >= (long)options.CacheLimit + options.ResendQueueSize) return 0;
            handle = store.Add(in expectation, EntryState.Dead, nowSeconds);
        }

        slabs.Header(handle).Snapshot = _snapshot;
        return 0;
    }

    private uint Add(uint existing, in PackedExpectation expectation, uint nowSeconds)
    {
        bool isAlive = IsAlive(existing);
        bool isFull = _stats.Active >= options.CacheLimit || (existing == 0 && store.Records >= RecordLimit);
        if (isFull && !isAlive)
        {
            _stats.CreateFailed++;
            _full.Refused();
            return 0;
        }

        if (existing != 0)
        {
            store.Replace(existing, in expectation, EntryState.New, nowSeconds);
            slabs.Header(existing).Flags |= EntryFlags.Anew;
        }
        else
        {
            existing = store.Add(in expectation, EntryState.New, nowSeconds);
        }

        if (isAlive) _stats.Destroyed++;
        else _stats.Active++;
        _stats.Created++;
        slabs.Header(existing).Snapshot = _snapshot;
        return existing;
    }
}
