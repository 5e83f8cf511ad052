using Xunit;

namespace TwinTrack.Lab.Tests;

[Trait("needs", "root")]
public sealed class TrafficTests
{
    private const int Connections = 5;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public void A_load_is_alive_only_with_bytes_that_were_sent_after_the_mark()
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions());
        using var load = new TcpLoad(Connections, seed: 1);
        load.Open(
            topology.Client, topology.Server, Topology.ServerAddress, TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => load.Sample().Moving == Connections, Deadline));

        topology.Primary.SetLinksDown();
        load.Mark();
        load.ResetGaps();
        Assert.True(SpinWait.SpinUntil(() => load.Sample().Moving == 0, Deadline));
        Assert.Equal(0, load.Sample().Alive);

        topology.Primary.SetLinksUp();
        Assert.True(SpinWait.SpinUntil(() => load.Sample().Alive == Connections, Deadline));
        Assert.Equal(0, load.Sample().Broken);
        Assert.All(load.LongestGaps(), gap => Assert.True(gap > TimeSpan.FromMilliseconds(200)));
    }

    [Fact]
    public void A_stream_goes_on_without_a_word_of_the_client_and_ends_with_the_path()
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions());
        using var stream = new UdpStream(topology.Client, topology.Server, Topology.ServerAddress, seed: 1);

        stream.Mark();
        Assert.True(SpinWait.SpinUntil(() => stream.Sample().IsAlive, Deadline));
        Assert.Equal(0, stream.Sample().Altered);

        topology.Primary.SetLinksDown();
        stream.Mark();
        stream.ResetGap();
        Assert.True(SpinWait.SpinUntil(() => stream.Sample().LongestGap > TimeSpan.FromMilliseconds(300), Deadline));
        Assert.False(stream.Sample().IsAlive);
    }
}
