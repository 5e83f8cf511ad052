using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Sim.Oracle;

/// <summary>What an external cache must hold: the messages that were accepted, applied by the rules of the book.</summary>
internal sealed class ExternalShadow(SyncOptions options)
{
    private readonly Dictionary<TupleKey, ShadowEntry> _entries = [];

    public int Count => _entries.Count;

    /// <summary>Changes that were applied, as the counters of the engine count them.</summary>
    public (uint Created, uint Updated, uint Destroyed, uint Refused) Changes { get; private set; }

    public IEnumerable<KeyValuePair<TupleKey, ShadowEntry>> Entries => _entries;

    public ShadowEntry? Find(in TupleKey key) => _entries.GetValueOrDefault(key);

    public void Apply(PeerMessageType type, in PackedFlow flow, Instant now)
    {
        TupleKey key = TupleKey.Of(in flow);
        bool isKnown = _entries.TryGetValue(key, out ShadowEntry? entry);
        (uint created, uint updated, uint destroyed, uint refused) = Changes;
        if (type == PeerMessageType.FlowDelete)
        {
            if (!isKnown) return;
            _entries.Remove(key);
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
            Flows.Overwrite(ref entry!.Flow, in flow);
            updated++;
        }
        else
        {
            entry!.Flow = flow;
            destroyed++;
            created++;
        }

        if (_entries.TryGetValue(key, out entry)) entry.ToldAt = now.Seconds;
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

    public void Clear()
    {
        Changes = Changes with { Destroyed = Changes.Destroyed + (uint)_entries.Count };
        _entries.Clear();
    }
}
