namespace TwinTrack.Sim.Shell;

/// <summary>How the daemon around an engine behaves.</summary>
internal sealed record ShellOptions
{
    /// <summary>From an input's arrival until the daemon runs, at most.</summary>
    public int LatencyMicroseconds { get; init; } = 100;

    /// <summary>Events and datagrams read in one turn.</summary>
    public int ReadsPerTurn { get; init; } = 100;

    /// <summary>Drain the outputs after each single input, rather than once a turn.</summary>
    public bool DrainsAfterEachInput { get; init; }

    /// <summary>Requests to the kernel that may be unanswered.</summary>
    public int RequestLimit { get; init; } = 64;

    /// <summary>From a request until the kernel's answer can be read, at most.</summary>
    public int KernelMicroseconds { get; init; } = 200;

    /// <summary>Entries of a dump in one datagram.</summary>
    public int DumpChunk { get; init; } = 20;

    /// <summary>Events that the buffer of the event socket holds.</summary>
    public int EventBuffer { get; init; } = 100_000;

    /// <summary>Datagrams that the receive buffer holds.</summary>
    public int ReceiveBuffer { get; init; } = 10_000;

    /// <summary>Room for messages in a datagram: MTU less the headers of IP and UDP.</summary>
    public int Capacity { get; init; } = 1472;
}
