using TwinTrack.Replication;
using TwinTrack.Sim.Net;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim;

/// <summary>Hands a node something else than what was sent to it: how planted bugs come into a world.</summary>
/// <param name="to">The node.</param>
/// <param name="parcel">What was sent.</param>
/// <returns>The datagrams that the engine gets instead.</returns>
internal delegate IEnumerable<byte[]> Tamper(int to, Parcel parcel);

/// <summary>Nodes, the links between them, and one clock: the same seed gives the same world, step by step.</summary>
internal sealed class World : IDisposable
{
    private readonly Link[,,] _links;
    private readonly long[] _delays = new long[2];
    private long _parcels;
    private uint _ports = 100;
    private int _tickets;

    public World(ulong seed, IReadOnlyList<NodeSetup> setups, LinkOptions link, TextWriter? trace = null, int links = 1)
    {
        Seed = seed;
        Trace = new Trace(trace, Agenda);
        Links = links;
        _links = new Link[links, setups.Count, setups.Count];
        for (int number = 0; number < links; number++)
        {
            for (int from = 0; from < setups.Count; from++)
            {
                for (int to = 0; to < setups.Count; to++)
                {
                    ulong stream = seed + (ulong)((number * 256) + (from * 16) + to);
                    _links[number, from, to] = new Link(link, new Dice(stream, Concern.Network));
                }
            }
        }

        Nodes = [.. setups.Select((setup, index) => new Node(this, index, setup))];
        foreach (Node node in Nodes)
        {
            string name = node.Name;
            node.Kernel.Changed = Trace.IsOn
                ? (change, flow) => Trace.Line($"{name} kernel {change} {flow.Key} {Describe(flow)}")
                : null;
        }
    }

    public ulong Seed { get; }

    public Agenda Agenda { get; } = new();

    public Trace Trace { get; }

    public IReadOnlyList<Node> Nodes { get; }

    public Instant Now => Agenda.Now;

    /// <summary>A planted bug; null in an honest world.</summary>
    public Tamper? Tamper { get; set; }

    /// <summary>Dedicated links that each node has.</summary>
    public int Links { get; }

    public Link LinkOf(int from, int to, int link = 0) => _links[link, from, to];

    public long NextParcel() => ++_parcels;

    public uint NextPortId() => ++_ports;

    public int NextTicket() => ++_tickets;

    /// <summary>Lets time pass.</summary>
    public void RunUntil(Instant until)
    {
        while (true)
        {
            Instant expiry = Instant.Never;
            foreach (Node node in Nodes) expiry = Instant.Earlier(expiry, node.Kernel.NextExpiry);
            if (Agenda.Step(Instant.Earlier(until, expiry))) continue;
            if (expiry > until) return;
            foreach (Node node in Nodes) node.Kernel.Expire(Now);
        }
    }

    /// <summary>Sends a datagram to all other nodes by one of the links.</summary>
    public void Send(Parcel parcel, int link)
    {
        Node sender = Nodes[parcel.From];
        foreach (Node node in Nodes)
        {
            if (node == sender) continue;
            bool isConnected = sender.HasLink(link) && node.HasLink(link);
            int copies = isConnected ? LinkOf(parcel.From, node.Index, link).Carry(_delays) : 0;
            if (Trace.IsOn)
            {
                string by = Links == 1 ? "" : $" link {link}";
                Trace.Line($"{sender.Name}>{node.Name}{by} #{parcel.Number} {PacketText.Describe(parcel.Bytes)}"
                    + Fate(copies));
            }

            for (int copy = 0; copy < copies; copy++)
            {
                Node to = node;
                Agenda.After(_delays[copy], () =>
                {
                    // What an earlier run sent does not outlive it in the network.
                    if (sender.Run == parcel.Run) to.Receive(parcel, link);
                });
            }
        }
    }

    /// <summary>Ends all faults of the network and of the machines, but for one link that carries nothing.</summary>
    public void Heal(int? silentLink = null)
    {
        foreach (Link link in _links)
        {
            link.IsUp = true;
            link.IsFaulty = false;
        }

        foreach (Node node in Nodes)
        {
            node.Heal();
            if (silentLink is not { } silent) continue;
            foreach (Node other in Nodes) LinkOf(node.Index, other.Index, silent).IsUp = false;
        }
    }

    public void Dispose()
    {
        foreach (Node node in Nodes) node.Stop();
    }

    private static string Fate(int copies) => copies switch
    {
        0 => " lost",
        2 => " twice",
        _ => "",
    };

    private static string Describe(Kernel.ModelFlow flow) =>
        $"state {flow.State} status {(uint)flow.Status:x} mark {flow.Mark}";
}
