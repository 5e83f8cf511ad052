using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Sim.Oracle;

/// <summary>What an external cache must hold: the messages that were accepted, applied by the rules of the book.</summary>
internal sealed class ExternalShadow(SyncOptions options)
{
    private const uint SilenceSeconds = 10;      // an owner that says nothing for so long may be contradicted

    private readonly Dictionary<TupleKey, ShadowEntry> _entries = [];
    private readonly Dictionary<int, uint> _heardAt = [];
    private readonly Dictionary<TupleKey, int> _endedBy = [];

    private uint _refresh;

    public int Count => _entries.Count;

    /// <summary>Changes that were applied, as the counters of the engine count them.</summary>
    public (uint Created, uint Updated, uint Destroyed, uint Refused) Changes { get; private set; }

    public IEnumerable<KeyValuePair<TupleKey, ShadowEntry>> Entries => _entries;

    public ShadowEntry? Find(in TupleKey key) => _entries.GetValueOrDefault(key);

    /// <summary>
    /// Whether a flow is not here because another peer than this one told of it last, and then of its end.
    /// </summary>
    /// <remarks>
    /// A flow that two nodes hold after a take-over has one owner here, or the copy that the traffic has left could not
    /// end without the other one's help. The hook scripts send everything after a commit: the one that goes on owns it.
    /// </remarks>
    public bool WasEndedByAnother(in TupleKey key, int peer) =>
        _endedBy.TryGetValue(key, out int teller) && teller != peer;

    /// <summary>Everything is asked for.</summary>
    public void BeginRefresh() => _refresh++;

    /// <summary>Something of a peer was accepted.</summary>
    public void Hear(int peer, Instant now) => _heardAt[peer] = now.Seconds;

    public void Apply(PeerMessageType type, in PackedFlow flow, int peer, Instant now)
    {
        TupleKey key = TupleKey.Of(in flow);
        bool isKnown = _entries.TryGetValue(key, out ShadowEntry? entry);
        (uint created, uint updated, uint destroyed, uint refused) = Changes;
        if (type == PeerMessageType.FlowDelete)
        {
            if (!isKnown) return;
            if (entry!.Owner != peer && now.Seconds - _heardAt[entry.Owner] < SilenceSeconds) return;
            _entries.Remove(key);
            _endedBy[key] = peer;
            destroyed++;
        }
        else if (!isKnown)
        {
            if (_entries.Count < options.CacheLimit)
            {
                _entries.Add(key, new ShadowEntry { Flow = flow, IsAlive = true });
                created++;
            }
            else
            {
                refused++;
            }
        }
        else if (type == PeerMessageType.FlowUpdate)
        {
            bool isUnsure = entry!.Owner != peer || entry.Refresh != _refresh;
            if (isUnsure && options.Mode != SyncModeKind.Notrack) entry.Flow = flow;
            else Flows.Overwrite(ref entry.Flow, in flow);
            entry.IsMixed |= entry.Owner != peer;
            updated++;
        }
        else
        {
            entry!.Flow = flow;
            entry.IsMixed = false;
            destroyed++;
            created++;
        }

        if (_entries.TryGetValue(key, out entry)) Own(entry, in key, peer, now);
        Changes = (created, updated, destroyed, refused);
    }

    /// <summary>Mode ALARM: drops what was not repeated in time.</summary>
    public void Expire(Instant now)
    {
        if (options.Mode != SyncModeKind.Alarm) return;
        foreach ((TupleKey key, ShadowEntry entry) in _entries)
        {
            if (entry.ToldAt + options.CacheTimeoutSeconds > now.Seconds) continue;
            _entries.Remove(key);
            Changes = Changes with { Destroyed = Changes.Destroyed + 1 };
        }
    }

    /// <summary>Drops an entry that went with a sweep.</summary>
    public void Forget(in TupleKey key)
    {
        if (_entries.Remove(key)) Changes = Changes with { Destroyed = Changes.Destroyed + 1 };
    }

    private void Own(ShadowEntry entry, in TupleKey key, int peer, Instant now)
    {
        _endedBy.Remove(key);
        entry.Owner = peer;
        entry.Refresh = _refresh;
        entry.ToldAt = now.Seconds;
    }

    public void Clear()
    {
        _endedBy.Clear();
        Changes = Changes with { Destroyed = Changes.Destroyed + (uint)_entries.Count };
        _entries.Clear();
    }
}
