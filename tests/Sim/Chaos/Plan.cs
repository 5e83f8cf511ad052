using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Net;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>What may go wrong in a world. Each seed draws which of these exist in it at all.</summary>
[Flags]
internal enum Faults
{
    None = 0,
    Loss = 1,
    Bursts = 2,
    Duplicates = 4,
    Jitter = 8,
    Stragglers = 16,
    Partitions = 32,
    OneWayPartitions = 64,
    Clogs = 128,
    Stalls = 256,
    Overruns = 512,
    SmallBuffers = 1024,
    Restarts = 2048,
    Crashes = 4096,
    Commits = 8192,
    KernelFlushes = 16384,
    CacheFlushes = 32768,
    Resyncs = 65536,
    Purges = 131072,

    /// <summary>A dedicated link of a node loses its carrier.</summary>
    LinksDown = 262144,

    /// <summary>A dedicated link carries nothing any more, in one direction or both, and nobody is told.</summary>
    LinksSilent = 524288,

    /// <summary>One direction between two of several nodes fails for long, and then the other.</summary>
    InTurns = 1048576,

    /// <summary>What FT-FW makes good without anybody's help.</summary>
    OfTheNetwork = Loss | Bursts | Duplicates | Jitter | Stragglers | Partitions | OneWayPartitions | Clogs | Stalls
        | Resyncs | LinksDown | LinksSilent | InTurns,
}

/// <summary>Kinds of flows that occur in a world.</summary>
[Flags]
internal enum Kinds
{
    None = 0,
    IPv6 = 1,
    Nat = 2,
    Zones = 4,
    Marks = 8,
    Labels = 16,
    Helpers = 32,
    OtherProtocols = 64,
    Sequences = 128,
    SharedTuples = 256,
    Kills = 512,
}

/// <summary>Everything a seed decides before its world begins.</summary>
internal sealed record Plan
{
    private const int TurnSeconds = 15;

    public required ulong Seed { get; init; }

    public required Faults Faults { get; init; }

    public required Kinds Kinds { get; init; }

    /// <summary>How all nodes make reliability.</summary>
    public required SyncModeKind Mode { get; init; }

    /// <summary>Seconds of the chaos phase.</summary>
    public required int ChaosSeconds { get; init; }

    /// <summary>Seconds between two faults of one kind, on average.</summary>
    public required int FaultSeconds { get; init; }

    /// <summary>Changes to each kernel's table in a second.</summary>
    public required int Rate { get; init; }

    /// <summary>Tuples that a node's flows have: the fewer, the more often one comes again.</summary>
    public required int Tuples { get; init; }

    public required LinkOptions Link { get; init; }

    /// <summary>Dedicated links of each node.</summary>
    public required int Links { get; init; }

    /// <summary>The link that carries nothing in the calm either; null: all do.</summary>
    public required int? SilentLink { get; init; }

    public required IReadOnlyList<NodeSetup> Nodes { get; init; }

    public static Plan Draw(ulong seed)
    {
        var dice = new Dice(seed, Concern.Plan);
        Faults faults = DrawFlags(dice, (Faults)0x3ffff, 0.35);
        if (dice.Chance(0.35)) faults &= Faults.OfTheNetwork;
        var shape = new Dice(seed, Concern.Shape);
        SyncModeKind mode = shape.Pick(
            SyncModeKind.Ftfw, SyncModeKind.Ftfw, SyncModeKind.Ftfw, SyncModeKind.Notrack, SyncModeKind.Alarm);
        int nodes = shape.Chance(0.35) ? 3 : 2;
        var links = DrawLinks(new Dice(seed, Concern.Links), ref faults);
        Kinds kinds = DrawFlags(dice, (Kinds)0x3ff, 0.5);
        if (nodes > 2 && new Dice(seed, Concern.Turns).Chance(0.3)) faults |= Faults.InTurns;
        var plan = new Plan
        {
            Seed = seed,
            Faults = faults,
            Mode = mode,
            Kinds = nodes > 2 ? kinds & ~Kinds.SharedTuples : kinds,
            ChaosSeconds = dice.Between(5, 25) + ((faults & Faults.InTurns) == 0 ? 0 : TurnSeconds),
            FaultSeconds = dice.Between(2, 10),
            Rate = dice.Pick(5, 20, 50, 100),
            Tuples = dice.Pick(4, 20, 60, 150),
            Link = DrawLink(dice, faults),
            Links = links.Count,
            SilentLink = links.Silent,
            Nodes = DrawNodes(seed, nodes, mode, faults, shape),
        };
        return plan;
    }

