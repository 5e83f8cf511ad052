using System.Net;
using System.Net.Sockets;
using Xunit;

namespace TwinTrack.Lab.Tests;

[Trait("needs", "root")]
public sealed class TopologyTests
{
    private const int Port = 7000;

    [Theory]
    [InlineData(true, "10.77.2.254")]
    [InlineData(false, "10.77.1.10")]
    public void The_client_reaches_the_server_through_the_primary_only(bool sourceNat, string seenByServer)
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions { SourceNat = sourceNat });

        using Socket listener = topology.Server.Run(() => Listen(Topology.ServerAddress));
        using Socket client = topology.Client.Run(() => new Socket(SocketType.Stream, ProtocolType.Tcp));
        client.Connect(Topology.ServerAddress, Port);
        using Socket server = listener.Accept();

        Assert.Equal(seenByServer, ((IPEndPoint)server.RemoteEndPoint!).Address.MapToIPv4().ToString());
        Assert.Equal(1u, topology.Primary.CountFlows());
        Assert.Equal(0u, topology.Backup.CountFlows());
        Assert.Equal(0ul, topology.Backup.ForwardedPackets());
        Assert.True(topology.Primary.ForwardedPackets() >= 3);
        Assert.Equal(2ul, topology.Primary.SynPackets());
    }

    [Fact]
    public void Generated_flows_stand_in_the_kernels_table_until_they_are_deleted()
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions());

        FlowGenerator.Create(topology.Primary.Namespace, 1000);
        Assert.Equal(1000u, topology.Primary.CountFlows());
        Assert.Throws<LabException>(() => FlowGenerator.Create(topology.Primary.Namespace, 1, first: 999));

        FlowGenerator.Delete(topology.Primary.Namespace, 400, first: 600);
        Assert.Equal(600u, topology.Primary.CountFlows());
    }

    [Fact]
    public void All_of_the_link_between_the_firewalls_is_lost_at_100_percent_and_none_at_0()
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions());
        using Socket receiver = topology.Backup.Namespace.Run(() => Datagrams(topology.Backup.SyncAddress));
        using Socket sender = topology.Primary.Namespace.Run(() => Datagrams(topology.Primary.SyncAddress));
        var target = new IPEndPoint(topology.Backup.SyncAddress, Port);

        topology.SetSyncLoss(100);
        sender.SendTo([1], target);
        topology.SetSyncLoss(0);
        sender.SendTo([2], target);

        byte[] received = new byte[1];
        Assert.Equal(1, receiver.Receive(received));
        Assert.Equal(2, received[0]);
    }

    private static Socket Listen(IPAddress address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, Port));
        socket.Listen();
        return socket;
    }

    private static Socket Datagrams(IPAddress address)
    {
        var socket = new Socket(System.Net.Sockets.AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveTimeout = 5000,
        };
        socket.Bind(new IPEndPoint(address, Port));
        return socket;
    }
}
