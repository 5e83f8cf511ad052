using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Oracle;

/// <summary>
/// What an internal cache must hold, made by the rules of the book from the same inputs, in the plainest way.
/// </summary>
internal sealed class InternalShadow(SyncOptions options)
{
    /// <summary>What a cache keeps and a peer can be told.</summary>
    public const FlowFields Kept =
        FlowFields.Original | FlowFields.Reply | FlowFields.Master | FlowFields.Status | FlowFields.Timeout
        | FlowFields.Mark | FlowFields.Zone | FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal
        | FlowFields.TcpWindowScaleReply | FlowFields.SctpState | FlowFields.SctpTagOriginal
        | FlowFields.SctpTagReply | FlowFields.Helper | FlowFields.Labels | FlowFields.SequenceOriginal
        | FlowFields.SequenceReply | FlowFields.SynProxy;

    // What the kernel tells of a change: the protocol's state, the mark, or one of the rest.
    private static readonly FlowFields[] ToldTogether =
    [
        FlowFields.TcpState | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply
            | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply | FlowFields.SctpState
            | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply,
        FlowFields.Mark,
        FlowFields.Helper | FlowFields.Labels | FlowFields.SequenceOriginal | FlowFields.SequenceReply
            | FlowFields.SynProxy,
    ];

    private readonly Dictionary<TupleKey, ShadowEntry> _entries = [];
    private int _snapshot;
    private bool _isDumping;

    /// <summary>Living entries.</summary>
    public int Active { get; private set; }

    public IEnumerable<KeyValuePair<TupleKey, ShadowEntry>> Living => _entries.Where(static pair => pair.Value.IsAlive);

    public ShadowEntry? Find(in TupleKey key) =>
        _entries.TryGetValue(key, out ShadowEntry? entry) && entry.IsAlive ? entry : null;

    /// <summary>Whether the flow was ever here.</summary>
    public bool Knew(in TupleKey key) => _entries.ContainsKey(key);

    /// <summary>Traffic has told of a flow: from here on it may be worth an announcement.</summary>
    public void NoteWorth(in TupleKey key, Instant now)
    {
        if (Find(in key) is not { } entry) return;
        if (!entry.IsWorthIt) entry.WorthSince = null;
        else entry.WorthSince ??= now;
    }

    /// <summary>A kernel event.</summary>
    /// <param name="change">What happened.</param>
    /// <param name="flow">The event.</param>
    /// <param name="isRefused">Whether the cache refused it as full.</param>
    /// <param name="isOfTraffic">Whether it is not our own doing.</param>
    public void Apply(FlowChange change, in PackedFlow flow, bool isRefused, bool isOfTraffic)
    {
        if (!options.Filter.Accepts(in flow, change == FlowChange.Destroy)) return;
        TupleKey key = TupleKey.Of(in flow);
        ShadowEntry? living = Find(in key);
        if (change == FlowChange.Destroy)
        {
            // The end of another flow with this tuple comes late, or the begin of that one was lost.
            if (living is not null && living.Flow.Id != 0 && living.Flow.Id != flow.Id) return;
            if (living is not null) Kill(living);
            else if (_isDumping) Entry(in key).Snapshot = _snapshot;
            return;
        }

        if (isRefused) return;
        if (change == FlowChange.Update && living is not null && living.Flow.Id == flow.Id)
        {
            Merge(ref living.Flow, in flow);
            if (living.Snapshot != _snapshot) living.Told = FlowFields.None;
            living.Told |= flow.Fields;
        }
        else
        {
            bool isCorrection = living is { IsAnnounced: true };
            living = Add(in key, in flow);
            living.MayWait = isOfTraffic && !isCorrection && options.AnnounceDelayMilliseconds > 0;
        }

        living.Snapshot = _snapshot;
    }

    public void BeginDump()
    {
        _snapshot++;
        _isDumping = true;
    }

    /// <summary>An entry of a dump: older than every event that has come since the dump began.</summary>
    /// <param name="flow">The entry.</param>
    /// <param name="isRefused">Whether the cache refused it as full.</param>
    /// <returns>Whether it told something new, times aside.</returns>
    public bool Dumped(in PackedFlow flow, bool isRefused)
    {
        if (isRefused) return false;
        TupleKey key = TupleKey.Of(in flow);
        ShadowEntry? known = _entries.GetValueOrDefault(key);
        bool isSame = known is not null && known.IsAlive && known.Flow.Id == flow.Id;
        if (!options.Filter.Accepts(in flow, isDestroy: false))
        {
            // It was let in with another state, and is still there.
            if (isSame) known!.Snapshot = _snapshot;
            return false;
        }

        bool isOlder = known is not null && known.Snapshot == _snapshot;
        if (isOlder && !isSame) return false;

        PackedFlow before = known is null ? default : known.Flow;
        if (isOlder)
        {
            Supplement(known!, in flow);
        }
        else if (isSame)
        {
            Merge(ref known!.Flow, in flow);
            known.IsTimeoutStale = true;
        }
        else
        {
            known = Add(in key, in flow);
        }

        known!.Snapshot = _snapshot;
        return !isSame || FlowDiff.Find(in before, in known.Flow, Kept & ~(FlowFields.Timeout | FlowFields.Mark)) is not null;
    }

