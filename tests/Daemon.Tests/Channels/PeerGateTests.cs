using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Channels;

public sealed class PeerGateTests
{
    /// <summary>Kind of link, sender, the interface it came by (5 is the link's), and what comes of it.</summary>
    public static TheoryData<LinkKind, string, int, string> Arrivals => new()
    {
        { LinkKind.Udp, "10.0.1.2", 5, "None" },
        { LinkKind.Udp, "10.0.1.3", 5, "Stranger" },
        { LinkKind.Udp, "10.0.1.2", 6, "OtherInterface" },
        { LinkKind.Tcp, "10.0.1.2", 0, "None" },
        { LinkKind.Tcp, "10.0.1.3", 0, "Stranger" },
        { LinkKind.Multicast, "10.0.1.77", 5, "None" },
        { LinkKind.Multicast, "10.0.2.77", 5, "OtherNetwork" },
        { LinkKind.Multicast, "10.0.1.77", 6, "OtherInterface" },
    };

    [Theory]
    [MemberData(nameof(Arrivals))]
    public void Only_the_configured_are_heard(LinkKind kind, string source, int device, string expected)
    {
        LinkNetwork? network = kind == LinkKind.Multicast ? new LinkNetwork(Parse("10.0.1.9"), 24) : null;
        var gate = new PeerGate(Link(kind), network);
        var arrival = new Arrival([], Parse(source), 1, device);
        Assert.Equal(expected, gate.Check(in arrival, 5).ToString());
    }

    [Fact]
    public void All_peers_of_a_list_are_heard()
    {
        var gate = new PeerGate(Link(LinkKind.Udp) with { MorePeers = [IPAddress.Parse("10.0.1.4")] }, network: null);
        Assert.Equal(Refusal.None, Check("10.0.1.2"));
        Assert.Equal(Refusal.Stranger, Check("10.0.1.3"));
        Assert.Equal(Refusal.None, Check("10.0.1.4"));

        Refusal Check(string source)
        {
            var arrival = new Arrival([], Parse(source), 1, 5);
            return gate.Check(in arrival, 5);
        }
    }

    [Fact]
    public void Without_a_network_a_group_hears_everybody_on_its_interface()
    {
        var gate = new PeerGate(Link(LinkKind.Multicast), network: null);
        var arrival = new Arrival([], Parse("192.0.2.1"), 1, 5);
        Assert.Equal(Refusal.None, gate.Check(in arrival, 5));
    }

    private static LinkConfig Link(LinkKind kind) => new()
    {
        Kind = kind,
        Remote = IPAddress.Parse(kind == LinkKind.Multicast ? "225.0.0.50" : "10.0.1.2"),
        Port = 3780,
        Interface = "sync0",
    };

    private static Address Parse(string text) => Address.Read(IPAddress.Parse(text).GetAddressBytes());
}
