using TwinTrack.Replication.Store;

namespace TwinTrack.Replication.Caches;

/// <summary>
/// Flows of which the kernel tells that a helper shifts their sequence numbers, but not by how much: they are read
/// from it, a little later, when the helper is done.
/// </summary>
internal sealed class SequenceWatch(EntrySlabs slabs, FlowStore store)
{
    private const int Limit = 4096;
    private const long DelayMilliseconds = 20;

    private readonly Queue<(uint Handle, Instant At)> _due = new();
    private readonly Queue<uint> _ready = new();

    /// <summary>When the next flow is to be read.</summary>
    public Instant DueAt => _due.TryPeek(out (uint Handle, Instant At) next) ? next.At : Instant.Never;

    public void Add(uint handle, Instant now)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        if ((header.Flags & EntryFlags.Asked) != 0 || _due.Count >= Limit) return;
        header.Flags |= EntryFlags.Asked;
        _due.Enqueue((handle, now.PlusMilliseconds(DelayMilliseconds)));
    }

    public void OnDeadline(Instant now)
    {
        while (DueAt <= now) _ready.Enqueue(_due.Dequeue().Handle);
    }

    public bool Poll(ref KernelRequest request)
    {
        while (_ready.TryDequeue(out uint handle))
        {
            ref EntryHeader header = ref slabs.Header(handle);
            header.Flags &= ~EntryFlags.Asked;
            if (header.State is EntryState.Free or EntryState.Dead) continue;
            request.Kind = KernelRequestKind.Get;
            store.Read(handle, ref request.Flow);
            return true;
        }

        return false;
    }

    /// <summary>The cache was emptied.</summary>
    public void Clear()
    {
        _due.Clear();
        _ready.Clear();
    }
}
