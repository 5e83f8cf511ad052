namespace TwinTrack.Lab;

/// <summary>What a lab run shall do.</summary>
public sealed record LabOptions
{
    /// <summary>TCP connections that TcpLoad can open from one address.</summary>
    public const int MaxConnections = 20_000;

    /// <summary>TCP connections through the firewalls.</summary>
    public int Connections { get; init; } = 200;

    /// <summary>
    /// Links between the firewalls, 1 to 4. Of several, the first is cut while the connections open.
    /// </summary>
    public int Links { get; init; } = 1;

    /// <summary>Decides the bytes that are sent.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether the firewalls translate the client's address.</summary>
    public bool SourceNat { get; init; } = true;

    /// <summary>Path of the conntrackd on the primary; null for none.</summary>
    public string? PrimaryProgram { get; init; }

    /// <summary>Path of the conntrackd on the backup; null for none.</summary>
    public string? BackupProgram { get; init; }

    /// <summary>Whether namespaces, the backup's daemon and all files stay.</summary>
    public bool Keep { get; init; }

    /// <summary>How long all is left to run before the primary is cut off.</summary>
    public TimeSpan Steady { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long to wait for the backup to know of every connection; the run goes on without.</summary>
    public TimeSpan ReplicationDeadline { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long after the take-over a connection may take to carry bytes again.</summary>
    public TimeSpan RecoveryDeadline { get; init; } = TimeSpan.FromSeconds(8);
}
