using System.Diagnostics;
using System.Globalization;

namespace TwinTrack.Lab;

/// <summary>
/// A real keepalived on a firewall: it holds virtual addresses in groups, and calls a script when a role changes.
/// </summary>
/// <remarks>
/// The script finds conntrackd and its configuration at their usual paths: ours are bound over them, in a mount
/// namespace that only keepalived and its children see. So scripts run as they are shipped.
/// </remarks>
public sealed class Keepalived : IDisposable
{
    private const string Program = "keepalived";
    private const string UsualProgram = "/usr/sbin/conntrackd";
    private const string UsualConfig = "/etc/conntrackd/conntrackd.conf";

    private readonly Process _process;
    private readonly string _pathPrefix;

    private Keepalived(Process process, string pathPrefix)
    {
        _process = process;
        _pathPrefix = pathPrefix;
    }

    /// <summary>What keepalived and the script say.</summary>
    public string Log => Read(".keepalived.log");

    /// <summary>The role of a group, once the script that was called for it has ended; empty at first.</summary>
    public string RoleOf(string group) => Read($".{group}.role");

    /// <summary>Says what is missing.</summary>
    /// <exception cref="LabException">keepalived is not installed, or the paths to bind over do not exist.</exception>
    public static void RequireTools()
    {
        if (Command.Find(Program) is null)
            throw new LabException("keepalived is missing: install the package keepalived");
        foreach (string path in (string[])[UsualProgram, UsualConfig])
        {
            if (!File.Exists(path)) throw new LabException($"there is no {path}: install the package conntrackd");
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="firewall">Where.</param>
    /// <param name="groups">The virtual addresses.</param>
    /// <param name="conntrackd">The program the script shall find.</param>
    /// <param name="configPath">The configuration the script shall find.</param>
    /// <param name="script">Path of the script; null for none.</param>
    /// <param name="pathPrefix">Beginning of its files' paths.</param>
    public static Keepalived Start(
        Firewall firewall, IReadOnlyList<VirtualGroup> groups, string conntrackd, string configPath, string? script,
        string pathPrefix)
    {
        ArgumentNullException.ThrowIfNull(firewall);
        RequireTools();
        File.WriteAllText(pathPrefix + ".keepalived", Configuration(groups, script is not null, pathPrefix));
        WriteScript(pathPrefix + ".note", $"echo \"$2\" >{pathPrefix}.$1.role");
        // keepalived does not wait for the script of one role before it calls that of the next.
        WriteScript(
            pathPrefix + ".notify",
            $"exec 9>>{pathPrefix}.turn; flock 9; /bin/sh {script} \"$2\" 9>&-; {pathPrefix}.note \"$@\"");
        firewall.Namespace.Require(
            ["nft", "insert", "rule", "inet", "twintrack_lab", "input", "meta", "l4proto", "vrrp", "accept"]);

        const string Bind = "mount --bind \"$1\" \"$2\" && mount --bind \"$3\" \"$4\" && shift 4 && exec \"$@\"";
        Process process = firewall.Namespace.Start(
            pathPrefix + ".keepalived.log",
            "/bin/sh", "-c", Bind, "sh", conntrackd, UsualProgram, configPath, UsualConfig,
            Command.Find(Program)!, "--dont-fork", "--log-console", "--vrrp", "-f", pathPrefix + ".keepalived",
            "-p", pathPrefix + ".kpid", "-r", pathPrefix + ".vpid");
        return new Keepalived(process, pathPrefix);
    }

    /// <summary>Ends it: it gives the addresses up and tells the other one.</summary>
    public void Stop()
    {
        if (!_process.HasExited)
            Command.Run("/bin/kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        _process.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _process.Dispose();
    }

    private static void WriteScript(string path, string command)
    {
        File.WriteAllText(path, $"#!/bin/sh\n{command}\n");
        Command.Require("chmod", ["700", path]);
    }

    private string Read(string end) => File.Exists(_pathPrefix + end) ? File.ReadAllText(_pathPrefix + end).Trim() : "";

    private static string Configuration(IReadOnlyList<VirtualGroup> groups, bool hasScript, string pathPrefix)
    {
        string text =
            """
            global_defs {
                script_user root
                enable_script_security
                vrrp_version 3
                vrrp_garp_master_delay 1
            }

            """;
        foreach (VirtualGroup group in groups)
        {
            text += Group(group, hasScript, pathPrefix);
            text += Instance(group, "inside", Firewall.ClientSide);
            text += Instance(group, "outside", Firewall.ServerSide);
        }

        return text;
    }

    private static string Group(VirtualGroup group, bool hasScript, string pathPrefix)
    {
        string notify = hasScript ? $"{pathPrefix}.notify {group.Name}" : $"{pathPrefix}.note {group.Name}";
        return $$"""
            vrrp_sync_group {{group.Name}} {
                group {
                    {{group.Name}}-inside
                    {{group.Name}}-outside
                }
                notify_master "{{notify}} primary"
                notify_backup "{{notify}} backup"
                notify_fault "{{notify}} fault"
            }

            """;
    }

    private static string Instance(VirtualGroup group, string name, FirewallSide side) =>
        $$"""
        vrrp_instance {{group.Name}}-{{name}} {
            interface {{side.Interface}}
            state BACKUP
            virtual_router_id {{group.Host}}
            priority {{group.Priority}}
            advert_int 0.3
            virtual_ipaddress {
                10.77.{{side.Network}}.{{group.Host}}/24 dev {{side.Interface}}
            }
        }

        """;
}

/// <summary>Virtual addresses that move together, one on each LAN.</summary>
/// <param name="Name">Names the group.</param>
/// <param name="Host">Last octet of the addresses, and number of the virtual router.</param>
/// <param name="Priority">The firewall of the higher one is primary while it is there.</param>
public sealed record VirtualGroup(string Name, byte Host, int Priority)
{
    /// <summary>The group of <see cref="FirewallSide.VirtualAddress"/>.</summary>
    public static VirtualGroup Usual(int priority) => new("usual", 254, priority);
}
