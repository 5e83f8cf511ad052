using System.Diagnostics;
using System.Globalization;

namespace TwinTrack.Lab;

/// <summary>
/// A real keepalived on a firewall: it holds both virtual addresses in one group, and calls a script when its role changes.
/// </summary>
/// <remarks>
/// The script finds conntrackd and its configuration at their usual paths: ours are bound over them, in a mount namespace
/// that only keepalived and its children see. So scripts run as they are shipped.
/// </remarks>
public sealed class Keepalived : IDisposable
{
    private const string Program = "keepalived";
    private const string UsualProgram = "/usr/sbin/conntrackd";
    private const string UsualConfig = "/etc/conntrackd/conntrackd.conf";

    private readonly Process _process;
    private readonly string _rolePath;
    private readonly string _logPath;

    private Keepalived(Process process, string rolePath, string logPath)
    {
        _process = process;
        _rolePath = rolePath;
        _logPath = logPath;
    }

    /// <summary>What keepalived and the script say.</summary>
    public string Log => File.Exists(_logPath) ? File.ReadAllText(_logPath) : "";

    /// <summary>The word the script was called with last, once it has ended; empty before the first.</summary>
    public string Role => File.Exists(_rolePath) ? File.ReadAllText(_rolePath).Trim() : "";

    /// <summary>Says what is missing.</summary>
    /// <exception cref="LabException">keepalived is not installed, or the paths to bind over do not exist.</exception>
    public static void RequireTools()
    {
        if (Command.Find(Program) is null) throw new LabException("keepalived is missing: install the package keepalived");
        foreach (string path in (string[])[UsualProgram, UsualConfig])
        {
            if (!File.Exists(path)) throw new LabException($"there is no {path}: install the package conntrackd");
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="firewall">Where.</param>
    /// <param name="priority">The firewall of the higher one is primary while it is there.</param>
    /// <param name="conntrackd">The program the script shall find.</param>
    /// <param name="configPath">The configuration the script shall find.</param>
    /// <param name="script">Path of the script.</param>
    /// <param name="pathPrefix">Beginning of its files' paths.</param>
    public static Keepalived Start(
        Firewall firewall, int priority, string conntrackd, string configPath, string script, string pathPrefix)
    {
        ArgumentNullException.ThrowIfNull(firewall);
        RequireTools();
        string rolePath = pathPrefix + ".role";
        File.WriteAllText(pathPrefix + ".keepalived", Configuration(priority, pathPrefix));
        File.WriteAllText(pathPrefix + ".notify", $"#!/bin/sh\n/bin/sh {script} \"$1\"\necho \"$1\" >{rolePath}\n");
        Command.Require("chmod", ["700", pathPrefix + ".notify"]);
        firewall.Namespace.Require(
            ["nft", "insert", "rule", "inet", "twintrack_lab", "input", "meta", "l4proto", "vrrp", "accept"]);

        const string Bind = "mount --bind \"$1\" \"$2\" && mount --bind \"$3\" \"$4\" && shift 4 && exec \"$@\"";
        Process process = firewall.Namespace.Start(
            pathPrefix + ".keepalived.log",
            "/bin/sh", "-c", Bind, "sh", conntrackd, UsualProgram, configPath, UsualConfig,
            Command.Find(Program)!, "--dont-fork", "--log-console", "--vrrp", "-f", pathPrefix + ".keepalived",
            "-p", pathPrefix + ".kpid", "-r", pathPrefix + ".vpid");
        return new Keepalived(process, rolePath, pathPrefix + ".keepalived.log");
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

    private static string Configuration(int priority, string pathPrefix) =>
        $$"""
        global_defs {
            script_user root
            enable_script_security
            vrrp_version 3
            vrrp_garp_master_delay 1
        }
        vrrp_sync_group firewall {
            group {
                inside
                outside
            }
            notify_master "{{pathPrefix}}.notify primary"
            notify_backup "{{pathPrefix}}.notify backup"
            notify_fault "{{pathPrefix}}.notify fault"
        }
        {{Instance("inside", Firewall.ClientSide, 61, priority)}}
        {{Instance("outside", Firewall.ServerSide, 62, priority)}}

        """;

    private static string Instance(string name, FirewallSide side, int id, int priority) =>
        $$"""
        vrrp_instance {{name}} {
            interface {{side.Interface}}
            state BACKUP
            virtual_router_id {{id}}
            priority {{priority}}
            advert_int 0.3
            virtual_ipaddress {
                {{side.VirtualAddress}}/24 dev {{side.Interface}}
            }
        }
        """;
}
