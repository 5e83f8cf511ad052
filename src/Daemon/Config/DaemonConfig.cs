using TwinTrack.Replication;

namespace TwinTrack.Daemon.Config;

/// <summary>The effective configuration of the daemon: immutable, with every default filled in.</summary>
public sealed record DaemonConfig
{
    /// <summary>Where the configuration is looked for without <c>-C</c>.</summary>
    public const string DefaultFile = "/etc/conntrackd/conntrackd.conf";

    /// <summary>Section General.</summary>
    public GeneralConfig General { get; init; } = new();

    /// <summary>Section Sync; null when the file has none. Never together with <see cref="Stats"/>.</summary>
    public SyncConfig? Sync { get; init; }

    /// <summary>Section Stats; null when the file has none.</summary>
    public StatsConfig? Stats { get; init; }

    /// <summary>Section Helper; null when the file has none.</summary>
    public HelperConfig? Helper { get; init; }

    /// <summary>Translates to what the engine wants to know.</summary>
    /// <param name="indexSeed">A random number, so that a stranger cannot choose colliding tuples.</param>
    public SyncOptions ToSyncOptions(ulong indexSeed)
    {
        SyncConfig sync = Sync ?? new SyncConfig();
        return new SyncOptions
        {
            Mode = Sync?.Mode ?? SyncModeKind.Statistics,
            RefreshSeconds = sync.RefreshSeconds,
            DisableInternalCache = sync.DisableInternalCache,
            DisableExternalCache = sync.DisableExternalCache,
            CacheTimeoutSeconds = sync.CacheTimeoutSeconds,
            CacheLimit = Clamp(General.HashLimit),
            ResendQueueSize = Clamp(sync.ResendQueueSize),
            AckWindow = Clamp(sync.AckWindow),
            DenseFormat = Sync?.Mode == SyncModeKind.Ftfw,
            AnnounceDelayMilliseconds = sync.AnnounceDelayMilliseconds,
            CommitTimeoutSeconds = sync.CommitTimeoutSeconds,
            PurgeSeconds = sync.PurgeSeconds,
            StartupResync = sync.StartupResync,
            TcpWindowTracking = sync.TcpWindowTracking,
            OverrunResyncSeconds = General.OverrunResyncSeconds,
            PollSeconds = General.PollSeconds,
            Expectations = sync.SyncExpectations ? new ExpectationFilter(sync.ExpectationHelpers) : null,
            Filter = General.Filter?.ToFlowFilter() ?? FlowFilter.AcceptAll,
            IndexSlots = General.HashSize,
            IndexSeed = indexSeed,
        };
    }

    private static int Clamp(uint value) => (int)Math.Min(value, int.MaxValue);
}

/// <summary>Section General: what holds for the daemon as a whole.</summary>
public sealed record GeneralConfig
{
    /// <summary>Log file of <c>LogFile on</c>.</summary>
    public const string DefaultLogFile = "/var/log/conntrackd.log";

    /// <summary>Buckets of a cache at first (HashSize); our caches grow by themselves.</summary>
    public uint HashSize { get; init; } = 65_536;

    /// <summary>Most entries per cache (HashLimit).</summary>
    public uint HashLimit { get; init; } = 262_144;

    /// <summary>Path of the log file, null for none.</summary>
    public string? LogFile { get; init; }

    /// <summary>Facility of syslog messages, null for none.</summary>
    public SyslogFacility? Syslog { get; init; }

    /// <summary>Least important lines that are logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Info;

    /// <summary>Path of the lock file.</summary>
    public string LockFile { get; init; } = "/var/lock/conntrackd.lock";

    /// <summary>Path of the control socket (UNIX Path).</summary>
    /// <remarks>conntrackd has no default and cannot be reached then; ours is the path all its examples use.</remarks>
    public string ControlPath { get; init; } = "/var/run/conntrackd.ctl";

    /// <summary>Group whose members may read (UNIX Group); null: nobody but the owner and root.</summary>
    public string? ControlGroup { get; init; }

    /// <summary>Receive buffer of the event socket in bytes as the kernel reports it; 0: system default.</summary>
    public uint NetlinkBufferSize { get; init; }

    /// <summary>Limit in bytes of the doubling after an overrun; 0 disables the size above, too.</summary>
    public uint NetlinkBufferSizeMaxGrowth { get; init; }

    /// <summary>
    /// Seconds from an overrun to the repairing dump (NetlinkOverrunResync); 0: at once; null: never.
    /// </summary>
    public uint? OverrunResyncSeconds { get; init; } = 0;

    /// <summary>Ask the kernel for reliable event delivery (NetlinkEventsReliable).</summary>
    public bool EventsReliable { get; init; }

    /// <summary>Datagrams of a link handled in a row before other work; events have a limit of our own.</summary>
    public uint EventIterationLimit { get; init; } = 100;

    /// <summary>Seconds between two dumps when events are not listened to (PollSecs); null: listen.</summary>
    public uint? PollSeconds { get; init; }

    /// <summary>Notify systemd and feed its watchdog when it asks for that.</summary>
    public bool Systemd { get; init; } = true;

    /// <summary>Real-time scheduling; null when the file does not mention it.</summary>
    public SchedulerConfig? Scheduler { get; init; }

    /// <summary>Which flows are handled; null when the file has no Filter.</summary>
    public FilterConfig? Filter { get; init; }
}

/// <summary>Facilities of syslog, numbered as in RFC 5424 (LOG_DAEMON and so on, not shifted).</summary>
public enum SyslogFacility
{
    /// <summary>LOG_DAEMON.</summary>
    Daemon = 3,

    /// <summary>LOG_LOCAL0.</summary>
    Local0 = 16,

    /// <summary>LOG_LOCAL1.</summary>
    Local1,

    /// <summary>LOG_LOCAL2.</summary>
    Local2,

    /// <summary>LOG_LOCAL3.</summary>
    Local3,

    /// <summary>LOG_LOCAL4.</summary>
    Local4,

    /// <summary>LOG_LOCAL5.</summary>
    Local5,

    /// <summary>LOG_LOCAL6.</summary>
    Local6,

    /// <summary>LOG_LOCAL7.</summary>
    Local7,
}

/// <summary>Real-time policies of sched_setscheduler(2).</summary>
public enum SchedulerPolicy
{
    /// <summary>SCHED_RR.</summary>
    RoundRobin,

    /// <summary>SCHED_FIFO.</summary>
    Fifo,
}

/// <summary>Block Scheduler.</summary>
/// <param name="Policy">Real-time policy.</param>
/// <param name="Priority">1 to 99; 0 asks for no real-time scheduling.</param>
public sealed record SchedulerConfig(SchedulerPolicy Policy = SchedulerPolicy.RoundRobin, uint Priority = 99);

/// <summary>Section Stats: the daemon logs flows that end instead of replicating them.</summary>
public sealed record StatsConfig
{
    /// <summary>Log file of <c>LogFile on</c>.</summary>
    public const string DefaultLogFile = "/var/log/conntrackd-stats.log";

    /// <summary>Path of the file that gets a line per ended flow, null for none.</summary>
    public string? LogFile { get; init; }

    /// <summary>Size in bytes at which the file is rotated; 0: never.</summary>
    public uint LogFileSize { get; init; }

    /// <summary>Former files that are kept.</summary>
    public uint LogFileKeep { get; init; } = 4;

    /// <summary>Facility that gets the same lines, null for none; General's when both name one.</summary>
    public SyslogFacility? Syslog { get; init; }
}
