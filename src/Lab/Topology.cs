using System.Diagnostics;
using System.Net;

namespace TwinTrack.Lab;

/// <summary>How the lab is wired.</summary>
public sealed record TopologyOptions
{
    /// <summary>Whether the firewalls hide the client behind the virtual address of the server side.</summary>
    public bool SourceNat { get; init; } = true;

    /// <summary>
    /// Whether the link between the firewalls holds frames back at random, so that others overtake them.
    /// </summary>
    public bool ReordersSync { get; init; }

    /// <summary>Links between the firewalls, 1 to 4.</summary>
    public int SyncLinks { get; init; } = 1;

    /// <summary>Whether these links have IPv6 addresses as well.</summary>
    public bool SyncIPv6 { get; init; }
}

/// <summary>A client and a server, each on a LAN with both firewalls, and links between the firewalls.</summary>
/// <remarks>
/// <code>
///                  .1 lan0 [ fw1 ] wan0 .1
///  client .10 ── bridge    sync0 .1      bridge ── .10 server
///                  .2 lan0 [ fw2 ] wan0 .2
///                          sync0 .2
///  LAN 10.77.1.0/24, virtual .254     LAN 10.77.2.0/24, virtual .254
///  sync0 10.77.3.0/24 and fd77:3::/64, sync1 10.77.4.0/24 and fd77:4::/64, and so on
/// </code>
/// The bridges are in the namespaces of client and server. The first firewall holds the virtual addresses at first.
/// </remarks>
public sealed class Topology : IDisposable
{
    /// <summary>The client's address.</summary>
    public static readonly IPAddress ClientAddress = new([10, 77, 1, 10]);

    /// <summary>The server's address.</summary>
    public static readonly IPAddress ServerAddress = new([10, 77, 2, 10]);

    private static readonly TimeSpan LinkDeadline = TimeSpan.FromSeconds(10);

    private readonly RunDirectory _directory;
    private readonly NetNamespace? _wire;
    private FrameRelay? _relay;
    private readonly TopologyOptions _options;

    private Topology(RunDirectory directory, TopologyOptions options)
    {
        _directory = directory;
        if (options.ReordersSync) _wire = directory.CreateNamespace("wire");
        _options = options;
        Client = directory.CreateNamespace("client");
        Server = directory.CreateNamespace("server");
        Primary = new Firewall(directory.CreateNamespace("fw1"), 1, options);
        Backup = new Firewall(directory.CreateNamespace("fw2"), 2, options);
    }

    /// <summary>The client's namespace.</summary>
    public NetNamespace Client { get; }

    /// <summary>The server's namespace.</summary>
    public NetNamespace Server { get; }

    /// <summary>The firewall that is primary at first.</summary>
    public Firewall Primary { get; }

    /// <summary>The firewall that is backup at first.</summary>
    public Firewall Backup { get; }

    /// <summary>Frames that the link between the firewalls has held back.</summary>
    public long HeldBackFrames => _relay?.HeldBack ?? 0;

