using TwinTrack.Daemon.Config;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>What a commit does, in order.</summary>
internal static class ChangePlan
{
    public const string SetTableSize = "kernel-sysctl";
    public const string SetHashSize = "kernel-hashsize";
    public const string WriteConfig = "write-conf";
    public const string RemoveConfig = "remove-conf";
    public const string Start = "daemon-start";
    public const string Stop = "daemon-stop";
    public const string Restart = "daemon-restart";
    public const string Reload = "daemon-reload";
    public const string RequestResync = "request-resync";
    public const string SendBulk = "send-bulk";
    public const string WriteFailover = "write-ha-conf";
    public const string ReloadFailover = "ha-reload";
    public const string RemoveState = "remove-state-file";
    public const string LoadRules = "load-rules";

    /// <summary>The actions that lead from one configuration to another with the least loss.</summary>
    public static IReadOnlyList<string> Between(RouterFiles before, RouterFiles after)
    {
        List<string> actions = [];
        if (after.TableSize is not null && after.TableSize != before.TableSize) actions.Add(SetTableSize);
        if (after.HashSize is not null && after.HashSize != before.HashSize) actions.Add(SetHashSize);
        bool isFailoverOther = before.Failover != after.Failover || before.Cluster != after.Cluster;
        switch (before.Daemon, after.Daemon)
        {
            case (null, not null):
                actions.AddRange([WriteConfig, Start]);
                break;
            case (not null, null):
                if (isFailoverOther) actions.AddRange([WriteFailover, ReloadFailover]);
                actions.AddRange([Stop, RemoveConfig, RemoveState]);
                break;
            case ({ } old, { } now) when old != now:
                actions.Add(WriteConfig);
                actions.AddRange(IsReloaded(old, now) ? [Reload] : [Restart, RequestResync, SendBulk]);
                break;
        }

        if (after.Daemon is not null || before.Daemon is null)
        {
            if (isFailoverOther) actions.AddRange([WriteFailover, ReloadFailover]);
        }

        if (before.Rules != after.Rules) actions.Add(LoadRules);
        return actions;
    }

    // What the daemon takes over under way, see conntrackd(8) on SIGHUP.
    private static bool IsReloaded(DaemonConfig old, DaemonConfig now)
    {
        SyncConfig before = old.Sync!;
        SyncConfig after = now.Sync!;
        bool areHelpersTaken = before.SyncExpectations && after.SyncExpectations;
        return old with
        {
            General = old.General with
            {
                Syslog = now.General.Syslog,
                Filter = now.General.Filter,
                NetlinkBufferSizeMaxGrowth = now.General.NetlinkBufferSizeMaxGrowth,
            },
            Sync = before with
            {
                PurgeSeconds = after.PurgeSeconds,
                StartupResync = after.StartupResync,
                ExpectationHelpers = areHelpersTaken ? after.ExpectationHelpers : before.ExpectationHelpers,
                Links =
                [
                    .. before.Links.Zip(after.Links, static (link, other) =>
                        link with { SendBuffer = other.SendBuffer, ReceiveBuffer = other.ReceiveBuffer }),
                ],
            },
        } == now;
    }
}

/// <summary>Everything that a configuration of the router becomes.</summary>
internal sealed record RouterFiles
{
    /// <summary>Configuration of conntrackd; null without the service.</summary>
    public DaemonConfig? Daemon { get; private init; }

    /// <summary>keepalived.conf; empty without VRRP.</summary>
    public required string Failover { get; init; }

    /// <summary>Files of heartbeat; null without a cluster.</summary>
    public ClusterText? Cluster { get; private init; }

    /// <summary>Rules for nft; empty without a state policy.</summary>
    public required string Rules { get; init; }

    /// <summary>What tells who is active, and its group; null without the service.</summary>
    public string? Mechanism { get; private init; }

    public uint? TableSize { get; private init; }

    public uint? HashSize { get; private init; }

    /// <summary>conntrackd.conf, as the daemon itself prints it; empty without the service.</summary>
    public string DaemonText => Daemon is null ? "" : Printer.Print(Daemon);

    /// <summary>Makes all of it.</summary>
    /// <param name="root">The configuration.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="files">Where files of the daemon go.</param>
    /// <param name="hook">The command that follows transitions.</param>
    /// <param name="stateFile">Where the last transition is kept.</param>
    public static RouterFiles Make(
        ConfigNode root, Machine machine, DaemonFiles files, string hook, string stateFile)
    {
        SyncSettings? sync = SyncSettings.Of(root);
        return new()
        {
            Daemon = sync is null ? null : WithHelpersInUse(Generator.Make(root, machine, files), root),
            Failover = KeepalivedText.Make(root, sync?.VrrpGroup, hook),
            Cluster = ClusterText.Make(root, sync?.ClusterGroup, hook, stateFile),
            Rules = StatePolicyText.Make(root),
            Mechanism = sync is null ? null : $"vrrp {sync.VrrpGroup} cluster {sync.ClusterGroup}",
            TableSize = sync?.TableSize,
            HashSize = sync?.HashSize,
        };
    }

    // Where the kernel cannot hand packets to helpers, a daemon that is told of some does not start.
    private static DaemonConfig WithHelpersInUse(DaemonConfig config, ConfigNode root)
    {
        bool isNfs = root.At("system", "conntrack", "modules", "nfs") is not null;
        bool isSqlnet = root.At("system", "conntrack", "modules", "sqlnet") is not null;
        ValueList<HelperTypeConfig> used =
            [.. config.Helper!.Types.Where(type => type.Name == "rpc" ? isNfs : isSqlnet)];
        return config with { Helper = used.Count > 0 ? config.Helper with { Types = used } : null };
    }
}
