using TwinTrack.Replication;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>One seed from beginning to end: chaos, calm, what operators repair, agreement, take-over.</summary>
internal sealed class Simulation : IDisposable
{
    private const long CheckMicroseconds = 250_000;
    private const int SettleSeconds = 12;
    private const int SearchSeconds = 8;       // for each link, when one of them carries nothing
    private const int BacklogSeconds = 60;

    private const Taint NeedsKernel = Taint.InternalFlushed | Taint.Unrepaired;

    private const Taint NeedsFlushAtPeers =
        NeedsKernel | Taint.Restarted | Taint.SilentChange | Taint.ResendOverflow | Taint.InternalFull;

    private const Taint NeedsResync = Taint.Restarted | Taint.ExternalFlushed | Taint.ExternalFull;

    private readonly Plan _plan;
    private readonly World _world;
    private readonly List<Traffic> _traffic = [];

    public Simulation(Plan plan, TextWriter? trace = null, Tamper? tamper = null)
    {
        _plan = plan;
        trace?.WriteLine(plan);
        _world = new World(plan.Seed, plan.Nodes, plan.Link, trace, plan.Links) { Tamper = tamper };
    }

    public World World => _world;

    /// <summary>Runs the seed.</summary>
    /// <exception cref="SimFailure">Something was not as it must be; the message says when and what.</exception>
    public void Run()
    {
        try
        {
            Chaos();
            Calm();
            new TakeOver(_world, _plan).Run();
        }
        catch (SimFailure failure)
        {
            throw new SimFailure($"at {Trace.Format(_world.Now)} s: {failure.Message}");
        }
        catch (Exception exception)
        {
            throw new SimFailure($"at {Trace.Format(_world.Now)} s: {exception}");
        }
    }

    public void Dispose() => _world.Dispose();

    private void Chaos()
    {
        foreach (Node node in _world.Nodes)
        {
            node.Start();
            var traffic = new Traffic(_world, node, _plan);
            traffic.Start();
            _traffic.Add(traffic);
        }

        new FaultSchedule(_world, _plan).Start();
        Instant end = _world.Now.PlusSeconds(_plan.ChaosSeconds);
        while (_world.Now < end) Check();
    }

    private void Calm()
    {
        _world.Trace.Line("calm");
        foreach (Traffic traffic in _traffic) traffic.Stop();
        foreach (Node node in _world.Nodes) node.Start();
        _world.Heal(_plan.SilentLink);
        uint repair = _world.Nodes.Max(static node => node.Options.OverrunResyncSeconds ?? 0);

        // Purges that were scheduled happen, and a link that carries is found, before anybody looks.
        uint purge = (_plan.Faults & Faults.Purges) == 0 ? 0 : _world.Nodes.Max(static node => node.Options.PurgeSeconds);
        int search = _plan.SilentLink is null ? 0 : SearchSeconds * _plan.Links;
        Instant pending = _world.Now.PlusSeconds(Math.Max(repair, purge) + search + 1);
        while (_world.Now < pending) Check();

        LetInboxesEmpty();
        Settle("without help", static node => (node.Taint & NeedsKernel) == 0, MirrorsPeersUnaided);
        LetInboxesEmpty();
        Repair();
        Settle("after the operators' repairs", static _ => true, static (_, _) => true);
        Instant end = _world.Now.PlusSeconds(SettleSeconds);
        while (_world.Nodes.FirstOrDefault(static node => !node.Daemon!.IsIdle) is { } busy)
        {
            if (_world.Now >= end) throw new SimFailure($"{busy.Name} is never done with its kernel");
            Check();
        }
    }

    // What a slow node has still to read is of times before: nothing agrees before it is read, and it must not come after
    // the caches were emptied.
    private void LetInboxesEmpty()
    {
        Instant end = _world.Now.PlusSeconds(BacklogSeconds);
        while (_world.Now < end && _world.Nodes.Any(static node => !node.Daemon!.IsUpToDate)) Check();
    }

    // NOTRACK promises nothing before a resync; ALARM makes everything good by repetition.
    private static bool MirrorsPeersUnaided(World world, Node node) => node.Options.Mode switch
    {
        SyncModeKind.Notrack => false,
        SyncModeKind.Alarm => true,
        _ => IsUntainted(world, node),
    };

    private static bool IsUntainted(World world, Node node)
    {
        if ((node.Taint & Taint.ExternalFlushed) != 0) return false;
        if ((node.Taint & Taint.Restarted) != 0 && !node.Options.StartupResync) return false;
        return world.Nodes.All(peer => peer == node || (peer.Taint & NeedsFlushAtPeers) == 0);
    }

    // What the manual tells operators to do when a firewall missed something, on the one hand and on the other.
    private void Repair()
    {
        foreach (Node node in _world.Nodes)
        {
            if ((node.Taint & NeedsKernel) == 0) continue;
            node.Command(SyncCommand.FlushInternalCache);
            node.Command(SyncCommand.ResyncKernel);
        }

        Instant wait = _world.Now.PlusSeconds(2);
        while (_world.Now < wait) Check();
        if (_plan.Mode == SyncModeKind.Alarm) return;
        foreach (Node node in _world.Nodes)
        {
            if (_plan.Mode == SyncModeKind.Notrack)
            {
                node.Command(SyncCommand.FlushExternalCache);
                node.Command(SyncCommand.RequestResync);
                continue;
            }

            bool isStale = _world.Nodes.Any(peer => peer != node && (peer.Taint & NeedsFlushAtPeers) != 0);
            if (isStale || (node.Taint & Taint.ExternalFull) != 0) node.Command(SyncCommand.FlushExternalCache);
            if (isStale || (node.Taint & NeedsResync) != 0) node.Command(SyncCommand.RequestResync);
        }
    }

    private void Settle(string how, Func<Node, bool> mirrorsKernel, Func<World, Node, bool> mirrorsPeers)
    {
        SyncOptions options = _world.Nodes[0].Options;
        uint repetition =
            _plan.Mode == SyncModeKind.Alarm ? options.RefreshSeconds + options.CacheTimeoutSeconds : 0;
        Instant end = _world.Now.PlusSeconds((SettleSeconds * (_world.Nodes.Count - 1)) + repetition);
        while (true)
        {
            Check();
            string? difference = Difference(mirrorsKernel, mirrorsPeers);
            if (difference is null) return;
            if (_world.Now >= end) throw new SimFailure($"no agreement {how}: {difference}");
        }
    }

    private string? Difference(Func<Node, bool> mirrorsKernel, Func<World, Node, bool> mirrorsPeers)
    {
        foreach (Node node in _world.Nodes)
        {
            string? difference = mirrorsKernel(node) ? Convergence.DifferenceOfKernel(_world, node) : null;
            difference ??= mirrorsPeers(_world, node) ? Convergence.DifferenceOfPeers(_world, node) : null;
            if (difference is not null) return difference;
        }

        return null;
    }

    private void Check()
    {
        _world.RunUntil(new Instant(_world.Now.Microseconds + CheckMicroseconds));
        foreach (Node node in _world.Nodes) node.Witness?.CheckCaches();
    }
}
