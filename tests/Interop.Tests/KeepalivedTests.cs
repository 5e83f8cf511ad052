using System.Net;
using TwinTrack.Lab;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Two firewalls with a real keepalived each, two virtual addresses in a group: traffic through them outlives the failure
/// of one, and its return.
/// </summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class KeepalivedTests : IDisposable
{
    private const int Connections = 100;
    private const string OriginalScript = "/usr/share/doc/conntrackd/examples/sync/primary-backup.sh";

    private static readonly IPAddress SecondServer = new([10, 77, 2, 11]);

    private static readonly string OurScript =
        Path.Combine(Repository.Root, "docs", "examples", "failover", "primary-backup.sh");

    private readonly RunDirectory _directory = RunDirectory.Create();
    private readonly List<TcpLoad> _loads = [];
    private readonly List<IDisposable> _made = [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connections_outlive_the_failure_and_the_return_of_a_firewall(bool isOriginalScript)
    {
        string script = isOriginalScript ? OriginalScript : OurScript;
        Topology topology = Keep(Topology.Build(_directory, new TopologyOptions()));
        topology.Primary.DropVirtualAddresses();
        Keepalived one = Start(topology.Primary, "n1", script, "", VirtualGroup.Usual(150));
        Keepalived two = Start(topology.Backup, "n2", script, "", VirtualGroup.Usual(100));
        AwaitRoles(one, two, "usual", "primary", "backup");
        Open(topology, Topology.ServerAddress);
        UdpStream udp = Keep(new UdpStream(topology.Client, topology.Server, Topology.ServerAddress, seed: 1));

        for (int round = 0; round < 2; round++)
        {
            topology.Primary.Namespace.Ip("link set lan0 down\n");
            AwaitRoles(one, two, "usual", "fault", "primary");
            udp.Mark();
            Prove();
            Eventually.Holds(() => udp.Sample().IsAlive ? null : "the UDP stream does not go on");

            topology.Primary.Namespace.Ip("link set lan0 up\n");
            AwaitRoles(one, two, "usual", "primary", "backup");
            Prove();
        }
    }

    /// <summary>
    /// Each firewall is primary for one pair of addresses. What the peer tells goes straight into the kernel, so that
    /// neither has anything to do when the roles change; but neither sees every segment, so windows are not held against
    /// them.
    /// </summary>
    [Fact]
    public void Two_active_firewalls_take_each_others_connections_and_give_them_back()
    {
        Topology topology = Keep(Topology.Build(_directory, new TopologyOptions { SourceNat = false }));
        topology.Primary.DropVirtualAddresses();
        RouteOverSecondPair(topology);
        foreach (Firewall firewall in (Firewall[])[topology.Primary, topology.Backup])
            firewall.Namespace.WriteSetting("net/netfilter/nf_conntrack_tcp_be_liberal", "1");
        const string injecting = "DisableExternalCache on";
        Keepalived one = Start(
            topology.Primary, "n1", null, injecting, VirtualGroup.Usual(150), new VirtualGroup("second", 253, 100));
        Keepalived two = Start(
            topology.Backup, "n2", null, injecting, VirtualGroup.Usual(100), new VirtualGroup("second", 253, 150));
        AwaitRoles(one, two, "usual", "primary", "backup");
        AwaitRoles(one, two, "second", "backup", "primary");
        Open(topology, Topology.ServerAddress);
        Open(topology, SecondServer);
        Eventually.Holds(() => topology.Primary.CountFlows() >= 2 * Connections
            && topology.Backup.CountFlows() >= 2 * Connections ? null : "the kernels do not know all flows");

        foreach (Firewall failing in (Firewall[])[topology.Primary, topology.Backup])
        {
            bool isFirst = failing == topology.Primary;
            failing.Namespace.Ip("link set lan0 down\n");
            string roles = isFirst ? "fault primary" : "primary fault";
            foreach (string group in (string[])["usual", "second"])
                AwaitRoles(one, two, group, roles.Split(' ')[0], roles.Split(' ')[1]);
            Prove();

            failing.Namespace.Ip("link set lan0 up\n");
            AwaitRoles(one, two, "usual", "primary", "backup");
            AwaitRoles(one, two, "second", "backup", "primary");
            Prove();
        }
    }

    public void Dispose()
    {
        foreach (IDisposable made in Enumerable.Reverse(_made)) made.Dispose();
        foreach (TcpLoad load in _loads) load.Dispose();
        _directory.Dispose();
    }

    // Traffic of the second pair of addresses goes to a second address of the server, and back to a second one of the
    // client, over the second virtual gateways.
    private static void RouteOverSecondPair(Topology topology)
    {
        topology.Client.Ip(
            $"address add 10.77.1.11/24 dev lan\nroute add {SecondServer} via 10.77.1.253 src 10.77.1.11\n");
        topology.Server.Ip($"address add {SecondServer}/24 dev lan\nroute add 10.77.1.11 via 10.77.2.253\n");
    }

    private Keepalived Start(
        Firewall firewall, string name, string? script, string modeLines, params VirtualGroup[] groups)
    {
        string prefix = $"{_directory.Path}/{name}";
        var config = new SyncConfig
        {
            Address = firewall.SyncAddress,
            PeerAddress = firewall.PeerSyncAddress,
            ModeLines = modeLines,
        };
        DaemonProcess daemon =
            Keep(DaemonProcess.Start(ProgramFinder.Ours(), firewall.Namespace, config, prefix));
        daemon.WaitUntilReady();
        return Keep(Keepalived.Start(firewall, groups, ProgramFinder.Ours(), daemon.ConfigPath, script, prefix));
    }

    private void Open(Topology topology, IPAddress server)
    {
        var load = new TcpLoad(Connections, seed: 1);
        _loads.Add(load);
        load.Open(topology.Client, topology.Server, server, CancellationToken.None);
        Prove();
    }

    // Bytes sent from now on arrive on every connection.
    private void Prove()
    {
        foreach (TcpLoad load in _loads)
        {
            load.Mark();
            Eventually.Holds(() => load.Sample().Alive == Connections
                ? null
                : $"{load.Sample().Alive} of {Connections} alive, {string.Join(", ", load.BrokenReasons())}");
        }
    }

    private static void AwaitRoles(Keepalived one, Keepalived two, string group, string first, string second) =>
        Eventually.Holds(() => (one.RoleOf(group), two.RoleOf(group)) == (first, second)
            ? null
            : $"the roles of {group} are {one.RoleOf(group)} and {two.RoleOf(group)}:\n{one.Log}\n{two.Log}");

    private T Keep<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }
}