    public override string ToString() =>
        $"seed {Seed}: {Mode}, {ChaosSeconds} s, {Rate} changes/s, {Tuples} tuples; faults {Faults}; kinds {Kinds}\n"
        + string.Join('\n', Nodes.Select(static node => $"{node.Name}: {Describe(node.Options)} {node.Shell}"))
        + $"\n{Links} links, each {Link}; silent in the calm: {SilentLink?.ToString() ?? "none"}";

    private static string Describe(SyncOptions options) =>
        $"{(options.DenseFormat ? "dense" : "plain")}, internal cache {!options.DisableInternalCache}, "
        + $"announce delay {options.AnnounceDelayMilliseconds} ms above {options.AnnounceAtOnce}, "
        + $"window {options.AckWindow}, resend {options.ResendQueueSize}, caches {options.CacheLimit}, commit timeout "
        + $"{options.CommitTimeoutSeconds?.ToString() ?? "none"}, repair after "
        + $"{options.OverrunResyncSeconds?.ToString() ?? "never"}, startup resync {options.StartupResync}, window scales "
        + $"{options.TcpWindowTracking}, filter {!options.Filter.AcceptsAll};";

    private static T DrawFlags<T>(Dice dice, T all, double probability)
        where T : struct, Enum
    {
        long bits = 0;
        for (long bit = 1; bit <= Convert.ToInt64(all); bit <<= 1)
        {
            if (dice.Chance(probability)) bits |= bit;
        }

        return (T)Enum.ToObject(typeof(T), bits);
    }

    private static (int Count, int? Silent) DrawLinks(Dice dice, ref Faults faults)
    {
        int links = dice.Pick(1, 1, 2, 2, 3, 4);
        if (links == 1) return (1, null);
        if (dice.Chance(0.7)) faults |= Faults.LinksDown;
        if (dice.Chance(0.7)) faults |= Faults.LinksSilent;
        return (links, dice.Chance(0.3) ? dice.Below(links) : null);
    }

    private static LinkOptions DrawLink(Dice dice, Faults faults) => new()
    {
        DelayMicroseconds = dice.Pick(50, 200, 2000, 20_000),
        JitterMicroseconds = (faults & Faults.Jitter) == 0 ? 0 : dice.Pick(100, 1000, 50_000),
        Loss = (faults & Faults.Loss) == 0 ? 0 : dice.Pick(0.01, 0.1, 0.3),
        BurstStart = (faults & Faults.Bursts) == 0 ? 0 : dice.Pick(0.005, 0.05),
        BurstEnd = dice.Pick(0.05, 0.2, 0.5),
        Duplicates = (faults & Faults.Duplicates) == 0 ? 0 : dice.Pick(0.02, 0.2),
        Stragglers = (faults & Faults.Stragglers) == 0 ? 0 : dice.Pick(0.01, 0.1),
    };

