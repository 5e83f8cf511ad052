namespace TwinTrack.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    /// <summary>The workloads to measure.</summary>
    public required IReadOnlyList<string> Workloads { get; init; }

    /// <summary>Flows of all workloads but http.</summary>
    public int Flows { get; init; } = 100_000;

    /// <summary>How often everything is repeated.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>Seconds of HTTP load for each of the four set-ups of a round.</summary>
    public int Seconds { get; init; } = 8;

    /// <summary>
    /// A rule set for the primary under HTTP load that keeps the kernel from making events; null for none.
    /// </summary>
    public string? EventRules { get; init; }

    /// <summary>Seconds to wait before each set-up for other programs to leave the machine alone.</summary>
    public int Quiet { get; init; }

    /// <summary>Where to draw how figures go with the number of flows, and nothing else; null: nowhere.</summary>
    public string? Growth { get; init; }

    /// <summary>Numbers of flows to measure growth at; none: all that the host's table holds.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [];

    /// <summary>What a growth run on another machine has written; null: nothing.</summary>
    public string? Elsewhere { get; init; }

    /// <summary>Path of our conntrackd.</summary>
    public required string Ours { get; init; }

    /// <summary>Path of the original conntrackd.</summary>
    public required string Original { get; init; }

    /// <summary>Where the Markdown goes.</summary>
    public required string Output { get; init; }

    /// <summary>The command that repeats the run.</summary>
    public required string CommandLine { get; init; }

    /// <summary>Whether a workload is among those asked for.</summary>
    public bool Has(string workload) => Workloads.Contains(workload, StringComparer.Ordinal);
}
