using System.Text;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>Writes keepalived.conf: virtual routers, sync-groups, and the hook of conntrack-sync.</summary>
internal static class KeepalivedText
{
    /// <summary>The file; empty without VRRP.</summary>
    /// <param name="root">The configuration.</param>
    /// <param name="group">The sync-group that gets the hook; null: none.</param>
    /// <param name="hook">The command that is called with the state and the group.</param>
    public static string Make(ConfigNode root, string? group, string hook)
    {
        if (root.At("high-availability", "vrrp") is not { } vrrp) return "";

        var text = new StringBuilder();
        text.Append("global_defs {\n    script_user root\n}\n");
        foreach (ConfigNode one in vrrp.At("group")?.Children ?? [])
        {
            if (one.At("disable") is null) AppendInstance(text, one);
        }

        foreach (ConfigNode one in vrrp.At("sync-group")?.Children ?? [])
        {
            if (one.At("disable") is null) AppendGroup(text, one, one.Name == group ? hook : null);
        }

        return text.ToString();
    }

    private static void AppendInstance(StringBuilder text, ConfigNode group)
    {
        string? delay = group.ValueAt("preempt-delay");
        text.Append($"vrrp_instance {group.Name} {{\n    state BACKUP\n");
        if (group.ValueAt("interface") is { } name) text.Append($"    interface {name}\n");
        text.Append($"    virtual_router_id {group.ValueAt("vrid") ?? "1"}\n");
        text.Append($"    priority {group.ValueAt("priority") ?? "100"}\n");
        text.Append($"    advert_int {group.ValueAt("advertise-interval") ?? "1"}\n");
        if (group.At("no-preempt") is not null) text.Append("    nopreempt\n");
        else if (delay is not null) text.Append($"    preempt_delay {delay}\n");
        if (group.ValueAt("hello-source-address") is { } source) text.Append($"    mcast_src_ip {source}\n");
        if (group.ValueAt("peer-address") is { } peer) text.Append($"    unicast_peer {{\n        {peer}\n    }}\n");
        if (group.ValueAt("authentication", "password") is { } password)
        {
            string type = group.ValueAt("authentication", "type") == "ah" ? "AH" : "PASS";
            text.Append($"    authentication {{\n        auth_type {type}\n        auth_pass {password}\n    }}\n");
        }

        AppendAddresses(text, "virtual_ipaddress", group.At("address"));
        AppendAddresses(text, "virtual_ipaddress_excluded", group.At("excluded-address"));
        text.Append("}\n");
    }

    private static void AppendAddresses(StringBuilder text, string block, ConfigNode? addresses)
    {
        if (addresses is null) return;
        text.Append($"    {block} {{\n");
        foreach (ConfigNode address in addresses.Children)
        {
            string device = address.ValueAt("interface") is { } name ? $" dev {name}" : "";
            text.Append($"        {address.Name}{device}\n");
        }

        text.Append("    }\n");
    }

    private static void AppendGroup(StringBuilder text, ConfigNode group, string? hook)
    {
        text.Append($"vrrp_sync_group {group.Name} {{\n    group {{\n");
        foreach (string member in group.ValuesAt("member")) text.Append($"        {member}\n");
        text.Append("    }\n");
        foreach (string state in (string[])["master", "backup", "fault"])
        {
            // keepalived runs one program for each state: the operator's own is called by the hook.
            if (hook is not null) text.Append($"    notify_{state} \"{hook} {state} {group.Name}\"\n");
            else if (group.ValueAt("transition-script", state) is { } own)
                text.Append($"    notify_{state} \"{own}\"\n");
        }

        if (group.ValueAt("transition-script", "stop") is { } stop) text.Append($"    notify_stop \"{stop}\"\n");
        text.Append("}\n");
    }
}
