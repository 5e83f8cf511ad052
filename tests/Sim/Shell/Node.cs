using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Net;
using TwinTrack.Sim.Oracle;

namespace TwinTrack.Sim.Shell;

/// <summary>A firewall: a model kernel, and a daemon around a real engine that does what the real daemon does.</summary>
/// <remarks>
/// A turn reads what has arrived, calls the deadline, drains the outputs. Between turns the daemon sleeps.
/// Everything that survives the daemon is here, everything that does not is in <see cref="Daemon"/>.
/// </remarks>
internal sealed class Node(World world, int index, NodeSetup setup)
{
    private readonly Dice _dice = new(world.Seed + ((ulong)index << 32), Concern.Shell);
    private readonly bool[] _hasLink = [.. Enumerable.Repeat(true, world.Links)];
    private Daemon? _daemon;

    public string Name => setup.Name;

    public int Index => index;

    public SyncOptions Options => setup.Options;

    public ShellOptions Shell => setup.Shell;

    public ModelKernel Kernel { get; } = new(setup.Kernel, world.Seed + (ulong)index);

    public PeerId Peer { get; } = new(Address.FromIPv4(0x0a00_0000u | (uint)(index + 1)));

    /// <summary>Counts the daemon's runs, from 1.</summary>
    public int Run { get; private set; }

    /// <summary>When the daemon was started last.</summary>
    public Instant StartedAt { get; private set; }

    /// <summary>The daemon; null while it is down.</summary>
    public Daemon? Daemon => _daemon;

    /// <summary>What watches the daemon; null while it is down.</summary>
    public Witness? Witness => _daemon?.Witness;

    public SyncEngine Engine =>
        _daemon?.Engine ?? throw new SimFailure($"the daemon of {Name} is down");

    /// <summary>The socket towards the peers takes nothing.</summary>
    public bool IsClogged { get; private set; }

    /// <summary>Its buffers are as large as need be.</summary>
    public bool IsHealed { get; private set; }

    /// <summary>The daemon gets no processor until then.</summary>
    public Instant StalledUntil { get; private set; }

    /// <summary>What happened here that FT-FW by design doesn't make good on its own.</summary>
    public Taint Taint { get; set; }

    public Dice Dice => _dice;

    /// <summary>Starts the daemon, which reads the kernel's table first.</summary>
    public void Start()
    {
        if (_daemon is not null) return;
        Run++;
        StartedAt = world.Now;
        world.Trace.Line($"{Name} start run {Run}");
        _daemon = new Daemon(world, this, new Seq(setup.FirstSequence + world.Now.Seconds));
        _daemon.Start();
    }

    /// <summary>Stops the daemon at once; the kernel goes on.</summary>
    public void Stop()
    {
        if (_daemon is null) return;
        world.Trace.Line($"{Name} stop");
        _daemon.Stop();
        _daemon = null;
    }

    /// <summary>The machine goes down, and its table with it.</summary>
    public void Crash()
    {
        world.Trace.Line($"{Name} crash");
        Stop();
        Kernel.Crash();
    }

    public void Clog(bool on)
    {
        world.Trace.Line($"{Name} {(on ? "clog" : "unclog")}");
        IsClogged = on;
        if (!on) _daemon?.Wake();
    }

    public void Stall(long microseconds)
    {
        world.Trace.Line($"{Name} stall {microseconds} us");
        StalledUntil = new Instant(world.Now.Microseconds + microseconds);
    }

    /// <summary>Whether one of its dedicated links has a carrier.</summary>
    public bool HasLink(int link) => _hasLink[link];

    /// <summary>One of its dedicated links loses its carrier, or has it again.</summary>
    public void SetLink(int link, bool isUp)
    {
        if (_hasLink[link] == isUp) return;
        world.Trace.Line($"{Name} link {link} {(isUp ? "up" : "down")}");
        _hasLink[link] = isUp;
        _daemon?.OnLink(link);
    }

    public void Heal()
    {
        for (int link = 0; link < world.Links; link++) SetLink(link, isUp: true);
        IsHealed = true;
        _daemon?.WidenBuffers();
        StalledUntil = default;
        if (IsClogged) Clog(on: false);
        _daemon?.Wake();
    }

    /// <summary>An operator's command.</summary>
    /// <returns>What the engine said; null while the daemon is down.</returns>
    public SyncReply? Command(SyncCommand command) => _daemon?.Command(command);

    /// <summary>A datagram arrives.</summary>
    public void Receive(Parcel parcel, int link) => _daemon?.Receive(parcel, link);
}

/// <summary>What a node is made of.</summary>
internal sealed record NodeSetup(string Name)
{
    public SyncOptions Options { get; init; } = new();

    public ShellOptions Shell { get; init; } = new();

    public KernelOptions Kernel { get; init; } = new();

    /// <summary>The time of day at the world's start, in seconds: where sequence numbers begin.</summary>
    public uint FirstSequence { get; init; } = 1_800_000_000;
}

/// <summary>Why the caches of a node, or of its peer, may differ from what they mirror, so that an operator must act.</summary>
[Flags]
internal enum Taint
{
    None = 0,

    /// <summary>The daemon was down: what ended meanwhile, the peer is not told.</summary>
    Restarted = 1,

    /// <summary>The kernel was changed in our name, which is not announced.</summary>
    SilentChange = 2,

    /// <summary>The internal cache was emptied.</summary>
    InternalFlushed = 4,

    /// <summary>The external cache was emptied.</summary>
    ExternalFlushed = 8,

    /// <summary>Events were lost and the repair is switched off.</summary>
    Unrepaired = 16,

    /// <summary>The resend queue gave something up.</summary>
    ResendOverflow = 32,

    /// <summary>The internal cache refused something.</summary>
    InternalFull = 64,

    /// <summary>The external cache refused something.</summary>
    ExternalFull = 128,
}
