using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Two firewalls that know nothing but set commands, under TCP traffic.</summary>
[Trait("needs", "root")]
public sealed class LabTests
{
    private const int Connections = 50;

    [Fact]
    public void Connections_outlive_the_failure_the_return_and_the_end_of_a_firewall_that_set_commands_made()
    {
        using var run = new RouterRun(new RouterOptions { Connections = Connections, Program = RouterPair.Built });
        RouterResult result = run.Execute(TestContext.Current.CancellationToken);
        Assert.Equal(3, result.Changes.Count);
        Assert.All(result.Changes, change => Assert.Equal((Connections, true), (change.Alive, change.UdpAlive)));
        Assert.Empty(result.Broken);
        Assert.True(result.Passed);
    }
}
