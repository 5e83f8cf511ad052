using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Kernel;

/// <summary>
/// A kernel's connection tracking as its users see it through ctnetlink: a table with timeouts that answers requests
/// and dumps, moves on with traffic, and tells its listeners.
/// </summary>
/// <remarks>
/// It models net.netfilter.nf_conntrack_events = 1: every flow causes events. Requests are in one part of the class,
/// traffic is in the other; a test replays the requests on the real kernel. Of address translation it knows what a
/// request with address and port asks for; the real one chooses another port where none is given or the tuple is taken.
/// </remarks>
internal sealed partial class ModelKernel(KernelOptions options, ulong seed)
{
    private readonly Dictionary<TupleKey, ModelFlow> _tuples = [];
    private readonly List<ModelFlow> _places = [];
    private readonly PriorityQueue<ModelFlow, (long Time, ulong Place)> _expiry = new();
    private readonly List<EventBuffer> _listeners = [];
    private uint _serial;

    public KernelOptions Options => options;

    /// <summary>The table, in the order of a dump.</summary>
    public IReadOnlyList<ModelFlow> Flows => _places;

    /// <summary>Called with every change of the table, for the trace.</summary>
    public Action<FlowChange, ModelFlow>? Changed { get; set; }

    public void Subscribe(EventBuffer buffer) => _listeners.Add(buffer);

    public void Unsubscribe(EventBuffer buffer) => _listeners.Remove(buffer);

    /// <summary>The flow that has this tuple in either direction.</summary>
    public ModelFlow? Find(in TupleKey key) => _tuples.GetValueOrDefault(key);

    /// <summary>When <see cref="Expire"/> has something to do, or earlier.</summary>
    public Instant NextExpiry =>
        _expiry.TryPeek(out _, out (long Time, ulong Place) due) ? new Instant(due.Time) : Instant.Never;

    /// <summary>Removes the flows whose time is up.</summary>
    public void Expire(Instant now)
    {
        while (_expiry.TryPeek(out ModelFlow? flow, out (long Time, ulong Place) due) && due.Time <= now.Microseconds)
        {
            _expiry.Dequeue();
            if (flow.IsGone) continue;
            if (flow.ExpiresAt > now) _expiry.Enqueue(flow, (flow.ExpiresAt.Microseconds, flow.Place));
            else Remove(now, flow, portId: 0, isKilled: false);
        }
    }

    /// <summary>Reads on in a dump, which is not atomic: it sees what lies beyond the cursor at the time of the call.</summary>
    /// <param name="cursor">0 at first.</param>
    /// <param name="now">The clock.</param>
    /// <param name="flow">The entry.</param>
    /// <returns>False at the end.</returns>
    public bool DumpNext(ref ulong cursor, Instant now, ref PackedFlow flow)
    {
        int index = IndexOf(cursor);
        if (index >= _places.Count) return false;
        ModelFlow entry = _places[index];
        cursor = entry.Place + 1;
        entry.FillDump(ref flow, now);
        return true;
    }

    /// <summary>Removes everything at once and tells nobody: the machine went down.</summary>
    public void Crash()
    {
        foreach (ModelFlow flow in _places) flow.IsGone = true;
        _places.Clear();
        _tuples.Clear();
        _expiry.Clear();
        _listeners.Clear();
    }

    // The first place that is not before this one.
    private int IndexOf(ulong place)
    {
        int low = 0;
        int high = _places.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_places[middle].Place < place) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private ModelFlow Draft(in FlowTuple original, in FlowTuple reply, ushort zone)
    {
        _serial++;
        uint bucket = (uint)(TupleKey.Of(in original, zone).StableHash() ^ seed);
        return new ModelFlow
        {
            Original = original,
            Reply = reply,
            Zone = zone,
            Id = (bucket * 0x9E37_79B1) ^ _serial,
            Place = ((ulong)bucket << 32) | _serial,
            HasLabelSpace = options.HasLabels,
        };
    }

    private bool Insert(ModelFlow flow)
    {
        TupleKey original = flow.Key;
        TupleKey reply = flow.ReplyKey;
        if (_tuples.ContainsKey(original) || _tuples.ContainsKey(reply)) return false;
        _tuples.Add(original, flow);
        _tuples.Add(reply, flow);
        _places.Insert(IndexOf(flow.Place), flow);
        _expiry.Enqueue(flow, (flow.ExpiresAt.Microseconds, flow.Place));
        return true;
    }

    private void Remove(Instant now, ModelFlow flow, uint portId, bool isKilled)
    {
        _tuples.Remove(flow.Key);
        _tuples.Remove(flow.ReplyKey);
        _places.RemoveAt(IndexOf(flow.Place));
        flow.IsGone = true;
        flow.Status |= FlowStatus.Dying;
        foreach (EventBuffer listener in _listeners)
        {
            KernelEvent? told = listener.Offer(FlowChange.Destroy, portId);
            if (told is not null) flow.FillDestroy(ref told.Flow, now, isKilled);
        }

        Changed?.Invoke(FlowChange.Destroy, flow);
    }

    private void SetExpiry(Instant now, ModelFlow flow, long seconds)
    {
        // The timer of the queue stays; one that comes too late is set anew here.
        Instant expiry = now.PlusSeconds(seconds);
        bool isEarlier = expiry < flow.ExpiresAt;
        flow.ExpiresAt = expiry;
        if (isEarlier && _tuples.ContainsKey(flow.Key)) _expiry.Enqueue(flow, (expiry.Microseconds, flow.Place));
    }

    private void Tell(Instant now, FlowChange change, ModelFlow flow, EventParts parts, uint portId)
    {
        foreach (EventBuffer listener in _listeners)
        {
            KernelEvent? told = listener.Offer(change, portId);
            if (told is not null) flow.FillEvent(ref told.Flow, now, parts);
        }

        Changed?.Invoke(change, flow);
    }
}
