using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication.Caches;

/// <summary>What this firewall's kernel holds. Entries that ended stay, dead, while a queue holds them.</summary>
internal sealed class InternalCache(EntrySlabs slabs, FlowStore store, SyncOptions options)
{
    private readonly FullEpisode _full = new(options);
    private CacheStats _stats;
    private byte _snapshot;
    private bool _isInSnapshot;
    private bool _endedInSilence;
    private bool _hasMemories;       // dead entries are kept for the dump under way

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

    /// <summary>Living entries that are known from dumps only.</summary>
    public uint Unheard { get; private set; }

    /// <summary>Whether a dump has shown since the last call that one of those has ended.</summary>
    public bool TakeEndedInSilence()
    {
        bool taken = _endedInSilence;
        _endedInSilence = false;
        return taken;
    }

    /// <summary>Whether a refusal should be reported: once until there is room again.</summary>
    public bool TakeFullReport() => _full.Take();

    /// <summary>Applies a kernel event.</summary>
    /// <returns>The entry whose state should be sent; 0 when there is nothing to tell.</returns>
    public uint Apply(FlowChange change, in PackedFlow flow, uint nowSeconds)
    {
        uint handle = store.Find(new FlowKey(in flow));
        bool isAlive = handle != 0 && slabs.Header(handle).State != EntryState.Dead;
        if (isAlive) EndSilence(handle);
        return change switch
        {
            // One that comes late, by reliable delivery or from another processor, must not hit its successor.
            FlowChange.Destroy when isAlive => store.HasOtherId(handle, in flow) ? 0 : Kill(handle),
            FlowChange.Destroy => Remember(handle, in flow, nowSeconds),
            FlowChange.Update when isAlive && !store.IsAnother(handle, in flow) => Hear(handle, in flow, nowSeconds),
            FlowChange.Update when !isAlive && IsDying(in flow) => 0,
            _ => Add(handle, isAlive, in flow, nowSeconds),
        };
    }

    /// <summary>
    /// Begins a dump: entries neither it nor an event confirms until its end are gone from the kernel.
    /// </summary>
    public void BeginSnapshot()
    {
        _snapshot = _snapshot == byte.MaxValue ? (byte)1 : (byte)(_snapshot + 1);
        _isInSnapshot = true;
    }

    /// <summary>Ends a dump.</summary>
    /// <returns>Whether ends of flows were remembered for it: <see cref="Sweep"/> forgets them.</returns>
    public bool EndSnapshot()
    {
        _isInSnapshot = false;
        bool hasMemories = _hasMemories;
        _hasMemories = false;
        return hasMemories;
    }

    /// <summary>
    /// Merges an entry of a dump; of a flow that an event spoke of since the dump began, only what it did not tell.
    /// </summary>
    /// <remarks>
    /// The kernel wrote the entry some time before it is read here: the event is the newer of the two.
    /// </remarks>
    /// <param name="flow">The entry.</param>
    /// <param name="nowSeconds">The clock.</param>
    /// <param name="differs">Whether the cache held something else, timeouts aside.</param>
    /// <returns>The entry, 0 if the cache is full.</returns>
    public uint Merge(in PackedFlow flow, uint nowSeconds, out bool differs)
    {
        uint handle = store.Find(new FlowKey(in flow));
        differs = false;
        bool isAlive = handle != 0 && slabs.Header(handle).State != EntryState.Dead;
        bool isSame = isAlive && !store.IsAnother(handle, in flow);
        if (handle != 0 && slabs.Header(handle).Snapshot == _snapshot)
        {
            differs = isSame && store.Supplement(handle, in flow) && !TakeCommitted(handle);
            return handle;
        }

        if (isSame)
        {
            handle = Update(handle, in flow, nowSeconds, out differs);
            differs &= !TakeCommitted(handle);
        }
        else
        {
            // The end of the one before was among the events that were lost.
            differs = true;
            if (isAlive) EndSilence(handle);
            handle = Add(handle, isAlive, in flow, nowSeconds);
            if (handle != 0)
            {
                slabs.Header(handle).Flags |= EntryFlags.Unheard;
                Unheard++;
            }
        }

        return handle;
    }

    /// <summary>Adds a flow that we have just committed, unless an event has told of it already.</summary>
    public void Adopt(in PackedFlow flow, uint nowSeconds)
    {
        uint handle = store.Find(new FlowKey(in flow));
        if (handle != 0 && slabs.Header(handle).State != EntryState.Dead) return;
        handle = Apply(FlowChange.New, in flow, nowSeconds);
        if (handle != 0) store[handle].Marks = FlowMarks.Committed;
    }

    /// <summary>Notes that a dump brought the flow, without taking anything of it over.</summary>
    public void Confirm(in PackedFlow flow)
    {
        uint handle = store.Find(new FlowKey(in flow));
        if (handle == 0 || slabs.Header(handle).State == EntryState.Dead || store.IsAnother(handle, in flow)) return;
        slabs.Header(handle).Snapshot = _snapshot;
    }

