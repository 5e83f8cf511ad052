using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication;

/// <summary>The expectations of one engine: both caches, which are wanted, and whose they are.</summary>
internal sealed class Expectations : IDisposable
{
    private readonly FlowStore _flows;
    private readonly EntrySlabs _slabs;
    private readonly SyncOptions _options;
    private readonly bool _hasFlows;
    private PackedExpectation _prepared;

    /// <param name="slabs">Those of the internal caches, which the queues know.</param>
    /// <param name="externalSlabs">Those of the external caches.</param>
    /// <param name="flows">The internal cache's flows.</param>
    /// <param name="options">The configuration.</param>
    public Expectations(EntrySlabs slabs, EntrySlabs externalSlabs, FlowStore flows, SyncOptions options)
    {
        _slabs = slabs;
        _flows = flows;
        _options = options;
        _hasFlows = options is not { Mode: SyncModeKind.Notrack, DisableInternalCache: true };
        InternalStore = new ExpectationStore(slabs, options.IndexSeed);
        ExternalStore = new ExpectationStore(externalSlabs, ~options.IndexSeed);
        Internal = new InternalExpectations(slabs, InternalStore, options);
        External = new ExternalExpectations(externalSlabs, ExternalStore, options);
        Commit = new ExpectationCommit(ExternalStore, options);
    }

    public ExpectationStore InternalStore { get; }

    public ExpectationStore ExternalStore { get; }

    public InternalExpectations Internal { get; }

    public ExternalExpectations External { get; }

    public ExpectationCommit Commit { get; }

    /// <summary>Whether expectations are replicated at all.</summary>
    public bool AreOn => _options.Expectations is not null;

    /// <summary>Entries that died in the last step; the caller takes them.</summary>
    public List<uint> Gone { get; } = [];

    /// <summary>
    /// Whether an expectation is replicated: its helper is wanted, and its master is a flow that is replicated, as far
    /// as that is known.
    /// </summary>
    /// <param name="expectation">As the kernel tells it.</param>
    /// <param name="isDestroy">Whether it has ended: then nothing is asked of its master.</param>
    public bool IsWanted(in PackedExpectation expectation, bool isDestroy)
    {
        const ExpectationFields needed = ExpectationFields.Tuple | ExpectationFields.Mask | ExpectationFields.Master;
        _prepared = expectation;
        Master = 0;
        if (_options.Expectations is not { } filter || !expectation.Has(needed)) return false;
        if (!filter.Accepts(HelperOf(in expectation))) return false;
        return isDestroy || !_hasFlows || FindMaster();
    }

    /// <summary>The expectation that was wanted, in the zone of its master.</summary>
    public ref readonly PackedExpectation Prepared => ref _prepared;

    /// <summary>The flow it belongs to; 0 when that is not known.</summary>
    public uint Master { get; private set; }

    /// <summary>The flow was flushed: its expectations have gone with it.</summary>
    public void OnFlushed(uint flow)
    {
        if (Internal.Active == 0 || _flows[flow].Helper == 0) return;
        PackedFlow master = default;
        _flows.Read(flow, ref master);
        Internal.KillOf(in master.Original, Gone);
    }

    public void Dispose()
    {
        InternalStore.Dispose();
        ExternalStore.Dispose();
    }

    private static ReadOnlySpan<byte> HelperOf(in PackedExpectation expectation)
    {
        if (!expectation.Has(ExpectationFields.Helper)) return default;
        ReadOnlySpan<byte> padded = expectation.Helper;
        int end = padded.IndexOf((byte)0);
        return end < 0 ? padded : padded[..end];
    }

    // The kernel tells the master without its zone. One with a helper is more likely to be meant.
    private bool FindMaster()
    {
        uint found = Find(zone: 0, zoneOriginal: 0);
        ushort foundZone = 0;
        foreach (ushort zone in _flows.Zones.Zones)
        {
            if (found != 0 && _flows[found].Helper != 0) break;
            uint other = Find(zone, 0) is var both and not 0 ? both : Find(0, zone);
            if (other == 0 || (found != 0 && _flows[other].Helper == 0)) continue;
            found = other;
            foundZone = zone;
        }

        Master = found;
        if (foundZone != 0)
        {
            _prepared.Zone = foundZone;
            _prepared.Fields |= ExpectationFields.Zone;
        }

        return found != 0;
    }

    private uint Find(ushort zone, ushort zoneOriginal)
    {
        uint handle = _flows.Find(new FlowKey(in _prepared.Master, zone, zoneOriginal));
        return handle != 0 && _slabs.Header(handle).State != EntryState.Dead ? handle : 0;
    }
}
