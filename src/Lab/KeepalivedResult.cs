using System.Text.Json.Serialization;

namespace TwinTrack.Lab;

/// <summary>What a run with keepalived shall do.</summary>
public sealed record KeepalivedOptions
{
    /// <summary>TCP connections through each pair of virtual addresses.</summary>
    public int Connections { get; init; } = 200;

    /// <summary>Decides the bytes that are sent.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// Whether both firewalls carry traffic, each for a pair of virtual addresses of its own; else one does.
    /// </summary>
    public bool IsActiveActive { get; init; }

    /// <summary>Path of the conntrackd on the first firewall.</summary>
    public required string PrimaryProgram { get; init; }

    /// <summary>Path of the conntrackd on the second firewall.</summary>
    public required string BackupProgram { get; init; }

    /// <summary>
    /// Path of the script that keepalived calls. With two active firewalls none is called: nothing is to be done.
    /// </summary>
    public required string Script { get; init; }

    /// <summary>How often each firewall fails and returns.</summary>
    public int Rounds { get; init; } = 1;

    /// <summary>Whether namespaces, daemons and all files stay.</summary>
    public bool Keep { get; init; }

    /// <summary>How long roles may take to change, and connections to carry bytes again.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>What became of the connections when a firewall failed, or returned.</summary>
/// <param name="Firewall">Its name.</param>
/// <param name="Returns">Whether it returned; else it failed.</param>
/// <param name="RolesMs">Milliseconds until all scripts of the new roles had ended.</param>
/// <param name="Alive">Connections that carried bytes both ways which were sent after that.</param>
/// <param name="UdpAlive">Whether a datagram arrived that was sent after that.</param>
/// <param name="LongestStallMs">The longest time without a byte in either direction of any connection.</param>
public sealed record KeepalivedChange(
    string Firewall, bool Returns, double RolesMs, int Alive, bool UdpAlive, double LongestStallMs);

/// <summary>What became of the connections in all changes of roles.</summary>
/// <param name="Connections">TCP connections opened.</param>
/// <param name="Changes">The failures and returns, in their order.</param>
/// <param name="Broken">Why connections ended or were given up, each reason with its number; silence is none.</param>
/// <param name="IsActiveActive">Whether both firewalls carried traffic.</param>
/// <param name="PrimaryProgram">The conntrackd on the first firewall.</param>
/// <param name="BackupProgram">The conntrackd on the second firewall.</param>
/// <param name="Script">The script that was called; null for none.</param>
public sealed record KeepalivedResult(
    int Connections, IReadOnlyList<KeepalivedChange> Changes, IReadOnlyDictionary<string, int> Broken,
    bool IsActiveActive, string PrimaryProgram, string BackupProgram, string? Script)
{
    /// <summary>Whether no connection was lost at any time.</summary>
    public bool Passed =>
        Changes.Count > 0 && Changes.All(change => change.Alive == Connections && change.UdpAlive);
}

/// <summary>Turns results into JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(KeepalivedResult))]
public sealed partial class KeepalivedJson : JsonSerializerContext;
