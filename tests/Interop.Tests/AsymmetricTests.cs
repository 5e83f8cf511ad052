using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Requests go through one firewall and replies through the other; what either sees is put into the other's kernel.
/// </summary>
[Trait("needs", "root")]
public sealed class AsymmetricTests
{
    // One after the other, and each waits for two repetitions of the server's answer: see docs/asymmetric.md.
    private const int Connections = 4;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(Make.Ours)]
    [InlineData(Make.Original)]
    public void Connections_whose_replies_take_the_other_way_work(Make make)
    {
        using Pair pair = Build(make);
        pair.Start();
        using var load = new TcpLoad(Connections, seed: 1);
        using var giveUp = new CancellationTokenSource(_patience);

        load.Open(pair.Topology.Client, pair.Topology.Server, Topology.ServerAddress, giveUp.Token);
        load.Mark();

        Eventually.Equals(Connections, () => load.Sample().Alive, "connections that carry bytes both ways");
        Eventually.Equals(Connections, () => Established(pair.First), "established on the firewall of the requests");
        Eventually.Equals(Connections, () => Established(pair.Second), "established on the firewall of the replies");
    }

    [Fact]
    public void Without_replication_no_connection_can_be_opened()
    {
        using Pair pair = Build(Make.Ours);
        using var load = new TcpLoad(1, seed: 1);
        Assert.Throws<LabException>(() => load.Open(
            pair.Topology.Client, pair.Topology.Server, Topology.ServerAddress, CancellationToken.None));
    }

    private static Pair Build(Make make)
    {
        // Translated addresses would need both directions in one place.
        Pair pair = Pair.Build(make, make, new TopologyOptions { SourceNat = false });
        foreach (Node node in (Node[])[pair.First, pair.Second])
            node.Config = node.Config with { ModeLines = "DisableExternalCache On" };
        pair.Topology.Server.Ip($"route replace default via {Firewall.ServerSide.Address(2)}\n");
        return pair;
    }

    private static int Established(Node node) => node.Table().Count(flow => flow.TcpState == 3);
}
