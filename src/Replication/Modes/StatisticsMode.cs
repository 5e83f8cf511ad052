using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>Statistics: there is no peer. What ended is kept for <see cref="SyncEngine.PollEnded"/>.</summary>
internal sealed class StatisticsMode(EntrySlabs slabs, FlowStore store, InternalCache cache, TxQueue queue)
    : SyncMode(queue)
{
    private readonly Queue<PackedFlow> _ended = new();
    private PackedFlow _flow;
    private bool _isTold;

    public override Instant NextDeadline => Instant.Never;

    public override bool HasBulks => false;

    public bool TryTakeEnded(ref PackedFlow flow) => _ended.TryDequeue(out flow);

    /// <summary>The event that ends a flow says more than the cache does: counters, above all.</summary>
    public void OnEnd(in PackedFlow flow)
    {
        _ended.Enqueue(flow);
        _isTold = true;
    }

    public override void OnDeadline(Instant now)
    {
    }

    public override Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message) =>
        Verdict.Bad;

    public override void Enqueue(uint handle)
    {
        if (slabs.Header(handle).State != EntryState.Dead) return;
        if (!_isTold)
        {
            store.Read(handle, ref _flow);
            _ended.Enqueue(_flow);
        }

        _isTold = false;
        cache.Release(handle);
    }

    public override void Forget(uint handle) => _isTold = false;

    public override void ForgetAll()
    {
    }

    public override void RequestResync()
    {
    }

    public override int Transmit(Instant now, Span<byte> buffer, int capacity) => 0;

    internal override void OnSent(uint handle)
    {
    }
}
