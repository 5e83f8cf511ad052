using System.Text;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>Writes the files of heartbeat, the cluster program of old routers.</summary>
/// <param name="Settings">ha.cf.</param>
/// <param name="Resources">haresources.</param>
/// <param name="Keys">authkeys.</param>
/// <param name="Script">resource.d/ctsync-cluster, which heartbeat calls with start, stop or status.</param>
internal sealed record ClusterText(string Settings, string Resources, string Keys, string Script)
{
    /// <summary>Name of the resource that conntrack-sync is.</summary>
    public const string Resource = "ctsync-cluster";

    private const string StandardGroup = "239.251.252.253";
    private const int Port = 694; // ha-cluster of the port registry

    /// <summary>The files; null without a cluster.</summary>
    /// <param name="root">The configuration.</param>
    /// <param name="group">The group that gets the resource; null: none.</param>
    /// <param name="hook">The command that is called with the state and the group.</param>
    /// <param name="stateFile">Where the last transition is kept.</param>
    public static ClusterText? Make(ConfigNode root, string? group, string hook, string stateFile)
    {
        if (root.At("cluster") is not { } cluster) return null;
        ConfigNode? first = cluster.At("group")?.Children.FirstOrDefault();
        return new(
            MakeSettings(cluster, first), MakeResources(first, group),
            $"auth 1\n1 sha1 {cluster.ValueAt("pre-shared-secret")}\n", MakeScript(group, hook, stateFile));
    }

    private static string MakeSettings(ConfigNode cluster, ConfigNode? group)
    {
        var text = new StringBuilder();
        text.Append($"keepalive {cluster.ValueAt("keepalive-interval") ?? "5000"}ms\n");
        text.Append($"deadtime {cluster.ValueAt("dead-interval") ?? "20000"}ms\n");
        text.Append($"deadping {cluster.ValueAt("monitor-dead-interval") ?? "20000"}ms\n");
        text.Append("crm off\n");
        foreach (string name in cluster.ValuesAt("interface"))
            text.Append($"mcast {name} {cluster.ValueAt("mcast-group") ?? StandardGroup} {Port} 1 0\n");
        if (group is null) return text.ToString();
        text.Append($"auto_failback {(group.ValueAt("auto-failback") == "true" ? "on" : "off")}\n");
        text.Append($"node {group.ValueAt("primary")}\nnode {group.ValueAt("secondary")}\n");
        foreach (string monitor in group.ValuesAt("monitor")) text.Append($"ping {monitor}\n");
        if (group.ValuesAt("monitor").Count > 0) text.Append("respawn hacluster /usr/lib/heartbeat/ipfail\n");
        return text.ToString();
    }

    private static string MakeResources(ConfigNode? group, string? followed)
    {
        if (group is null) return "";
        IEnumerable<string> services = group.ValuesAt("service")
            .Select(service => Rules.TryAddress(service.Split('/')[0], out _) ? $"IPaddr2::{service}" : service);
        string[] all = [.. services, .. group.Name == followed ? (string[])[Resource] : []];
        return $"{group.ValueAt("primary")} {string.Join(' ', all)}\n";
    }

    private static string MakeScript(string? group, string hook, string stateFile) => group is null ? "" :
        $"""
        #!/bin/sh
        case $1 in
            status) grep -q ^PRIMARY {stateFile} && echo running || echo stopped ;;
            *) exec {hook} "$1" {group} ;;
        esac

        """;
}
