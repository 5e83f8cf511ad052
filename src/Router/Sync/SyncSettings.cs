using System.Globalization;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>A dedicated link as configured.</summary>
/// <param name="Name">The interface.</param>
/// <param name="Peer">The partner; null: multicast.</param>
/// <param name="Port">The port, or of a group.</param>
internal sealed record SyncLink(string Name, IPAddress? Peer, ushort Port)
{
    /// <summary>Family of the addresses on the link.</summary>
    public AddressFamily Family => Peer?.AddressFamily ?? AddressFamily.InterNetwork;
}

/// <summary>What <c>service conntrack-sync</c> says, with defaults filled in.</summary>
internal sealed record SyncSettings
{
    /// <summary>Most dedicated links.</summary>
    public const int MostLinks = 4;

    private const ushort StandardPort = 3780;

    public required IReadOnlyList<SyncLink> Links { get; init; }

    public required IReadOnlyList<IPAddress> Listen { get; init; }

    public required IReadOnlyList<string> Protocols { get; init; }

    public required IReadOnlyList<string> Ignored { get; init; }

    public required IReadOnlyList<string> Expectations { get; init; }

    public IPAddress Group { get; init; } = IPAddress.Parse("225.0.0.50");

    public uint EventMegabytes { get; init; } = 8;

    public uint QueueMegabytes { get; init; } = 1;

    public uint PurgeSeconds { get; init; } = 60;

    public bool DisableExternalCache { get; init; }

    public bool DisableSyslog { get; init; }

    public bool StartupResync { get; init; }

    /// <summary>Sync-group of VRRP that tells who is active; null without VRRP, empty when it is not named.</summary>
    public string? VrrpGroup { get; init; }

    /// <summary>
    /// Group of the cluster that tells who is active; null without cluster, empty when it is not named.
    /// </summary>
    public string? ClusterGroup { get; init; }

    /// <summary>What is configured for the kernel's table; null: not configured.</summary>
    public uint? HashSize { get; init; }

    /// <summary>What is configured for the kernel's table; null: not configured.</summary>
    public uint? TableSize { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <returns>Null when the service is not configured.</returns>
    public static SyncSettings? Of(ConfigNode root)
    {
        if (root.At("service", "conntrack-sync") is not { } sync) return null;
        ConfigNode? mechanism = sync.At("failover-mechanism");
        return new()
        {
            Links = [.. (sync.At("interface")?.Children ?? []).Select(Link)],
            Listen = [.. sync.ValuesAt("listen-address").Select(IPAddress.Parse)],
            Protocols = sync.ValuesAt("accept-protocol"),
            Ignored = sync.ValuesAt("ignore-address"),
            Expectations = sync.ValuesAt("expect-sync"),
            Group = IPAddress.Parse(sync.ValueAt("mcast-group") ?? "225.0.0.50"),
            EventMegabytes = Number(sync, "event-listen-queue-size") ?? 8,
            QueueMegabytes = Number(sync, "sync-queue-size") ?? 1,
            PurgeSeconds = Number(sync, "purge-timeout") ?? 60,
            DisableExternalCache = sync.At("disable-external-cache") is not null,
            DisableSyslog = sync.At("disable-syslog") is not null,
            StartupResync = sync.At("startup-resync") is not null,
            VrrpGroup = mechanism?.At("vrrp") is { } vrrp ? vrrp.ValueAt("sync-group") ?? "" : null,
            ClusterGroup = mechanism?.At("cluster") is { } cluster ? cluster.ValueAt("group") ?? "" : null,
            HashSize = Number(root.At("system", "conntrack"), "hash-size"),
            TableSize = Number(root.At("system", "conntrack"), "table-size"),
        };
    }

    private static SyncLink Link(ConfigNode node) => new(
        node.Name,
        node.ValueAt("peer") is { } peer ? IPAddress.Parse(peer) : null,
        (ushort)(Number(node, "port") ?? StandardPort));

    private static uint? Number(ConfigNode? node, string name) =>
        node?.ValueAt(name) is { } text ? uint.Parse(text, CultureInfo.InvariantCulture) : null;
}
