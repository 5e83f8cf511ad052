using System.Text.Json.Serialization;

namespace TwinTrack.Lab;

/// <summary>What a run with the router command line shall do.</summary>
public sealed record RouterOptions
{
    /// <summary>TCP connections through the firewalls.</summary>
    public int Connections { get; init; } = 200;

    /// <summary>Decides the bytes that are sent.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Path of twintrack; it uses the conntrackd beside it.</summary>
    public required string Program { get; init; }

    /// <summary>Whether namespaces, daemons and all files stay.</summary>
    public bool Keep { get; init; }

    /// <summary>How long roles may take to change, and connections to carry bytes again.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>What became of the connections on two firewalls that know nothing but set commands.</summary>
/// <param name="Connections">TCP connections opened.</param>
/// <param name="Changes">What happened, in its order; the last failure is the end of all that ran there.</param>
/// <param name="Broken">Why connections ended or were given up, each reason with its number; silence is none.</param>
/// <param name="Commands">What the first firewall was told.</param>
/// <param name="Program">Path of twintrack.</param>
public sealed record RouterResult(
    int Connections, IReadOnlyList<KeepalivedChange> Changes, IReadOnlyDictionary<string, int> Broken,
    IReadOnlyList<string> Commands, string Program)
{
    /// <summary>Whether no connection was lost at any time.</summary>
    public bool Passed =>
        Changes.Count > 0 && Changes.All(change => change.Alive == Connections && change.UdpAlive);
}

/// <summary>Turns results into JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(RouterResult))]
public sealed partial class RouterJson : JsonSerializerContext;
