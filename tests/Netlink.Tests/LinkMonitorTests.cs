using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Netlink.Tests;

[Trait("needs", "root")]
public sealed class LinkMonitorTests
{
    [Fact]
    public void The_interfaces_that_are_there_are_known_and_no_change() => PrivateNetwork.Run(() =>
    {
        using var monitor = new LinkMonitor();
        Assert.True(monitor.TryGet("lo", out LinkState loopback));
        Assert.Equal(1, loopback.Index);
        Assert.True(loopback.Flags.HasFlag(LinkFlags.Loopback));
        Assert.False(loopback.IsRunning);
        Assert.Equal(65536u, loopback.Mtu);
        Assert.False(monitor.TryRead(out _));
        Assert.False(monitor.TryGet("eth99", out _));
    });

    [Fact]
    public void Up_down_and_removal_of_an_interface_are_told() => PrivateNetwork.Run(() =>
    {
        using var monitor = new LinkMonitor();
        PrivateNetwork.Execute("ip", "link", "add", "left", "type", "veth", "peer", "name", "right");
        Assert.False(WaitFor(monitor, "left").IsRunning);

        PrivateNetwork.Execute("ip", "link", "set", "left", "up");
        PrivateNetwork.Execute("ip", "link", "set", "right", "up");
        Assert.True(WaitFor(monitor, "left", link => link.IsRunning).Flags.HasFlag(LinkFlags.Carrier));

        PrivateNetwork.Execute("ip", "link", "set", "right", "down"); // the carrier goes, the interface stays up
        LinkState lost = WaitFor(monitor, "left", link => !link.IsRunning);
        Assert.True(lost.Flags.HasFlag(LinkFlags.Up));
        Assert.False(lost.Flags.HasFlag(LinkFlags.Carrier));

        PrivateNetwork.Execute("ip", "link", "del", "left");
        Assert.True(WaitFor(monitor, "left", link => link.IsGone).IsGone);
        Assert.False(monitor.TryGet("left", out _));
        Assert.True(monitor.TryGet("lo", out _));
    });

    [Fact]
    public void News_that_change_nothing_are_not_told() => PrivateNetwork.Run(() =>
    {
        using var monitor = new LinkMonitor();
        PrivateNetwork.Execute("ip", "link", "add", "left", "type", "veth", "peer", "name", "right");
        PrivateNetwork.Execute("ip", "link", "set", "left", "up");
        PrivateNetwork.Execute("ip", "link", "set", "left", "alias", "an alias is no state of a link");
        PrivateNetwork.Execute("ip", "link", "del", "left");

        LinkState before = default;
        while (!before.IsGone)
        {
            LinkState link = WaitFor(monitor, "left");
            Assert.NotEqual(before, link);
            before = link;
        }
    });

    private static LinkState WaitFor(LinkMonitor monitor, string name, Func<LinkState, bool>? condition = null)
    {
        while (true)
        {
            if (!monitor.TryRead(out LinkState link)) Assert.True(monitor.Wait(5000), $"no change of {name}");
            else if (link.Name == name && condition?.Invoke(link) != false) return link;
        }
    }
}
