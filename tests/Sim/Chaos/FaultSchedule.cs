using TwinTrack.Replication;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>Lets the faults of a plan happen, at times the seed decides, until the chaos ends.</summary>
internal sealed class FaultSchedule(World world, Plan plan)
{
    private const long LeastLifeSeconds = 2;

    private readonly Dice _dice = new(plan.Seed, Concern.Faults);
    private readonly Instant _end = world.Now.PlusSeconds(plan.ChaosSeconds);

    public void Start()
    {
        Repeat(Faults.Partitions, () => Cut(bothWays: true));
        Repeat(Faults.OneWayPartitions, () => Cut(bothWays: false));
        Repeat(Faults.Clogs, Clog);
        Repeat(Faults.Stalls, () => AnyNode().Stall(_dice.Between(1000, 1_500_000)));
        Repeat(Faults.Overruns, () => AnyNode().Daemon?.Overrun());
        Repeat(Faults.Restarts, () => Restart(isCrash: false));
        Repeat(Faults.Crashes, () => Restart(isCrash: true));
        Repeat(Faults.Commits, () => AnyNode().Command(SyncCommand.Commit));
        Repeat(Faults.KernelFlushes, () => AnyNode().Command(SyncCommand.FlushKernel));
        Repeat(Faults.CacheFlushes, () => AnyNode().Command(_dice.Pick(
            SyncCommand.FlushCaches, SyncCommand.FlushInternalCache, SyncCommand.FlushExternalCache)));
        Repeat(Faults.Resyncs, () => AnyNode().Command(_dice.Pick(
            SyncCommand.ResyncKernel, SyncCommand.SendBulk, SyncCommand.RequestResync)));
        Repeat(Faults.Purges, () => AnyNode().Command(SyncCommand.Purge));
    }

    private Node AnyNode() => world.Nodes[_dice.Below(world.Nodes.Count)];

    private void Repeat(Faults fault, Action happen)
    {
        if ((plan.Faults & fault) == 0) return;
        long wait = _dice.Wait(plan.FaultSeconds * 1e6);
        world.Agenda.After(wait, () =>
        {
            if (world.Now >= _end) return;
            happen();
            Repeat(fault, happen);
        });
    }

    private void Cut(bool bothWays)
    {
        int from = _dice.Below(world.Nodes.Count);
        int to = (from + 1 + _dice.Below(world.Nodes.Count - 1)) % world.Nodes.Count;
        long length = _dice.Wait(1.5e6);
        world.Trace.Line($"cut {world.Nodes[from].Name}>{world.Nodes[to].Name}{(bothWays ? " both ways" : "")}");
        world.LinkOf(from, to).IsUp = false;
        if (bothWays) world.LinkOf(to, from).IsUp = false;
        world.Agenda.After(length, () =>
        {
            world.LinkOf(from, to).IsUp = true;
            if (bothWays) world.LinkOf(to, from).IsUp = true;
        });
    }

    private void Clog()
    {
        Node node = AnyNode();
        node.Clog(on: true);
        world.Agenda.After(_dice.Wait(1e6), () => node.Clog(on: false));
    }

    private void Restart(bool isCrash)
    {
        Node node = AnyNode();

        // A second restart while the greetings of the first are on their way takes numbers that are still in use.
        if (node.Daemon is null || world.Now < node.StartedAt.PlusSeconds(LeastLifeSeconds)) return;
        if (isCrash) node.Crash();
        else node.Stop();
        node.Taint |= Taint.Restarted;
        world.Agenda.After(1_000_000 + _dice.Wait(1e6), node.Start);
    }
}
