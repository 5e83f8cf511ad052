namespace TwinTrack.Replication;

/// <summary>How reliability is made; all nodes use the same mode.</summary>
public enum SyncModeKind : byte
{
    /// <summary>FT-FW: sequence numbers, acknowledgements and repetition.</summary>
    Ftfw,

    /// <summary>ALARM: every entry is sent again and again.</summary>
    Alarm,

    /// <summary>NOTRACK: best effort.</summary>
    Notrack,

    /// <summary>No peer at all: flows that end are reported, see <see cref="SyncEngine.PollEnded"/>.</summary>
    Statistics,
}

/// <summary>What the engine needs to know of the configuration; defaults are those of conntrackd.</summary>
/// <remarks>What can be set may change while the engine runs, see <see cref="SyncEngine.Reconfigure"/>.</remarks>
public sealed record SyncOptions
{
    /// <summary>How reliability is made (Mode).</summary>
    public SyncModeKind Mode { get; init; }

    /// <summary>ALARM: every flow is sent again within that many seconds (RefreshTime).</summary>
    public uint RefreshSeconds { get; set; } = 60;

    /// <summary>
    /// ALARM: an external entry that was not heard of for that many seconds is dropped (CacheTimeout).
    /// </summary>
    public uint CacheTimeoutSeconds { get; set; } = 180;

    /// <summary>NOTRACK: events go straight to the peers, nothing is kept (DisableInternalCache).</summary>
    public bool DisableInternalCache { get; init; }

    /// <summary>What peers tell goes straight into the kernel, nothing is kept (DisableExternalCache).</summary>
    public bool DisableExternalCache { get; init; }

    /// <summary>Most flows, and most expectations, per cache (HashLimit); more are refused and counted.</summary>
    public int CacheLimit { get; set; } = 262_144;

    /// <summary>Most elements waiting for an acknowledgement (ResendQueueSize).</summary>
    public int ResendQueueSize { get; set; } = 131_072;

    /// <summary>Messages accepted before an acknowledgement is due (ACKWindowSize).</summary>
    public int AckWindow { get; init; } = 300;

    /// <summary>
    /// Milliseconds that a flow waits, while many begin, before peers hear of it (AnnounceDelay); 0: none.
    /// </summary>
    public uint AnnounceDelayMilliseconds { get; init; }

    /// <summary>As long as no more flows than that begin in a tenth of a second, all are announced at once.</summary>
    public int AnnounceAtOnce { get; init; } = 20;

    /// <summary>Fixed timeout of committed flows in seconds (CommitTimeout); null: the time that is left.</summary>
    public uint? CommitTimeoutSeconds { get; set; }

    /// <summary>Delay of <see cref="SyncCommand.Purge"/> in seconds (PurgeTimeout).</summary>
    public uint PurgeSeconds { get; set; } = 60;

    /// <summary>Ask the peer for its flows right after the start (StartupResync).</summary>
    public bool StartupResync { get; init; }

    /// <summary>Replicate and restore TCP window scales instead of being liberal (TCPWindowTracking).</summary>
    public bool TcpWindowTracking { get; init; }

    /// <summary>
    /// Seconds from an overrun to the repairing dump (NetlinkOverrunResync); 0: at once; null: never.
    /// </summary>
    public uint? OverrunResyncSeconds { get; set; } = 0;

    /// <summary>Seconds between two dumps that take the place of events (PollSecs); null: there are events.</summary>
    public uint? PollSeconds { get; init; }

    /// <summary>
    /// FT-FW: flows are told in fewer bytes while every known peer says that it reads them; ours is told to the peers.
    /// </summary>
    public bool DenseFormat { get; init; }

    /// <summary>SPAT_PORT, DPAT_PORT and ICMP_ID are sent least significant byte first, as hosts like x86 do.</summary>
    public bool PeersAreLittleEndian { get; init; } = true;

    /// <summary>Which flows are replicated.</summary>
    public FlowFilter Filter { get; set; } = FlowFilter.AcceptAll;

    /// <summary>Which expectations are replicated (ExpectationSync); null: none, and that stays.</summary>
    public ExpectationFilter? Expectations { get; set; }

    /// <summary>Slots of each cache's index at first (HashSize); it grows by itself.</summary>
    public uint IndexSlots { get; init; }

    /// <summary>Seed of the flow index, so that a stranger cannot choose colliding tuples.</summary>
    public ulong IndexSeed { get; init; }
}
