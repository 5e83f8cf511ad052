using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Interfaces and addresses of the dedicated link come, go and come back.</summary>
[Trait("needs", "root")]
public sealed class LinkLifeTests
{
    private const int Flows = 100;

    public static TheoryData<SyncChannel, bool> Channels => new()
    {
        { SyncChannel.Udp, false },
        { SyncChannel.Udp, true },
        { SyncChannel.Multicast, false },
        { SyncChannel.Multicast, true },
        { SyncChannel.Tcp, false },
        { SyncChannel.Tcp, true },
    };

    [Theory]
    [MemberData(nameof(Channels))]
    public void An_interface_that_comes_late_or_again_is_used(SyncChannel channel, bool isIPv6)
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours, channel, isIPv6);
        pair.Topology.RemoveSyncLink(0);
        pair.Start();
        Assert.Contains("link `sync0' is closed: there is no interface sync0", pair.First.Log, StringComparison.Ordinal);
        Assert.Contains("device=sync0 status=DOWN role=ACTIVE", pair.First.Do("-s", "link"), StringComparison.Ordinal);

        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.Topology.AddSyncLink(0, interfaceIndex: 301);
        pair.WaitUntilEqual();
        Assert.Contains("dedicated link `sync0' is open", pair.First.Log, StringComparison.Ordinal);

        pair.Topology.RemoveSyncLink(0);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows, first: Flows);
        Eventually.Holds(() => pair.First.Do("-s", "link").Contains("status=DOWN", StringComparison.Ordinal)
            ? null
            : "the loss of the interface was not noticed");
        pair.Topology.AddSyncLink(0, interfaceIndex: 302);
        pair.WaitUntilEqual();
        Assert.Equal(2 * Flows, pair.Second.Counts().External);
        Assert.Contains("device=sync0 status=RUNNING", pair.First.Do("-s", "link"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SyncChannel.Udp, false)]
    [InlineData(SyncChannel.Udp, true)]
    [InlineData(SyncChannel.Tcp, false)]
    public void An_address_that_comes_late_is_used(SyncChannel channel, bool isIPv6)
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours, channel, isIPv6);
        SyncLink link = pair.First.Firewall.SyncLink(0, isIPv6);
        string place = $"{link.Address}/{(isIPv6 ? 64 : 24)} dev {link.Interface}";
        pair.First.Firewall.Namespace.Ip($"address del {place}\n");
        pair.Start();
        Assert.Contains($"own address {link.Address}", pair.First.Log, StringComparison.Ordinal);

        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.First.Firewall.Namespace.Ip($"address add {place}\n");

        pair.WaitUntilEqual();
        Assert.Single(pair.First.Log.Split('\n'), line => line.Contains("is closed", StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_that_goes_down_and_up_loses_nothing()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        NetNamespace home = pair.First.Firewall.Namespace;
        home.Ip("link set sync0 down\n");
        FlowGenerator.Create(home, Flows);
        Assert.Contains("status=DOWN", pair.First.Do("-s", "link"), StringComparison.Ordinal);
        Assert.Contains("status=NO-CARRIER", pair.Second.Do("-s", "link"), StringComparison.Ordinal);
        home.Ip("link set sync0 up\n");

        pair.WaitUntilEqual();
        Assert.Equal(0, pair.Second.Count("network", "Packets lost"));
    }
}
