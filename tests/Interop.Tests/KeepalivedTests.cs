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

    private static readonly string OurScript =
        Path.Combine(Repository.Root, "docs", "examples", "failover", "primary-backup.sh");

    private readonly RunDirectory _directory = RunDirectory.Create();
    private readonly TcpLoad _tcp = new(Connections, seed: 1);
    private readonly List<IDisposable> _made = [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connections_outlive_the_failure_and_the_return_of_a_firewall(bool isOriginalScript)
    {
        string script = isOriginalScript ? OriginalScript : OurScript;
        Topology topology = Keep(Topology.Build(_directory, new TopologyOptions()));
        topology.Primary.DropVirtualAddresses();
        Keepalived one = Start(topology.Primary, 150, script, "n1");
        Keepalived two = Start(topology.Backup, 100, script, "n2");
        AwaitRoles(one, two, "primary", "backup");

        UdpStream udp = Keep(new UdpStream(topology.Client, topology.Server, Topology.ServerAddress, seed: 1));
        _tcp.Open(topology.Client, topology.Server, Topology.ServerAddress, CancellationToken.None);
        Prove(udp);

        for (int round = 0; round < 2; round++)
        {
            topology.Primary.Namespace.Ip("link set lan0 down\n");
            AwaitRoles(one, two, "fault", "primary");
            Prove(udp);

            topology.Primary.Namespace.Ip("link set lan0 up\n");
            AwaitRoles(one, two, "primary", "backup");
            Prove(udp);
        }

        Assert.Empty(_tcp.BrokenReasons());
    }

    public void Dispose()
    {
        foreach (IDisposable made in Enumerable.Reverse(_made)) made.Dispose();
        _tcp.Dispose();
        _directory.Dispose();
    }

    private Keepalived Start(Firewall firewall, int priority, string script, string name)
    {
        string prefix = $"{_directory.Path}/{name}";
        var config = new SyncConfig { Address = firewall.SyncAddress, PeerAddress = firewall.PeerSyncAddress };
        DaemonProcess daemon =
            Keep(DaemonProcess.Start(ProgramFinder.Ours(), firewall.Namespace, config, prefix));
        daemon.WaitUntilReady();
        return Keep(Keepalived.Start(firewall, priority, ProgramFinder.Ours(), daemon.ConfigPath, script, prefix));
    }

    // Bytes sent from now on arrive on every connection.
    private void Prove(UdpStream udp)
    {
        _tcp.Mark();
        udp.Mark();
        Eventually.Holds(() => _tcp.Sample().Alive == Connections && udp.Sample().IsAlive
            ? null
            : $"{_tcp.Sample().Alive} of {Connections} connections are alive, {string.Join(", ", _tcp.BrokenReasons())}");
    }

    private static void AwaitRoles(Keepalived one, Keepalived two, string first, string second) =>
        Eventually.Holds(() => (one.Role, two.Role) == (first, second)
            ? null
            : $"the roles are {one.Role} and {two.Role}:\n{one.Log}\n{two.Log}");

    private T Keep<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }
}
