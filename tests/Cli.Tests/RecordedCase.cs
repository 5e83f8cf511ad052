using System.Text.Json;
using System.Text.Json.Serialization;
using TwinTrack.Tests;

namespace TwinTrack.Cli.Tests;

/// <summary>What a run left: see tests/golden/cli.</summary>
internal sealed record RecordedResult
{
    public string Stdout { get; init; } = "";

    public string Stderr { get; init; } = "";

    public int Exit { get; init; }

    public List<RecordedCommand>? After { get; init; }
}

/// <summary>A command that ran after a case, to show its effect.</summary>
internal sealed record RecordedCommand
{
    public string Cmd { get; init; } = "";

    public string Stdout { get; init; } = "";

    public int Exit { get; init; }
}

/// <summary>One recorded run of conntrack or nfct.</summary>
internal sealed record RecordedCase
{
    public string Id { get; init; } = "";

    public string Prog { get; init; } = "";

    public List<string> Setup { get; init; } = [];

    public List<string> Args { get; init; } = [];

    public string Stdin { get; init; } = "";

    public string Stdout { get; init; } = "";

    public string Stderr { get; init; } = "";

    public int Exit { get; init; }

    public bool Unordered { get; init; }

    public List<string>? Trigger { get; init; }

    public string? Signal { get; init; }

    public List<RecordedCommand> After { get; init; } = [];

    public List<string> Cleanup { get; init; } = [];

    [JsonPropertyName("connlabel_conf")]
    public bool HasLabels { get; init; }

    [JsonPropertyName("run_as")]
    public string? RunAs { get; init; }

    public string? Topology { get; init; }

    public RecordedResult? Head { get; init; }

    /// <summary>What is expected: the newer result where there is one.</summary>
    public RecordedResult Expected => Head is { } head
        ? head with { After = head.After ?? After }
        : new() { Stdout = Stdout, Stderr = Stderr, Exit = Exit, After = After };
}

/// <summary>A case in which ours differs on purpose.</summary>
internal sealed record Deviation
{
    public string Why { get; init; } = "";

    public int? Exit { get; init; }

    public string? Stdout { get; init; }

    public List<RecordedCommand>? After { get; init; }
}

/// <summary>The recorded runs.</summary>
internal static class RecordedCases
{
    private static readonly JsonSerializerOptions _options = new() { PropertyNameCaseInsensitive = true };

    public static IReadOnlyList<RecordedCase> All { get; } =
    [
        .. GoldenFiles.Read("cli/cases.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<RecordedCase>(line, _options)!),
    ];

    public static IReadOnlyDictionary<string, Deviation> Deviations { get; } =
        JsonSerializer.Deserialize<Dictionary<string, Deviation>>(GoldenFiles.Read("cli/deviations.json"), _options)!;
}
