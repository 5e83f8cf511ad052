using System.Net;
using System.Net.Sockets;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The rule sets of docs/examples that keep the kernel from making events which nobody needs.</summary>
[Trait("needs", "root")]
public sealed class FewerEventsTests
{
    private const int Connections = 60;
    private const int Port = 5003;

    [Theory]
    [InlineData(Make.Ours, "")]
    [InlineData(Make.Ours, "fewer-events.nft")]
    [InlineData(Make.Ours, "fewer-events.iptables")]
    [InlineData(Make.Original, "fewer-events.nft")]
    public void Two_events_are_enough_for_a_connection(Make make, string rules)
    {
        using Pair pair = Pair.Start(make, Make.Ours, config => config with
        {
            Filter = "Filter From Userspace { Protocol Accept { TCP } }",
        });
        NetNamespace home = pair.First.Firewall.Namespace;
        Load(home, rules);
        List<Socket> sockets = [];
        home.Run(() => Connect(sockets));

        // Open, they are known to the peer as what they are.
        Eventually.Equals(Connections, () => Established(pair.Second), "established connections at the peer");
        long opened = EventsOf(pair.First);
        foreach (Socket socket in sockets) socket.Dispose();
        pair.First.WithKernel(client => client.Flush().ThrowIfFailed("empty the table"));
        Eventually.Equals(0, () => pair.Second.External().Count, "connections at the peer");
        long all = EventsOf(pair.First);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{make} {rules}: {(double)opened / Connections:0.0} events to open, {(double)all / Connections:0.0} in all");
        if (rules.Length == 0) Assert.InRange(all, Connections * 5, Connections * 10);
        else Assert.Equal((Connections, 2 * Connections), (opened, all));
    }

    // What the link between the daemons does is not of interest: it is there before.
    private static long EventsOf(Node node) =>
        node.Count("runtime", "events received") - node.Count("runtime", "events filtered");

    private static int Established(Node node) => node.External().Count(line =>
        line.State == "ESTABLISHED" && line.Marks.Contains("[ASSURED]", StringComparison.Ordinal));

    private static void Load(NetNamespace home, string rules)
    {
        if (rules.Length == 0) return;
        string text = File.ReadAllText(Path.Combine(Testing.Repository.Root, "docs", "examples", rules));
        home.Require(rules.EndsWith(".nft", StringComparison.Ordinal)
            ? ["nft", "-f", "-"]
            : ["iptables-restore", "--noflush"], text);
    }

    private static void Connect(List<Socket> sockets)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        listener.Listen(Connections);
        for (int i = 0; i < Connections; i++)
        {
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(client);
            client.Connect(IPAddress.Loopback, Port);
            sockets.Add(listener.Accept());
            client.Send([1]);
        }
    }
}