    /// <summary>Builds namespaces, links, addresses and rules.</summary>
    /// <param name="directory">Names the namespaces and removes them.</param>
    /// <param name="options">How it is wired.</param>
    /// <exception cref="LabException">The kernel or a tool lacks something.</exception>
    public static Topology Build(RunDirectory directory, TopologyOptions options)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentNullException.ThrowIfNull(options);
        RequireTools();
        var topology = new Topology(directory, options);
        topology.Wire();
        return topology;
    }

    /// <summary>Drops packets at random on the link between the firewalls.</summary>
    /// <param name="percent">Of the packets of each direction: 0 for none, 100 for a partition.</param>
    public void SetSyncLoss(int percent)
    {
        Primary.SetSyncLoss(percent);
        Backup.SetSyncLoss(percent);
    }

    /// <summary>Removes a link between the firewalls with its interfaces.</summary>
    /// <param name="link">From 0.</param>
    public void RemoveSyncLink(int link) =>
        Primary.Namespace.Ip($"link del {Primary.SyncLink(link).Interface}\n");

    /// <summary>Makes a link between the firewalls that was removed, with addresses.</summary>
    /// <param name="link">From 0.</param>
    /// <param name="interfaceIndex">The kernel's number of the first firewall's interface.</param>
    public void AddSyncLink(int link, int interfaceIndex)
    {
        Command.Require(
            "ip", ["-batch", "-"], Cable(interfaceIndex, Primary.SyncLink(link).Interface, Primary, Backup) + "\n");
        Primary.ConfigureSync(link);
        Backup.ConfigureSync(link);
    }

    /// <summary>Removes the namespaces and what runs in them.</summary>
    public void Dispose()
    {
        _relay?.Dispose();
        Primary.Dispose();
        Backup.Dispose();
        _directory.Dispose();
    }

    /// <summary>Says what is missing, before anything is built.</summary>
    /// <exception cref="LabException">The right to make namespaces, a tool or its package.</exception>
    public static void RequireTools()
    {
        if (Libc.EffectiveUser() != 0) throw new LabException("making network namespaces takes root: run it as root");
        if (Command.Find("ip") is null) throw new LabException("ip is missing: install the package iproute2");
        if (Command.Find("nft") is null) throw new LabException("nft is missing: install the package nftables");
    }

    private void Wire()
    {
        List<NetNamespace> namespaces = [Client, Server, Primary.Namespace, Backup.Namespace];
        if (_wire is not null) namespaces.Add(_wire);
        foreach (NetNamespace made in namespaces)
        {
            // IPv6 would only add neighbour discovery to what is counted.
            made.WriteSetting("net/ipv6/conf/all/disable_ipv6", "1");
            made.WriteSetting("net/ipv6/conf/default/disable_ipv6", "1");
        }

        Command.Require("ip", ["-batch", "-"],
            $"""
            {Cable(101, Client, "port1", Primary, Firewall.ClientSide)}
            {Cable(102, Client, "port2", Backup, Firewall.ClientSide)}
            {Cable(103, Server, "port1", Primary, Firewall.ServerSide)}
            {Cable(104, Server, "port2", Backup, Firewall.ServerSide)}
            {SyncCable()}

            """);
        Primary.Configure();
        Backup.Configure();
        Primary.AddVirtualAddresses();
        ConfigureHost(Client, ClientAddress, Firewall.ClientSide);
        ConfigureHost(Server, ServerAddress, Firewall.ServerSide);
        _wire?.Ip("link set first up\nlink set second up\n");
        foreach (NetNamespace made in namespaces) AwaitLinks(made);
        _relay = _wire?.Run(() => new FrameRelay("first", "second", seed: 1));
    }

    private string SyncCable() => _wire is null
        ? string.Join('\n', Firewall.SyncInterfaces(_options.SyncLinks)
            .Select((name, index) => Cable(105 + index, name, Primary, Backup)))
        : $"""
            {Cable(105, Primary, _wire, "first")}
            {Cable(106, Backup, _wire, "second")}
            """;

    private static void ConfigureHost(NetNamespace host, IPAddress address, FirewallSide side)
    {
        try
        {
            host.Ip("link add lan type bridge stp_state 0 mcast_snooping 0\n");
        }
        catch (LabException e)
        {
            throw new LabException("the kernel lacks Ethernet bridges (module bridge): " + e.Message, e);
        }

        // Where br_netfilter is built in, bridged packets would pass the IP hooks as well.
        if (host.Run(() => File.Exists("/proc/sys/net/bridge/bridge-nf-call-iptables")))
            host.WriteSetting("net/bridge/bridge-nf-call-iptables", "0");
        // A port that is up before it joins forwards at once; else the kernel thinks about its carrier for up to 1 s.
        host.Ip(
            $"""
            link set lo up
            link set port1 up
            link set port2 up
            link set port1 master lan
            link set port2 master lan
            address add {address}/24 dev lan
            link set lan up
            route add default via {side.VirtualAddress}

            """);
    }

    // The kernel takes links into use in the background, a second late at worst, and drops what is sent before.
    private static void AwaitLinks(NetNamespace made)
    {
        var watch = Stopwatch.StartNew();
        while (!Command.Require("ip", ["-n", made.Name, "-d", "-o", "link"]).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).All(IsReady))
        {
            if (watch.Elapsed > LinkDeadline) throw new LabException($"the links of {made.Name} do not come up");
            Thread.Sleep(5);
        }
    }

    // 2: port1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 ... state UP ... bridge_slave state forwarding ...
    // The bridge itself works before the kernel calls it up.
    private static bool IsReady(string link) =>
        link.Contains("LOOPBACK", StringComparison.Ordinal)
        || link.Contains(": lan:", StringComparison.Ordinal)
        || (link.Contains(" state UP ", StringComparison.Ordinal)
            && (!link.Contains(" bridge_slave ", StringComparison.Ordinal)
                || link.Contains(" state forwarding ", StringComparison.Ordinal)));

    // Where both ends of a cable happen to have the same index, the kernel may take a second to call them up.
    private static string Cable(
        int index, NetNamespace host, string port, Firewall firewall, FirewallSide side) =>
        $"link add {port} index {index} netns {host.Name} type veth peer name {side.Interface} "
        + $"address {firewall.HardwareAddress(side)} netns {firewall.Namespace.Name}";

    private static string Cable(int index, Firewall firewall, NetNamespace wire, string end) =>
        $"link add {Firewall.SyncInterface} index {index} netns {firewall.Namespace.Name} type veth "
        + $"peer name {end} netns {wire.Name}";

    private static string Cable(int index, string name, Firewall first, Firewall second) =>
        $"link add {name} index {index} netns {first.Namespace.Name} type veth "
        + $"peer name {name} netns {second.Namespace.Name}";
}
