using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Sim.Oracle;

/// <summary>What a node without internal cache must send: each event at once, in order, and the table when asked.</summary>
internal sealed class BypassShadow(SyncOptions options)
{
    private readonly Queue<(PeerMessageType Type, PackedFlow Flow)> _due = new();
    private readonly HashSet<TupleKey> _toldDuringDump = [];
    private bool _isReadingTable;

    public void OnEvent(FlowChange change, in PackedFlow flow)
    {
        if (!options.Filter.Accepts(in flow, change == FlowChange.Destroy)) return;
        PeerMessageType type = change switch
        {
            FlowChange.New => PeerMessageType.FlowNew,
            FlowChange.Update => PeerMessageType.FlowUpdate,
            _ => PeerMessageType.FlowDelete,
        };
        _due.Enqueue((type, flow));
        if (_isReadingTable) _toldDuringDump.Add(TupleKey.Of(in flow));
    }

    public void BeginDump(SnapshotPurpose purpose) => _isReadingTable = purpose != SnapshotPurpose.Start;

    /// <summary>An entry of a dump, which is older than what events have told since it began.</summary>
    public void OnDumped(in PackedFlow flow)
    {
        if (!_isReadingTable || !options.Filter.Accepts(in flow, isDestroy: false)) return;
        if (!_toldDuringDump.Contains(TupleKey.Of(in flow))) _due.Enqueue((PeerMessageType.FlowNew, flow));
    }

    public void EndDump()
    {
        _isReadingTable = false;
        _toldDuringDump.Clear();
    }

    /// <summary>What must be sent now.</summary>
    /// <returns>False when nothing is due.</returns>
    public bool TakeDue(out PeerMessageType type, out PackedFlow flow)
    {
        bool isDue = _due.TryDequeue(out (PeerMessageType Type, PackedFlow Flow) next);
        (type, flow) = next;
        return isDue;
    }
}
