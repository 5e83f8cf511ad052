using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>
/// What the peers told us. It survives their restart, ours it does not, and a commit leaves it as it is.
/// </summary>
/// <remarks>In mode ALARM what the peers do not repeat expires: entries queue in the order they were told of.</remarks>
internal sealed class ExternalCache(EntrySlabs slabs, FlowStore store, SyncOptions options)
{
    private const int MostExpiredAtOnce = 1024;
    private const int MostSweptAtOnce = 4096;

    private readonly FullEpisode _full = new(options);
    private readonly EntryQueue? _byAge =
        options.Mode == SyncModeKind.Alarm ? new EntryQueue(slabs, QueueId.Transmit) : null;
    private readonly Owners _owners = new();
    private readonly HashSet<uint> _swept = [];      // the owners whose entries are looked at
    private CacheStats _stats;
    private uint _refresh;           // counts the times that everything was asked for
    private ulong? _cursor;          // null unless sweeping

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
    public void Apply(PeerMessageType type, in PackedFlow flow, Address peer, uint nowSeconds)
    {
        var key = new FlowKey(in flow);
        uint handle = store.Find(in key);
        if (type == PeerMessageType.FlowDelete)
        {
            if (handle != 0 && !_owners.HoldsAnother(store[handle].Header.Awaited, peer, nowSeconds)) Remove(handle);
            return;
        }

        if (handle == 0)
        {
            handle = Add(in key, in flow, nowSeconds);
        }
        else if (type == PeerMessageType.FlowUpdate)
        {
            if (IsUnsure(handle, peer)) store.Replace(handle, in flow, EntryState.Alive, nowSeconds);
            else store.Merge(handle, in flow, nowSeconds);
            _stats.Updated++;
        }
        else
        {
            store.Replace(handle, in flow, EntryState.Alive, nowSeconds);
            _stats.Destroyed++;
            _stats.Created++;
        }

        if (handle == 0) return;
        ref EntryHeader header = ref store[handle].Header;
        header.Awaited = _owners.Hear(peer, nowSeconds);
        header.Sequence = _refresh;
        _owners.Tell(header.Awaited, _refresh);
        PutLast(handle);
    }

    /// <summary>Whether <see cref="Sweep"/> has something to do.</summary>
    public bool IsSweeping => _cursor is not null;

    /// <summary>Everything is asked for: what is told from here on is known to be there.</summary>
    public void BeginRefresh()
    {
        _refresh++;
        EndSweep();
    }

    /// <summary>A peer has sent all it has: of its entries those go that it did not repeat.</summary>
    /// <remarks>
    /// Of a peer that has sent nothing at all everything is kept: it may have lost its table, and these are the last
    /// that know of its flows.
    /// </remarks>
    public void EndRefresh(Address peer)
    {
        if (!_owners.HasTold(peer, _refresh, out uint owner)) return;
        _swept.Add(owner);
        _cursor = 0;
    }

    /// <summary>Sweeps on, some entries at a time.</summary>
    public void Sweep()
    {
        ulong cursor = _cursor!.Value;
        int steps = MostSweptAtOnce;
        while (steps > 0)
        {
            uint handle = store.Next(ref cursor, ref steps);
            if (handle == 0) break;
            ref EntryHeader header = ref store[handle].Header;
            if (header.Sequence != _refresh && _swept.Contains(header.Awaited)) Remove(handle);
        }

        if (steps > 0) EndSweep();
        else _cursor = cursor;
    }

    private void EndSweep()
    {
        _cursor = null;
        _swept.Clear();
    }

    /// <summary>A message of a peer was accepted, whatever it says.</summary>
    public void Hear(Address peer, uint nowSeconds) => _owners.Hear(peer, nowSeconds);

    /// <summary>How long an entry was not spoken of, and how long its owner has not spoken at all.</summary>
    public FlowSilence SilenceOf(uint handle, uint nowSeconds)
    {
        ref FlowRecord record = ref store[handle];
        return new FlowSilence(nowSeconds - record.UpdatedAt, _owners.Silence(record.Header.Awaited, nowSeconds));
    }

    public void Clear()
    {
        _stats.Destroyed += (uint)store.Count;
        store.Clear();
        _byAge?.Clear();
        _full.Reset();
    }

    // The flow of a new owner, or of one whose words were missed for a while, may be another one on the same tuple, and
    // its message tells all of it; in mode NOTRACK a peer without internal cache tells what has changed only.
    private bool IsUnsure(uint handle, Address peer)
    {
        ref EntryHeader header = ref store[handle].Header;
        return options.Mode != SyncModeKind.Notrack
            && (header.Sequence != _refresh || !_owners.IsOwner(header.Awaited, peer));
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

    private uint Add(in FlowKey key, in PackedFlow flow, uint nowSeconds)
    {
        if (store.Count >= options.CacheLimit)
        {
            _stats.CreateFailed++;
            _full.Refused();
            return 0;
        }

        _stats.Created++;
        return store.Add(in key, in flow, EntryState.Alive, nowSeconds);
    }
}
