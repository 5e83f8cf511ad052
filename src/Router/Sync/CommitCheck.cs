using System.Net;
using System.Net.Sockets;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>What a check found.</summary>
/// <param name="Id">Identifier: C.. ends the commit, W.. warns, N.. tells.</param>
/// <param name="Text">What is the matter.</param>
internal readonly record struct Finding(string Id, string Text)
{
    /// <summary>Whether nothing may be committed.</summary>
    public bool IsError => Id[0] == 'C';
}

/// <summary>Checks a configuration as a whole, before it is committed.</summary>
/// <param name="root">What shall be committed.</param>
/// <param name="machine">The machine.</param>
/// <param name="running">What is in effect; null: nothing.</param>
internal sealed class CommitCheck(ConfigNode root, Machine machine, ConfigNode? running = null)
{
    /// <summary>Checks before anything is done.</summary>
    /// <returns>The first error alone, or all warnings.</returns>
    public IReadOnlyList<Finding> Run()
    {
        if (SyncSettings.Of(root) is not { } sync) return [];

        foreach (Finding error in Errors(sync)) return [error];
        return [.. Warnings(sync)];
    }

    /// <summary>Checks what came of it, once it is done.</summary>
    /// <returns>Warnings.</returns>
    public IReadOnlyList<Finding> Effects() =>
        SyncSettings.Of(root) is { } sync ? [.. EffectWarnings(sync)] : [];

    private IEnumerable<Finding> EffectWarnings(SyncSettings sync)
    {
        if (sync.VrrpGroup is not null && machine.FailoverRuns == false)
            yield return new("W04", "keepalived does not run");
        if (sync.ClusterGroup is not null && machine.ClusterRuns == false)
            yield return new("W04", "heartbeat does not run");
        if (sync.TableSize is { } most && machine.TableSize is { } nowMost && most != nowMost)
            yield return new("W05", $"table-size is {most}, the kernel has {nowMost}");
        if (sync.HashSize is { } buckets && machine.HashSize is { } nowBuckets && buckets != nowBuckets)
            yield return new("W05", $"hash-size is {buckets}, the kernel has {nowBuckets}");
        if (machine.Tracking is not { } tracking) yield break;

        if (!tracking.IPv4 && !tracking.IPv6)
            yield return new("W10", "no rule makes the kernel track connections, see firewall state-policy");
        else if (!tracking.IPv6 && sync.Protocols.Contains("icmp6", StringComparer.Ordinal))
            yield return new("W09", "accept-protocol icmp6: no rule makes the kernel track IPv6");
    }

    private IEnumerable<Finding> Errors(SyncSettings sync)
    {
        if (sync.Links.Count == 0) yield return new("C01", "at least one replication interface is needed");
        foreach (SyncLink link in sync.Links)
        {
            if (!machine.Knows(link.Name, root)) yield return new("C02", $"interface {link.Name} is unknown");
        }

        foreach (SyncLink link in sync.Links.Where(link => OwnAddress(link) is null))
            yield return new("C03", $"interface {link.Name} has no address of the needed family ({Name(link.Family)})");
        if (sync.Links.Any(link => link.Peer is null) && sync.Links.Any(link => link.Peer is not null))
            yield return new("C04", "all links must be unicast (peer), or all multicast");
        if (sync.Expectations.Contains("all", StringComparer.Ordinal) && sync.Expectations.Count > 1)
            yield return new("C05", "expect-sync: all stands alone");
        foreach (IPAddress listen in sync.Listen.Where(listen => !machine.Owns(listen, root)))
            yield return new("C06", $"listen-address {listen} is not local");
        foreach (Finding error in MechanismErrors(sync)) yield return error;
        foreach (Finding error in LinkErrors(sync)) yield return error;
    }

