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
        Repeat(Faults.InTurns, FailInTurns);
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
        Repeat(Faults.LinksDown, LoseCarrier);
        Repeat(Faults.LinksSilent, Silence);
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
        Carry(from, to, on: false);
        if (bothWays) Carry(to, from, on: false);
        world.Agenda.After(length, () =>
        {
            Carry(from, to, on: true);
            if (bothWays) Carry(to, from, on: true);
        });
    }

    // Neither is silent for as long as it takes to be given up, but one of them was not heard for that long.
    private void FailInTurns()
    {
        int from = _dice.Below(world.Nodes.Count);
        int to = (from + 1 + _dice.Below(world.Nodes.Count - 1)) % world.Nodes.Count;
        long first = _dice.Between(3_000_000, 9_000_000);
        long second = _dice.Between(3_000_000, 9_000_000);
        world.Trace.Line($"cut {world.Nodes[from].Name}>{world.Nodes[to].Name}, then the other way");
        Carry(from, to, on: false);
        world.Agenda.After(first, () =>
        {
            Carry(from, to, on: true);
            Carry(to, from, on: false);
            world.Agenda.After(second, () => Carry(to, from, on: true));
        });
    }

    private void Carry(int from, int to, bool on)
    {
        // In the calm all carry, or one does not on purpose.
        if (world.Now >= _end) return;
        for (int link = 0; link < world.Links; link++) world.LinkOf(from, to, link).IsUp = on;
    }

    // Of a cable both ends see it; behind a switch only the one whose port it is.
    private void LoseCarrier()
    {
        int link = _dice.Below(world.Links);
        Node[] seeing = _dice.Chance(0.5) ? [.. world.Nodes] : [AnyNode()];
        foreach (Node node in seeing) node.SetLink(link, isUp: false);
        world.Agenda.After(_dice.Wait(3e6), () =>
        {
            foreach (Node node in seeing) node.SetLink(link, isUp: true);
        });
    }

    // A switch that forwards nothing any more, or that one node does not hear.
    private void Silence()
    {
        int link = _dice.Below(world.Links);
        int deaf = _dice.Chance(0.5) ? -1 : _dice.Below(world.Nodes.Count);
        world.Trace.Line($"link {link} carries nothing{(deaf < 0 ? "" : $" to {world.Nodes[deaf].Name}")}");
        Carry(false);
        world.Agenda.After(_dice.Wait(6e6), () => Carry(true));

        void Carry(bool on)
        {
            if (world.Now >= _end) return;
            foreach (Node from in world.Nodes)
            {
                foreach (Node to in world.Nodes)
                {
                    if (deaf < 0 || to.Index == deaf) world.LinkOf(from.Index, to.Index, link).IsUp = on;
                }
            }
        }
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
