using System.Net;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Config;

/// <summary>Section Sync: the daemon replicates flows.</summary>
/// <remarks>What has no effect in the chosen mode stands at its default.</remarks>
public sealed record SyncConfig
{
    /// <summary>Most dedicated links.</summary>
    public const int MostLinks = 4;

    /// <summary>AnnounceDelay without the keyword, in milliseconds.</summary>
    public const uint DefaultAnnounceDelay = 50;

    /// <summary>Largest AnnounceDelay, in milliseconds.</summary>
    public const uint MostAnnounceDelay = 10_000;

    /// <summary>How reliability is made (Mode).</summary>
    public SyncModeKind Mode { get; init; }

    /// <summary>ALARM: every entry is sent again within that many seconds.</summary>
    public uint RefreshSeconds { get; init; } = 60;

    /// <summary>ALARM: an external entry not heard of for that many seconds is dropped.</summary>
    public uint CacheTimeoutSeconds { get; init; } = 180;

    /// <summary>Fixed timeout of committed flows in seconds; null: the time that is left.</summary>
    public uint? CommitTimeoutSeconds { get; init; }

    /// <summary>Delay of the purge command in seconds.</summary>
    public uint PurgeSeconds { get; init; } = 60;

    /// <summary>FTFW: most objects waiting for an acknowledgement.</summary>
    public uint ResendQueueSize { get; init; } = 131_072;

    /// <summary>FTFW: messages received before an acknowledgement is due.</summary>
    public uint AckWindow { get; init; } = 300;

    /// <summary>Inject what is received straight into the kernel.</summary>
    public bool DisableExternalCache { get; init; }

    /// <summary>NOTRACK: send events straight to the link and keep nothing.</summary>
    public bool DisableInternalCache { get; init; }

    /// <summary>FTFW, NOTRACK: ask the peers for their flows right after the start.</summary>
    public bool StartupResync { get; init; }

    /// <summary>Replicate window scales instead of making recovered flows liberal.</summary>
    public bool TcpWindowTracking { get; init; }

    /// <summary>
    /// Milliseconds that a flow waits, while many begin, before peers hear of it; 0: none.
    /// </summary>
    public uint AnnounceDelayMilliseconds { get; init; } = DefaultAnnounceDelay;

    /// <summary>Replicate expectations.</summary>
    public bool SyncExpectations { get; init; }

    /// <summary>Only expectations of helpers whose name begins with one of these, in any case; empty: all.</summary>
    public ValueList<string> ExpectationHelpers { get; init; } = [];

    /// <summary>One to four dedicated links, all of one kind, in the order of the file.</summary>
    public ValueList<LinkConfig> Links { get; init; } = [];

    /// <summary>TCP: buffers kept for retry while the peer is away.</summary>
    public uint ErrorQueueLength { get; init; } = 128;
}

/// <summary>What a channel is made of.</summary>
public enum LinkKind
{
    /// <summary>UDP to a group.</summary>
    Multicast,

    /// <summary>UDP to one peer, or to each of several.</summary>
    Udp,

    /// <summary>TCP to one peer.</summary>
    Tcp,
}

/// <summary>One dedicated link.</summary>
public sealed record LinkConfig
{
    /// <summary>Most peers: as many as the engine tells apart.</summary>
    public const int MostPeers = 32;

    /// <summary>What the channel is made of.</summary>
    public required LinkKind Kind { get; init; }

    /// <summary>The link to use first; exactly one of all is marked.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Own address: to listen on, or for multicast IPv4_interface (null: the one the interface has).</summary>
    public IPAddress? Local { get; init; }

    /// <summary>Address of the peer, of the first of several, or of the multicast group.</summary>
    public required IPAddress Remote { get; init; }

    /// <summary>
    /// UDP: addresses of the other peers. The peer at one place of the list is the same node on all links.
    /// </summary>
    public ValueList<IPAddress> MorePeers { get; init; } = [];

    /// <summary>Addresses that are sent to.</summary>
    public IEnumerable<IPAddress> Destinations => MorePeers.Prepend(Remote);

    /// <summary>Port of both sides (Port, or Group of a multicast link).</summary>
    public required ushort Port { get; init; }

    /// <summary>Name of the interface: its MTU, its state, and the scope of IPv6 addresses.</summary>
    public required string Interface { get; init; }

    /// <summary>Forced send buffer in bytes; null: system default.</summary>
    public uint? SendBuffer { get; init; }

    /// <summary>Forced receive buffer in bytes; null: system default.</summary>
    public uint? ReceiveBuffer { get; init; }

    /// <summary>Send with UDP checksum.</summary>
    public bool Checksum { get; init; } = true;
}
