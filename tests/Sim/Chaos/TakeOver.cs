using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>The end of a seed and the point of it all: one node dies, the other commits, and the flows go on there.</summary>
internal sealed class TakeOver(World world, Plan plan)
{
    private const int CommitSeconds = 10;
    private const long LastWordsMilliseconds = 500;
    private const long ShortSeconds = 3;
    private const FlowStatus Lasting = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.SourceNat
        | FlowStatus.DestinationNat | FlowStatus.SequenceAdjust | FlowStatus.Expected;

    // The kernel shows a state of its own for a flow whose state is not known.
    private const FlowFields States = FlowFields.TcpState | FlowFields.SctpState | FlowFields.SctpTagOriginal
        | FlowFields.SctpTagReply;

    private readonly Dice _dice = new(plan.Seed, Concern.Takeover);

    public void Run()
    {
        Node lost = world.Nodes[_dice.Below(world.Nodes.Count)];
        Node heir = world.Nodes[(lost.Index + 1) % world.Nodes.Count];
        List<PackedFlow> flows = [.. lost.Witness!.Internal.Living.Select(static pair => pair.Value.Flow)];
        lost.Crash();

        // What it sent last still arrives.
        world.RunUntil(world.Now.PlusMilliseconds(LastWordsMilliseconds));
        Dictionary<TupleKey, long> secondsLeft = SecondsLeft(heir);
        Daemon daemon = heir.Daemon!;
        int seen = daemon.Notices.Count;
        heir.Command(SyncCommand.Commit);
        Instant end = world.Now.PlusSeconds(CommitSeconds);
        while (!daemon.Notices.Skip(seen).Any(static notice => notice.Kind == SyncNoticeKind.CommitDone))
        {
            if (world.Now >= end) throw new SimFailure($"{heir.Name} does not end its commit");
            world.RunUntil(world.Now.PlusMilliseconds(1));
        }

        daemon.Witness.CheckCaches();
        SyncNotice done = daemon.Notices.Skip(seen).First(static notice => notice.Kind == SyncNoticeKind.CommitDone);

        // What a third firewall tells, and what expires, may come in between.
        bool isQuiet = world.Nodes.Count == 2 && plan.Mode != SyncModeKind.Alarm;
        if (isQuiet && done.Value + done.Value2 != daemon.Witness.External.Count)
            throw new SimFailure($"{heir.Name} counts {done.Value} and {done.Value2} of {daemon.Witness.External.Count}");

        HashSet<TupleKey> failed = Failures(daemon, seen);
        if (failed.Count > done.Value2) throw new SimFailure($"{heir.Name} counts {done.Value2} of {failed.Count} failures");
        long seconds = ShortSeconds + (done.Microseconds / 1_000_000);
        foreach (PackedFlow flow in flows)
        {
            bool isShort = secondsLeft.GetValueOrDefault(TupleKey.Of(in flow)) <= seconds;
            CheckFlow(heir, lost, in flow, failed, isShort);
        }
    }

    // Of the lives that the flows are committed with: the shortest may be over before anybody looks.
    private Dictionary<TupleKey, long> SecondsLeft(Node heir)
    {
        var left = new Dictionary<TupleKey, long>();
        ulong cursor = 0;
        PackedFlow flow = default;
        while (heir.Engine.ReadNext(CacheKind.External, ref cursor, world.Now, ref flow, out EntryTimes times))
            left.Add(TupleKey.Of(in flow), flow.Has(FlowFields.Timeout) ? flow.Timeout - times.IdleSeconds : 60);
        return left;
    }

    private static HashSet<TupleKey> Failures(Daemon daemon, int seen)
    {
        var failed = new HashSet<TupleKey>();
        foreach (SyncNotice notice in daemon.Notices.Skip(seen))
        {
            if (notice.Kind is SyncNoticeKind.CommitCreateFailed or SyncNoticeKind.CommitDeleteFailed)
                failed.Add(TupleKey.Of(in notice.Flow));
        }

        return failed;
    }

