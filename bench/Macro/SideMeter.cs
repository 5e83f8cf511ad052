using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>What a firewall's daemon used and sent between two moments.</summary>
/// <param name="Cpu">CPU time, children included.</param>
/// <param name="MemoryGrowth">Bytes of VmRSS above the start.</param>
/// <param name="PeakGrowth">Bytes of VmHWM above VmRSS at the start.</param>
/// <param name="Counters">What the kernel counted.</param>
internal sealed record SideCost(CpuTime Cpu, long MemoryGrowth, long PeakGrowth, NamespaceCounters Counters)
{
    /// <summary>Null if no event was lost, else a sentence.</summary>
    public string? Losses() => Counters.LostEvents == 0 ? null : $"{Counters.LostEvents} events lost";
}

/// <summary>Measures one firewall's daemon from <see cref="Start"/> to <see cref="Stop"/>.</summary>
internal sealed class SideMeter
{
    private readonly Firewall _firewall;
    private readonly int _processId;
    private readonly CpuTime _cpu;
    private readonly NamespaceCounters _counters;

    private SideMeter(Firewall firewall, DaemonProcess daemon)
    {
        _firewall = firewall;
        _processId = daemon.ProcessId;
        BaseMemory = ProcessCost.Memory(_processId, "VmRSS");
        _counters = NamespaceCounters.Read(firewall.Namespace);
        _cpu = ProcessCost.Cpu(_processId);
    }

    /// <summary>Bytes of VmRSS at the start.</summary>
    public long BaseMemory { get; }

    public static SideMeter Start(Firewall firewall, DaemonProcess daemon) => new(firewall, daemon);

    public SideCost Stop() => new(
        ProcessCost.Cpu(_processId) - _cpu,
        ProcessCost.Memory(_processId, "VmRSS") - BaseMemory,
        ProcessCost.Memory(_processId, "VmHWM") - BaseMemory,
        NamespaceCounters.Read(_firewall.Namespace) - _counters);
}
