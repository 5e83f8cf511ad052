using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication.Caches;

/// <summary>What this firewall's kernel holds. Entries that ended stay, dead, while a queue holds them.</summary>
internal sealed class InternalCache(EntrySlabs slabs, FlowStore store, SyncOptions options)
{
    private readonly FullEpisode _full = new(options.CacheLimit);
    private readonly long _recordLimit = (long)options.CacheLimit + options.ResendQueueSize;
    private CacheStats _stats;
    private byte _snapshot;

    public ref readonly CacheStats Stats
    {
        get
        {
            _stats.Objects = store.Records;
            _stats.Total = (uint)store.Count;
            return ref _stats;
        }
    }

    /// <summary>Whether a refusal should be reported: once until there is room again.</summary>
    public bool TakeFullReport() => _full.Take();

    /// <summary>Applies a kernel event.</summary>
    /// <returns>The entry whose state should be sent; 0 when there is nothing to tell.</returns>
    public uint Apply(FlowChange change, in PackedFlow flow, uint nowSeconds)
    {
        uint handle = store.Find(new FlowKey(in flow));
        bool isAlive = handle != 0 && slabs.Header(handle).State != EntryState.Dead;
        return change switch
        {
            FlowChange.Destroy => isAlive ? Kill(handle) : 0,
            FlowChange.Update when isAlive => Update(handle, in flow, nowSeconds, out _),
            _ => Add(handle, isAlive, in flow, nowSeconds),
        };
    }

    /// <summary>Begins a dump: entries neither it nor an event confirms until its end are gone from the kernel.</summary>
    public void BeginSnapshot() => _snapshot = _snapshot == byte.MaxValue ? (byte)1 : (byte)(_snapshot + 1);

    /// <summary>Merges an entry of a dump.</summary>
    /// <param name="flow">The entry.</param>
    /// <param name="nowSeconds">The clock.</param>
    /// <param name="differs">Whether the cache held something else, timeouts aside.</param>
    /// <returns>The entry, 0 if the cache is full.</returns>
    public uint Merge(in PackedFlow flow, uint nowSeconds, out bool differs)
    {
        uint handle = store.Find(new FlowKey(in flow));
        if (handle != 0 && slabs.Header(handle).State != EntryState.Dead)
            return Update(handle, in flow, nowSeconds, out differs);

        differs = true;
        return Add(handle, isAlive: false, in flow, nowSeconds);
    }

    /// <summary>Walks on through the entries that the last dump did not confirm and marks them dead.</summary>
    /// <returns>An entry that died, 0 when the steps are used up or the end is reached.</returns>
    public uint Sweep(ref ulong cursor, ref int steps, out bool isEnd)
    {
        isEnd = false;
        while (steps-- > 0)
        {
            uint handle = store.Next(ref cursor);
            isEnd = handle == 0;
            if (isEnd) return 0;

            ref EntryHeader header = ref slabs.Header(handle);
            if (header.State != EntryState.Dead && header.Snapshot != _snapshot) return Kill(handle);
        }

        return 0;
    }

    /// <summary>Gives a dead entry back that no queue holds any more.</summary>
    public void Release(uint handle)
    {
        if (slabs.Header(handle).State == EntryState.Dead) store.Remove(handle);
    }

    /// <summary>Forgets everything; the caller has emptied the queues.</summary>
    public void Clear()
    {
        _stats.Destroyed += _stats.Active;
        _stats.Active = 0;
        store.Clear();
        _full.Reset();
    }

    private uint Kill(uint handle)
    {
        slabs.Header(handle).State = EntryState.Dead;
        _stats.Active--;
        _stats.Destroyed++;
        _full.HasRoom(_stats.Active);
        return handle;
    }

    private uint Update(uint handle, in PackedFlow flow, uint nowSeconds, out bool differs)
    {
        differs = store.Merge(handle, in flow, nowSeconds);
        ref EntryHeader header = ref slabs.Header(handle);
        header.State = EntryState.Alive;
        header.Snapshot = _snapshot;
        _stats.Updated++;
        return handle;
    }

    private uint Add(uint existing, bool isAlive, in PackedFlow flow, uint nowSeconds)
    {
        if (existing != 0)
        {
            store.Replace(existing, in flow, EntryState.New, nowSeconds);
            if (isAlive) _stats.Destroyed++;
            else _stats.Active++;
        }
        else if (_stats.Active >= options.CacheLimit || store.Records >= _recordLimit)
        {
            _stats.CreateFailed++;
            _full.Refused();
            return 0;
        }
        else
        {
            existing = store.Add(new FlowKey(in flow), in flow, EntryState.New, nowSeconds);
            _stats.Active++;
        }

        _stats.Created++;
        slabs.Header(existing).Snapshot = _snapshot;
        return existing;
    }
}

/// <summary>Says "full" once, and again only after a tenth of the room has become free in between.</summary>
internal sealed class FullEpisode(int limit)
{
    private bool _isOn;
    private bool _isDue;

    public void Refused()
    {
        if (_isOn) return;
        _isOn = true;
        _isDue = true;
    }

    public void HasRoom(long used)
    {
        if (_isOn && used < limit - (limit / 10)) _isOn = false;
    }

    public void Reset() => _isOn = false;

    public bool Take()
    {
        bool due = _isDue;
        _isDue = false;
        return due;
    }
}