    private IEnumerable<Finding> MechanismErrors(SyncSettings sync)
    {
        if (sync is { VrrpGroup: null, ClusterGroup: null } or { VrrpGroup: "", ClusterGroup: null })
            yield return new("C07", "a failover mechanism with a group is needed");
        if (sync is { VrrpGroup: not null, ClusterGroup: not null })
            yield return new("C09", "vrrp and cluster: choose one mechanism");
        if (sync.VrrpGroup is { Length: > 0 } group
            && root.At("high-availability", "vrrp", "sync-group", group) is null)
        {
            yield return running?.At("high-availability", "vrrp", "sync-group", group) is null
                ? new("C08", $"sync-group {group} does not exist")
                : new("C12", $"sync-group {group} is still used by conntrack-sync");
        }

        if (sync.ClusterGroup is "") yield return new("C10", "cluster needs the name of a group");
        if (sync.ClusterGroup is { Length: > 0 } cluster && root.At("cluster", "group", cluster) is null)
        {
            yield return running?.At("cluster", "group", cluster) is null
                ? new("C11", $"cluster group {cluster} does not exist")
                : new("C12", $"cluster group {cluster} is still used by conntrack-sync");
        }
    }

    private IEnumerable<Finding> LinkErrors(SyncSettings sync)
    {
        if (sync.Links.Count > SyncSettings.MostLinks)
            yield return new("C14", $"{sync.Links.Count} interfaces: {SyncSettings.MostLinks} links at most");
        foreach (SyncLink link in sync.Links)
        {
            if (link.Peer is { } peer && machine.Owns(peer, root))
                yield return new("C15", $"peer {peer} is this router itself");
        }

        if (sync.Links.Select(link => link.Family).Distinct().Count() > 1)
            yield return new("C16", "the peers are of different families");
        AddressFamily family = sync.Links.Select(link => link.Family).FirstOrDefault();
        foreach (IPAddress listen in sync.Listen.Where(listen => listen.AddressFamily != family))
            yield return new("C16", $"listen-address {listen}: no link is of its family");
        var pairs = sync.Links.GroupBy(link => (Own: OwnAddress(link), link.Port));
        foreach (var pair in pairs.Where(pair => pair.Count() > 1))
        {
            string names = string.Join(", ", pair.Select(link => link.Name));
            yield return new("C17", $"{names} use the same address and port {pair.Key.Port}");
        }
    }

    private IEnumerable<Finding> Warnings(SyncSettings sync)
    {
        foreach (IPAddress listen in sync.Listen.Where(listen => !sync.Links.Any(link => Has(link, listen))))
            yield return new(
                "W01", $"listen-address {listen} is on none of the replication interfaces: it is left out");
        foreach (Finding warning in GroupWarnings(sync)) yield return warning;
        foreach (SyncLink link in sync.Links)
        {
            if (link.Peer is { } peer && !machine.AddressesOf(link.Name, root).Any(local => local.Covers(peer)))
                yield return new("W06", $"peer {peer} is in no network of {link.Name}");
        }

        foreach (string helper in sync.Expectations.Where(helper => helper != "all"))
        {
            bool isOn = root.At("system", "conntrack", "modules", helper) is not null;
            if (!isOn)
                yield return new("W07", $"expect-sync {helper}: system conntrack modules {helper} is off");
        }

        if (sync is { DisableExternalCache: true, StartupResync: false })
            yield return new(
                "W08", "disable-external-cache without startup-resync: flows of before the start are missing");
    }

    private IEnumerable<Finding> GroupWarnings(SyncSettings sync)
    {
        if (sync.VrrpGroup is not { } name
            || root.At("high-availability", "vrrp", "sync-group", name) is not { } group)
        {
            yield break;
        }

        IReadOnlyList<string> members = group.ValuesAt("member");
        foreach (string member in members)
        {
            ConfigNode? vrrp = root.At("high-availability", "vrrp", "group", member);
            if (vrrp?.ValueAt("preempt-delay") is { } delay && vrrp.At("no-preempt") is null
                && uint.TryParse(delay, out uint seconds) && seconds < sync.PurgeSeconds)
            {
                yield return new(
                    "W02", $"preempt-delay {delay} of {member} is below purge-timeout {sync.PurgeSeconds}");
            }
        }

        if (group.At("disable") is not null || members.Count == 0)
            yield return new("W03", $"sync-group {name} is disabled or has no member");
    }

    private bool Has(SyncLink link, IPAddress address) =>
        machine.AddressesOf(link.Name, root).Any(local => local.Address.Equals(address));

    private IPAddress? OwnAddress(SyncLink link) => Generator.OwnAddress(link, root, machine);

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
}