    /// <summary>Walks on: marks dead what the last dump did not confirm, forgets the ends it had to know of.</summary>
    /// <param name="kills">Whether what is not confirmed is gone.</param>
    /// <param name="cursor">0 at first.</param>
    /// <param name="steps">How many slots to look at; counted down.</param>
    /// <param name="isEnd">Whether all were seen.</param>
    /// <returns>An entry that died, 0 when the steps are used up or the end is reached.</returns>
    public uint Sweep(bool kills, ref ulong cursor, ref int steps, out bool isEnd)
    {
        isEnd = false;
        while (steps > 0)
        {
            uint handle = store.Next(ref cursor, ref steps);
            if (handle == 0)
            {
                isEnd = steps > 0;
                return 0;
            }

            ref EntryHeader header = ref slabs.Header(handle);
            if (header.State == EntryState.Dead)
            {
                if (header.Queue == QueueId.None) store.Remove(handle);
            }
            else if (kills && header.Snapshot != _snapshot)
            {
                _endedInSilence |= (header.Flags & EntryFlags.Unheard) != EntryFlags.None;
                return Kill(handle);
            }
        }

        return 0;
    }

    /// <summary>
    /// Gives back a dead entry that no queue holds any more; during a dump it is kept until the sweep.
    /// </summary>
    public void Release(uint handle)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        if (header.State != EntryState.Dead) return;
        if (_isInSnapshot && header.Snapshot == _snapshot) _hasMemories = true;
        else store.Remove(handle);
    }

    /// <summary>Forgets everything; the caller has emptied the queues.</summary>
    public void Clear()
    {
        _stats.Destroyed += _stats.Active;
        _stats.Active = 0;
        Unheard = 0;
        store.Clear();
        _full.Reset();
    }

    // What the kernel makes of a flow that was committed is no difference.
    private bool TakeCommitted(uint handle)
    {
        bool isCommitted = store[handle].Marks == FlowMarks.Committed;
        if (isCommitted) store[handle].Marks = FlowMarks.None;
        return isCommitted;
    }

    private void EndSilence(uint handle)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        if ((header.Flags & EntryFlags.Unheard) == EntryFlags.None) return;
        header.Flags &= ~EntryFlags.Unheard;
        Unheard--;
    }

    private uint Kill(uint handle)
    {
        EndSilence(handle);
        ref EntryHeader header = ref slabs.Header(handle);
        header.State = EntryState.Dead;
        header.Snapshot = _snapshot;
        _stats.Active--;
        _stats.Destroyed++;
        _full.HasRoom(_stats.Active);
        return handle;
    }

    // The kernel tells of a change and of the end on two processors: the change may come second.
    // Its id tells nothing: the next flow with the tuple has the same if it got the same memory.
    private static bool IsDying(in PackedFlow flow) =>
        flow.Has(FlowFields.Status) && (flow.Status & FlowStatus.Dying) != FlowStatus.None;

    // A dump that began before the flow ended may still bring it.
    private uint Remember(uint handle, in PackedFlow flow, uint nowSeconds)
    {
        if (!_isInSnapshot) return 0;
        if (handle == 0)
        {
            if (store.Records >= (long)options.CacheLimit + options.ResendQueueSize) return 0;
            handle = store.Add(new FlowKey(in flow), in flow, EntryState.Dead, nowSeconds);
            _hasMemories = true;
        }

        slabs.Header(handle).Snapshot = _snapshot;
        return 0;
    }

    private uint Hear(uint handle, in PackedFlow flow, uint nowSeconds)
    {
        store.NoteTold(handle, in flow, isFirst: slabs.Header(handle).Snapshot != _snapshot);
        return Update(handle, in flow, nowSeconds, out _);
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
        bool isFull = _stats.Active >= options.CacheLimit || (existing == 0 && store.Records >= RecordLimit);
        if (isFull && !isAlive)
        {
            _stats.CreateFailed++;
            _full.Refused();
            return 0;
        }

        if (existing != 0)
        {
            store.Replace(existing, in flow, EntryState.New, nowSeconds);
            slabs.Header(existing).Flags |= EntryFlags.Anew;
            if (isAlive) _stats.Destroyed++;
            else _stats.Active++;
        }
        else
        {
            existing = store.Add(new FlowKey(in flow), in flow, EntryState.New, nowSeconds);
            _stats.Active++;
        }

        _stats.Created++;
        ref EntryHeader header = ref slabs.Header(existing);
        header.Flags |= EntryFlags.Told;
        header.Snapshot = _snapshot;
        return existing;
    }
}

/// <summary>Says "full" once, and again only after a tenth of the room has become free in between.</summary>
internal sealed class FullEpisode(SyncOptions options)
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
        if (_isOn && used < options.CacheLimit - (options.CacheLimit / 10)) _isOn = false;
    }

    public void Reset() => _isOn = false;

    public bool Take()
    {
        bool due = _isDue;
        _isDue = false;
        return due;
    }
}