    public void EndDump() => _isDumping = false;

    /// <summary>What the last dump did not confirm is gone.</summary>
    public void Sweep()
    {
        foreach (ShadowEntry entry in _entries.Values)
        {
            if (entry.IsAlive && entry.Snapshot != _snapshot) Kill(entry);
        }
    }

    public void Clear()
    {
        foreach (ShadowEntry entry in _entries.Values)
        {
            if (entry.IsAlive) Kill(entry);
            entry.Snapshot = 0;   // what a dump under way must not bring back is forgotten as well
        }
    }

    /// <summary>Overwrites what is present; tuples never change.</summary>
    public static void Merge(ref PackedFlow into, in PackedFlow from)
    {
        FlowTuple original = into.Original;
        FlowTuple reply = into.Reply;
        bool hasReply = into.Has(FlowFields.Reply);
        Flows.Overwrite(ref into, in from);
        into.Original = original;
        if (hasReply) into.Reply = reply;
    }

    // An event tells of the rest what has changed: what none has told since the dump began, the dump knows better.
    private static void Supplement(ShadowEntry entry, in PackedFlow flow)
    {
        FlowFields untold = FlowFields.None;
        foreach (FlowFields group in ToldTogether)
            if ((entry.Told & group) == 0) untold |= group;
        PackedFlow known = entry.Flow;
        known.Fields &= ~(untold & flow.Fields);
        PackedFlow whole = flow;
        Merge(ref whole, in known);
        entry.Flow = whole;
    }

    private ShadowEntry Add(in TupleKey key, in PackedFlow flow)
    {
        ShadowEntry entry = Entry(in key);
        if (!entry.IsAlive) Active++;
        entry.IsAlive = true;
        entry.IsTimeoutStale = false;
        entry.IsAnnounced = false;
        entry.MayWait = false;
        entry.WorthSince = null;
        entry.Flow = flow;
        entry.Told = ~FlowFields.None;
        return entry;
    }

    private ShadowEntry Entry(in TupleKey key)
    {
        if (_entries.TryGetValue(key, out ShadowEntry? known)) return known;
        var entry = new ShadowEntry();
        _entries.Add(key, entry);
        return entry;
    }

    private void Kill(ShadowEntry entry)
    {
        entry.IsAlive = false;
        entry.Snapshot = _snapshot;
        Active--;
    }
}

/// <summary>One entry, living or remembered.</summary>
internal sealed class ShadowEntry
{
    public PackedFlow Flow;

    public bool IsAlive { get; set; }

    /// <summary>The second in which a peer told of it last.</summary>
    public uint ToldAt { get; set; }

    /// <summary>The peer that told of it last.</summary>
    public int Owner { get; set; }

    /// <summary>How often everything had been asked for when it was told of last.</summary>
    public uint Refresh { get; set; }

    /// <summary>In mode NOTRACK: an update of another owner has left what the one before had told besides.</summary>
    public bool IsMixed { get; set; }

    /// <summary>The dump that confirmed it, or during which an event spoke of it.</summary>
    public int Snapshot { get; set; }

    /// <summary>What events have told of it since the dump began.</summary>
    public FlowFields Told { get; set; }

    /// <summary>A dump has told a newer timeout, which is not announced.</summary>
    public bool IsTimeoutStale { get; set; }

    /// <summary>A message has told of it since it began.</summary>
    public bool IsAnnounced { get; set; }

    /// <summary>Since when it has been worth an announcement without a break, as events tell; null: it is not.</summary>
    public Instant? WorthSince { get; set; }

    /// <summary>Whether it was seen from its beginning and may wait for the announce delay to pass.</summary>
    public bool MayWait { get; set; }

    /// <summary>
    /// Whether peers have to know of it: a new flow that is over when the announce delay has passed is never told.
    /// </summary>
    public bool IsDue => IsAnnounced || !IsOver || !MayWait;

    private bool IsOver => Flow.Original.Protocol == IpProtocol.Tcp && Flow.Has(FlowFields.TcpState)
        && (TcpState)Flow.TcpState is TcpState.LastAck or TcpState.TimeWait or TcpState.Close;

    /// <summary>Whether it has to be announced within the delay: assured, and neither side has said goodbye.</summary>
    public bool IsWorthIt => IsAlive && (Flow.Status & FlowStatus.Assured) != FlowStatus.None && !IsOver
        && !(Flow.Original.Protocol == IpProtocol.Tcp
            && (TcpState)Flow.TcpState is TcpState.FinWait or TcpState.CloseWait);
}
