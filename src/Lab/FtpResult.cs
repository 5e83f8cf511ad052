using System.Text.Json.Serialization;

namespace TwinTrack.Lab;

/// <summary>What a run with FTP shall do.</summary>
public sealed record FtpOptions
{
    /// <summary>Whether expectations are replicated.</summary>
    public bool ReplicatesExpectations { get; init; } = true;

    /// <summary>Whether the firewalls translate the client's address.</summary>
    public bool SourceNat { get; init; } = true;

    /// <summary>Path of the conntrackd on the primary.</summary>
    public required string PrimaryProgram { get; init; }

    /// <summary>Path of the conntrackd on the backup.</summary>
    public required string BackupProgram { get; init; }

    /// <summary>Whether namespaces, the backup's daemon and all files stay.</summary>
    public bool Keep { get; init; }

    /// <summary>How long the control connection is silent before the primary is cut off.</summary>
    public TimeSpan Steady { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long to wait for the backup to know all; the run goes on without.</summary>
    public TimeSpan ReplicationDeadline { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>What became of an FTP session whose data connection was announced before the take-over.</summary>
/// <param name="DataAlive">Whether the data connection was let through afterwards and carried bytes.</param>
/// <param name="ControlAlive">Whether the control connection carried a command and its answer afterwards.</param>
/// <param name="DataMs">Milliseconds that the data connection took; null if it was not let through.</param>
/// <param name="ReplicationMs">
/// Milliseconds from the announcement until the backup knew of all; null if it never did.
/// </param>
/// <param name="ReplicatesExpectations">Whether expectations were replicated.</param>
/// <param name="TakeOver">The steps of the take-over.</param>
/// <param name="Problems">What failed, and other things that should not have been.</param>
/// <param name="PrimaryProgram">The conntrackd on the primary.</param>
/// <param name="BackupProgram">The conntrackd on the backup.</param>
/// <param name="SourceNat">Whether the client's address was translated.</param>
public sealed record FtpResult(
    bool DataAlive, bool ControlAlive, double? DataMs, double? ReplicationMs, bool ReplicatesExpectations,
    TakeOverTimes TakeOver, IReadOnlyList<string> Problems, string PrimaryProgram, string BackupProgram, bool SourceNat)
{
    /// <summary>Whether both connections lived.</summary>
    public bool Passed => DataAlive && ControlAlive;
}

/// <summary>Turns results into JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(FtpResult))]
public sealed partial class FtpJson : JsonSerializerContext;