    private void CheckFlow(Node heir, Node lost, in PackedFlow flow, HashSet<TupleKey> failed, bool isShort)
    {
        TupleKey key = TupleKey.Of(in flow);
        if (heir.Witness!.External.Find(in key) is not { } told) return;   // refused by a full cache: counted there
        if (told.Owner != lost.Index) return;   // another holds it, too, and told of it last
        if (plan.Mode == SyncModeKind.Notrack && told.IsMixed) return;   // with what another had told besides
        ModelFlow? found = heir.Kernel.Find(in key);
        if (failed.Contains(key))
        {
            if (!MayFail(heir, in flow, found)) throw new SimFailure($"{heir.Name} failed to commit {key}");
            return;
        }

        if (found is null || found.Key != key)
        {
            if (isShort) return;
            throw new SimFailure($"{heir.Name} committed {key}, which its kernel does not have");
        }

        if (lost.Options.DisableInternalCache) return;   // its events may not have told all of it
        string? difference = Difference(heir, in flow, found);
        if (difference is not null) throw new SimFailure($"{heir.Name} committed {key} otherwise than it was: {difference}");
    }

    // A master that has ended, or a tuple that another flow holds.
    private static bool MayFail(Node heir, in PackedFlow flow, ModelFlow? found)
    {
        if (found is not null && found.Key != TupleKey.Of(in flow)) return true;
        ushort zone = TupleKey.ZoneOf(in flow);
        if (heir.Kernel.Find(TupleKey.Of(in flow.Reply, zone)) is { } other && other.Key != TupleKey.Of(in flow))
            return true;
        return flow.Has(FlowFields.Master) && heir.Kernel.Find(TupleKey.Of(in flow.Master, zone)) is null;
    }

    private string? Difference(Node heir, in PackedFlow flow, ModelFlow found)
    {
        PackedFlow held = default;
        found.FillDump(ref held, world.Now);
        FlowFields compared = FlowFields.Original | FlowFields.Reply | FlowFields.Zone | FlowFields.Master
            | FlowFields.Helper | FlowFields.Labels | FlowFields.TcpState | FlowFields.SctpState
            | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply | FlowFields.SequenceOriginal
            | FlowFields.SequenceReply;
        PackedFlow sent = flow;
        if (flow.Has(FlowFields.Labels) && flow.Labels.IsEmpty) sent.Fields &= ~FlowFields.Labels;
        string? difference = FlowDiff.Find(in sent, in held, compared & (sent.Fields | ~States));
        if (difference is not null) return difference;

        uint mark = flow.Has(FlowFields.Mark) ? flow.Mark : 0;
        if (held.Mark != mark) return $"mark: {mark} against {held.Mark}";
        FlowStatus missing = flow.Status & Lasting & ~held.Status;
        if (!flow.Has(FlowFields.Master)) missing &= ~FlowStatus.Expected;
        if (!flow.Has(FlowFields.SequenceOriginal)) missing &= ~FlowStatus.SequenceAdjust;
        if (missing != 0) return $"status lacks {missing}";
        if (heir.Options.CommitTimeoutSeconds is { } fixedSeconds && held.Timeout + 1 < fixedSeconds - CommitSeconds)
            return $"timeout: {held.Timeout} of {fixedSeconds}";
        return DifferenceOfWindow(heir, in flow, found);
    }

    // Either the scales are there, or the kernel does not look at windows.
    private string? DifferenceOfWindow(Node heir, in PackedFlow flow, ModelFlow found)
    {
        if (!flow.Has(FlowFields.TcpState)) return null;
        if (!heir.Options.TcpWindowTracking)
        {
            bool isLiberal = (found.FlagsOriginal & found.FlagsReply & (byte)TcpFlags.BeLiberal) != 0;
            return isLiberal ? null : "the kernel would look at windows it does not know";
        }

        return null;
    }
}