    // Nodes of a group begin to count far from each other: by that they know which acknowledgements are theirs.
    private static NodeSetup[] DrawNodes(ulong seed, int count, SyncModeKind mode, Faults faults, Dice shape)
    {
        var nodes = new NodeSetup[count];
        uint spread = count > 2 ? uint.MaxValue / 3 : 0;
        uint refresh = (uint)shape.Between(1, 4);
        var announce = new Dice(seed, Concern.Announcements);
        var caches = new Dice(seed, Concern.Caches);
        var format = new Dice(seed, Concern.Formats);
        bool isDense = format.Chance(0.7);
        for (int index = 0; index < count; index++)
        {
            NodeSetup drawn = DrawNode($"{(char)('a' + index)}", seed + ((ulong)index << 40), faults);
            nodes[index] = drawn with
            {
                Options = drawn.Options with
                {
                    AnnounceDelayMilliseconds = announce.Pick(0u, 1u, 50u, 50u, 500u),
                    AnnounceAtOnce = announce.Pick(0, 0, 2, 20),
                    Mode = mode,
                    DisableInternalCache = caches.Chance(0.3) && mode == SyncModeKind.Notrack,

                    // A node that cannot read it and was never heard may get it in a group, and miss it; the witness
                    // knows loss of datagrams only.
                    DenseFormat = count > 2 ? isDense : format.Chance(0.75),
                    RefreshSeconds = refresh,
                    CacheTimeoutSeconds = 12 + (refresh * 3),
                },
                FirstSequence = index == 0 || spread == 0
                    ? drawn.FirstSequence
                    : nodes[0].FirstSequence + (spread * (uint)index),
            };
        }

        return nodes;
    }

    private static NodeSetup DrawNode(string name, ulong seed, Faults faults)
    {
        var dice = new Dice(seed, Concern.Options);
        bool isSmall = (faults & Faults.SmallBuffers) != 0;
        return new NodeSetup(name)
        {
            Options = DrawOptions(dice),
            Shell = new ShellOptions
            {
                LatencyMicroseconds = dice.Pick(20, 200, 2000, 10_000),
                ReadsPerTurn = dice.Pick(1, 5, 100),
                DrainsAfterEachInput = dice.Chance(0.3),
                RequestLimit = dice.Pick(1, 16, 512),
                KernelMicroseconds = dice.Pick(50, 1000),
                DumpChunk = dice.Pick(1, 5, 50),
                EventBuffer = isSmall ? dice.Pick(5, 30) : 100_000,
                ReceiveBuffer = isSmall ? dice.Pick(2, 20) : 10_000,
                Capacity = dice.Pick(1472, 1472, 548, 200, 60),
            },
            Kernel = new KernelOptions
            {
                TcpSeconds = [0, 10, 5, 600, 8, 5, 3, 4, 2, 10],
                SctpSeconds = [0, 10, 3, 3, 600, 3, 3, 3, 30, 30],
                UdpSeconds = (4, 15),
                IcmpSeconds = 3,
                GenericSeconds = 600,
            },
            FirstSequence = dice.Pick(1_800_000_000u, 1_800_000_000u, uint.MaxValue - 300, int.MaxValue - 300u, 0u),
        };
    }

    private static SyncOptions DrawOptions(Dice dice) => new()
    {
        AckWindow = dice.Pick(300, 300, 20, 5, 2, 1),
        ResendQueueSize = dice.Pick(131_072, 131_072, 131_072, 500, 40),
        CacheLimit = dice.Pick(262_144, 262_144, 262_144, 262_144, 262_144, 60, 10),
        CommitTimeoutSeconds = dice.Chance(0.2) ? 180u : null,
        PurgeSeconds = (uint)dice.Between(1, 5),
        StartupResync = dice.Chance(0.3),
        TcpWindowTracking = dice.Chance(0.3),
        OverrunResyncSeconds = dice.Pick<uint?>(0, 0, 3, 8, null),
        Filter = DrawFilter(dice),
        IndexSeed = dice.Next(),
    };

    private static FlowFilter DrawFilter(Dice dice) => dice.Below(10) switch
    {
        0 => new(FilterAction.Ignore, [IpProtocol.Udp, IpProtocol.Icmp], FilterAction.None, [], FilterAction.None, []),
        1 => new(
            FilterAction.None, [], FilterAction.Ignore,
            [new FilterNetwork(AddressFamily.IPv4, Sim.Tuples.Parse("10.0.0.0", out _), 12)], FilterAction.None, []),
        2 => new(
            FilterAction.Accept, [IpProtocol.Tcp], FilterAction.None, [], FilterAction.Accept,
            [TcpState.Established, TcpState.TimeWait, TcpState.Close]),
        _ => FlowFilter.AcceptAll,
    };
}
