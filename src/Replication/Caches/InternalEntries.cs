using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>What the queues of a mode ask of the entries they hold, whatever their kind.</summary>
internal sealed class InternalEntries(
    EntrySlabs slabs,
    FlowStore flows,
    InternalCache flowCache,
    ExpectationStore expectations,
    InternalExpectations expectationCache,
    SyncOptions options)
{
    private PackedFlow _flow;
    private PackedExpectation _expectation;

    /// <summary>Writes the entry's present state; expectations are rare and have one form only.</summary>
    /// <returns>Bytes written.</returns>
    public int WriteBody(uint handle, bool isDense, Span<byte> body)
    {
        if (EntrySlabs.IsExpectation(handle))
        {
            expectations.Read(handle, ref _expectation);
            return ExpectationMessage.Write(in _expectation, options, body);
        }

        flows.Read(handle, ref _flow);
        bool isEnd = slabs.Header(handle).State == EntryState.Dead;
        if (isDense)
        {
            return isEnd
                ? DenseFlow.WriteEnd(in _flow, options, body)
                : DenseFlow.Write(in _flow, options, body);
        }

        return isEnd
            ? FlowMessage.WriteEnd(in _flow, options, body)
            : FlowMessage.Write(in _flow, options, body);
    }

    /// <summary>The type of the message that tells the entry's present state.</summary>
    public PeerMessageType TypeOf(uint handle)
    {
        ref EntryHeader entry = ref slabs.Header(handle);
        PeerMessageType type = entry.State switch
        {
            EntryState.Dead => PeerMessageType.FlowDelete,
            EntryState.Alive when (entry.Flags & EntryFlags.Anew) == 0 => PeerMessageType.FlowUpdate,
            _ => PeerMessageType.FlowNew,
        };
        return EntrySlabs.IsExpectation(handle) ? type + (int)PeerMessageType.ExpectationNew : type;
    }

    /// <summary>A message about the entry is about to leave.</summary>
    public void OnSending(uint handle)
    {
        if (!EntrySlabs.IsExpectation(handle)) flows[handle].Marks = FlowMarks.None;
    }

    /// <summary>No queue holds the entry any more.</summary>
    public void Release(uint handle)
    {
        if (EntrySlabs.IsExpectation(handle)) expectationCache.Release(handle);
        else flowCache.Release(handle);
    }
}
