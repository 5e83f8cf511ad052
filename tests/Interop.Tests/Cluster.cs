using System.Net;
using TwinTrack.Lab;

namespace TwinTrack.Interop.Tests;

/// <summary>Several firewalls on one network, each with a conntrackd of either make.</summary>
internal sealed class Cluster : IDisposable
{
    private readonly RunDirectory _directory = RunDirectory.Create();
    private readonly List<Firewall> _firewalls = [];

    /// <summary>Builds and starts one node for each make, and waits until they answer.</summary>
    /// <param name="channel">UDP: each node names all others; multicast: all are in one group.</param>
    /// <param name="change">Changes each configuration.</param>
    /// <param name="makes">Whose they are.</param>
    public Cluster(SyncChannel channel, Func<SyncConfig, SyncConfig> change, params Make[] makes)
    {
        try
        {
            NetNamespace wire = _directory.CreateNamespace("wire");
            wire.Ip("link add bridge0 type bridge\nlink set bridge0 up\n");
            for (int index = 0; index < makes.Length; index++) Nodes.Add(Build(wire, index, channel, change, makes));
            foreach (Node node in Nodes) node.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public List<Node> Nodes { get; } = [];

    public void Dispose()
    {
        foreach (Node node in Nodes) node.Dispose();
        foreach (Firewall firewall in _firewalls) firewall.Dispose();
        _directory.Dispose();
    }

    private Node Build(
        NetNamespace wire, int index, SyncChannel channel, Func<SyncConfig, SyncConfig> change, Make[] makes)
    {
        NetNamespace home = _directory.CreateNamespace($"n{index + 1}");
        home.Ip($"""
            link add {Firewall.SyncInterface} type veth peer name port{index} netns {wire.Name}
            address add {AddressOf(index)}/24 dev {Firewall.SyncInterface}
            link set lo up
            link set {Firewall.SyncInterface} up

            """);
        wire.Ip($"link set port{index} master bridge0\nlink set port{index} up\n");
        var firewall = Firewall.WithoutLans(home, (byte)(index + 1));
        _firewalls.Add(firewall);
        var node = new Node(firewall, makes[index], $"{_directory.Path}/n{index + 1}");
        IPAddress[] peers = [.. Enumerable.Range(0, makes.Length).Where(peer => peer != index).Select(AddressOf)];
        node.Config = change(node.Config with
        {
            Channel = channel,
            Address = AddressOf(index),
            PeerAddress = peers[0],
            LinkLines = channel == SyncChannel.Udp
                ? string.Join('\n', peers.Skip(1).Select(static peer => $"IPv4_Destination_Address {peer}"))
                : "",
        });
        return node;
    }

    private static IPAddress AddressOf(int index) => new([10, 77, 3, (byte)(index + 1)]);
}
