using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Oracle;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>Says whether caches mirror what they are there to mirror, attribute by attribute.</summary>
internal static class Convergence
{
    // The kernel's timeouts run, and are refreshed without a word.
    private const FlowFields ToldByEvents = InternalShadow.Kept & ~(FlowFields.Timeout | FlowFields.Mark
        | FlowFields.Labels | FlowFields.SynProxy | FlowFields.SequenceOriginal | FlowFields.SequenceReply);

    /// <summary>What an internal cache and its kernel's table differ in; null when they agree.</summary>
    public static string? DifferenceOfKernel(World world, Node node)
    {
        if (node.Options.DisableInternalCache) return null;
        InternalShadow cache = node.Witness!.Internal;
        PackedFlow held = default;
        foreach (ModelFlow flow in node.Kernel.Flows)
        {
            flow.FillDump(ref held, world.Now);
            if (!node.Options.Filter.Accepts(in held, isDestroy: false)) continue;
            TupleKey key = flow.Key;
            if (cache.Find(in key) is not { } entry)
            {
                if ((node.Taint & Taint.InternalFull) != 0) continue;
                return $"{node.Name} does not know its own {key}";
            }

            // A flow whose first events were refused, or did not pass the filter, is known by what later ones say.
            bool isWhole = (node.Taint & Taint.InternalFull) == 0
                && node.Options.Filter.StateAction == FilterAction.None;
            FlowFields fields = ToldByEvents & (isWhole ? ToldByEvents : entry.Flow.Fields);
            string? difference = FlowDiff.Find(in held, in entry.Flow, fields)
                ?? (isWhole ? DifferenceOfRare(in held, in entry.Flow) : null);
            if (difference is not null) return $"{node.Name}: {key} in the kernel and in its cache: {difference}";
        }

        foreach ((TupleKey key, _) in cache.Living)
        {
            if (node.Kernel.Find(in key) is not { } flow || flow.Key != key)
                return $"{node.Name} holds {key}, which its kernel does not have";
        }

        return null;
    }

    /// <summary>What an external cache and the caches of the peers differ in; null when they agree.</summary>
    public static string? DifferenceOfPeers(World world, Node node)
    {
        ExternalShadow cache = node.Witness!.External;
        bool isFull = (node.Taint & Taint.ExternalFull) != 0;
        foreach (Node peer in world.Nodes)
        {
            if (peer == node || peer.Witness is not { } theirs || isFull) continue;
            foreach ((TupleKey key, ShadowEntry entry) in theirs.Internal.Living)
            {
                // Without internal cache lost events are made good by nothing but the next reading of the table.
                if (peer.Options.DisableInternalCache && peer.Kernel.Find(in key) is null) continue;
                if (entry.IsDue && cache.Find(in key) is null && !cache.WasEndedByAnother(in key, peer.Index))
                    return $"{node.Name} was not told of {key} of {peer.Name}";
            }
        }

        PackedFlow expected = default;
        foreach ((TupleKey key, ShadowEntry told) in cache.Entries)
        {
            Node owner = world.Nodes[told.Owner];
            if (owner.Witness is not { } theirs) continue;

            // Of a peer that answers with nothing when it is asked for everything nothing is swept, for it may have lost
            // its table; one that had given this node up may have nothing left indeed.
            if (theirs.Internal.Active == 0 && owner.Engine.Stats.PeersGivenUp > 0) continue;
            if (theirs.Internal.Find(in key) is not { } entry)
                return $"{node.Name} holds {key} of {owner.Name}, which does not have it";
            WireView.Project(in entry.Flow, owner.Options, ref expected);

            // What a dump adds without an event before is not announced: times that run, and a mark of zero.
            FlowFields silent = entry.IsTimeoutStale ? FlowFields.Timeout : FlowFields.None;
            if (MarkOf(in expected) == 0 && MarkOf(in told.Flow) == 0) silent |= FlowFields.Mark;
            FlowFields fields = WireView.Carried & ~silent;

            // A peer without internal cache tells changes only, and nobody can tell: they add to what is known.
            if (node.Options.Mode == SyncModeKind.Notrack && told.IsMixed) fields &= expected.Fields;

            // Its events tell no more than what has changed; what they did tell has to be right.
            if (owner.Options.DisableInternalCache) fields &= told.Flow.Fields & expected.Fields & ~FlowFields.Timeout;
            string? difference = FlowDiff.Find(in told.Flow, in expected, fields, timeoutTolerance: 2);
            if (difference is not null) return $"{node.Name} and {owner.Name} differ in {key}: {difference}";
        }

        return null;
    }

    // What a kernel leaves out of its events while it is zero or empty.
    private static string? DifferenceOfRare(in PackedFlow held, in PackedFlow cached)
    {
        uint mark = MarkOf(in cached);
        if (held.Mark != mark) return $"mark: {held.Mark} against {mark}";
        const FlowFields Rare = FlowFields.Labels | FlowFields.SequenceOriginal | FlowFields.SequenceReply;
        return FlowDiff.Find(in held, in cached, held.Fields & Rare);
    }

    private static uint MarkOf(in PackedFlow flow) => flow.Has(FlowFields.Mark) ? flow.Mark : 0;
}
