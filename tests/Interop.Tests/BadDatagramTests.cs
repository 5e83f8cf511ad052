using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using TwinTrack.Lab;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Datagrams that are damaged, made up or plain noise arrive at the dedicated link.</summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class BadDatagramTests
{
    private const int Noise = 100_000;
    private const int Flows = 2000;
    private const string Jump = "sequence distance exactly 0x80000000";
    private const string Restart = "CT_NEW with flags HELLO and an old sequence number";
    private const long JumpAsTheyCount = 0x8000_0002;

    /// <summary>What we count otherwise than the original, for reasons that docs/deviations.md gives.</summary>
    private static readonly Dictionary<string, long> _oursLessTheirs = new(StringComparer.Ordinal)
    {
        ["Malformed messages"] = 3, // without addresses or protocol
        ["Malformed payload"] = 3,
        ["Packets lost"] = -4 - JumpAsTheyCount,   // two gaps, each counted by two too many; the third is not believed
    };

    [Theory]
    [InlineData(Make.Ours)]
    [InlineData(Make.Original)]
    public void Crafted_datagrams_move_the_counters_as_recorded(Make make)
    {
        using Pair pair = Pair.Build(make, make);
        pair.First.Config = pair.First.Config with { ModeLines = "ACKWindowSize 1000" };
        pair.First.Start();
        List<JsonElement> cases = CraftedCases();
        Dictionary<string, long> expected = Sum(cases);
        if (make == Make.Ours)
        {
            foreach ((string name, long difference) in _oursLessTheirs) expected[name] += difference;
        }

        Socket peer = Sender(pair.Second.Firewall.Namespace, pair.Second.Firewall.SyncAddress);
        var target = new IPEndPoint(pair.First.Firewall.SyncAddress, 3780);
        foreach (JsonElement one in cases)
        {
            string name = one.GetProperty("case").GetString()!;
            byte[] datagram = Convert.FromHexString(one.GetProperty("payload").GetString()!);
            if (name == Restart) Restarted();
            peer.SendTo(datagram, target);
            if (name != Jump || make != Make.Ours) continue;

            // The cases that follow go on from there.
            datagram[1] |= 0x20;   // HELLO
            Restarted();
            peer.SendTo(datagram, target);
        }

        peer.Dispose();

        Eventually.Holds(() => Counters(pair.First, expected.Keys) is var counters && counters != Text(expected)
            ? counters
            : null);
        Assert.True(pair.First.Daemon.IsRunning);
        if (make == Make.Original) return; // it stored flows without addresses; nothing to learn from its listing

        Assert.All(pair.First.External(), line =>
            Assert.Contains("src=10.81.1.2 dst=10.81.2.", line.Original, StringComparison.Ordinal));

        // A new process sends from a new port.
        void Restarted()
        {
            peer.Dispose();
            peer = Sender(pair.Second.Firewall.Namespace, pair.Second.Firewall.SyncAddress);
        }
    }

    [Fact]
    public void Noise_from_a_stranger_neither_stops_nor_enters_replication()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        var stranger = new IPAddress([10, 77, 3, 77]);
        pair.First.Firewall.Namespace.Ip($"address add {stranger}/24 dev {Firewall.SyncInterface}\n");
        Spray(pair, stranger, new Random(1), Plausible);
        AssertUnharmed(pair);
        Assert.True(pair.Second.Ignored() > 1000);
    }

    [Fact]
    public void A_stranger_is_named_in_the_log_once_and_its_datagrams_are_counted()
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours);
        var configured = new IPAddress([10, 77, 3, 99]);
        pair.Second.Config = pair.Second.Config with { PeerAddress = configured };
        pair.Start();

        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);

        Eventually.Holds(() => pair.Second.Ignored() > 2 ? null : "nothing is ignored");
        Assert.Equal(0, pair.Second.Counts().External);
        Assert.Single(pair.Second.Log.Split('\n'), line =>
            line.Contains($"ignoring what {pair.First.Firewall.SyncAddress} sends, the peer is 10.77.3.99"));
    }

    [Fact]
    public void The_peer_is_heard_by_the_configured_address_even_where_routing_would_choose_another()
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours);
        var second = new IPAddress([10, 77, 3, 99]);
        pair.First.Firewall.Namespace.Ip($"address add {second}/24 dev {Firewall.SyncInterface}\n");
        pair.First.Config = pair.First.Config with { Address = second };
        pair.Second.Config = pair.Second.Config with { PeerAddress = second };
        pair.Start();

        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);

        pair.WaitUntilEqual();
    }

    [Fact]
    public void What_the_peer_sends_by_another_interface_is_ignored()
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours, SyncChannel.Udp, isIPv6: false, links: 2);
        pair.First.Config = pair.First.Config with { MoreLinks = [] };
        pair.Second.Config = pair.Second.Config with { MoreLinks = [] };
        pair.Start();
        long before = pair.Second.Ignored();

        // From the right address to the right address, over the wrong cable.
        NetNamespace home = pair.First.Firewall.Namespace;
        home.Ip($"route add {pair.Second.Firewall.SyncAddress}/32 dev sync1\n");
        foreach (Node node in (Node[])[pair.First, pair.Second])
            node.Firewall.Namespace.WriteSetting("net/ipv4/conf/all/rp_filter", "0");
        using Socket socket = Sender(home, pair.First.Firewall.SyncAddress);
        Eventually.Holds(() =>
        {
            socket.SendTo(new byte[8], new IPEndPoint(pair.Second.Firewall.SyncAddress, 3780));
            return pair.Second.Ignored() > before ? null : "nothing is ignored";
        });
        Assert.Contains("it arrives by sync1", pair.Second.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Make.Ours)]
    [InlineData(Make.Original)]
    public void Noise_from_the_peers_address_neither_stops_nor_enters_replication(Make sender)
    {
        using Pair pair = Pair.Start(sender, Make.Ours);
        Spray(pair, pair.First.Firewall.SyncAddress, new Random(2), Random);
        AssertUnharmed(pair);
        Assert.True(pair.Second.Count("network", "Malformed messages") > 1000);
    }

    private static void AssertUnharmed(Pair pair)
    {
        pair.WaitUntilEqual();
        Assert.Equal(2 * Flows, pair.Second.Counts().External);
        Assert.True(pair.Second.Daemon.IsRunning);
    }

    // Flows come while the noise does.
    private static void Spray(Pair pair, IPAddress from, Random random, Func<Random, byte[], int> fill)
    {
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Flows);
        var flows = new Thread(() =>
        {
            for (int first = Flows; first < 2 * Flows; first += 100) FlowGenerator.Create(home, 100, first);
        });
        flows.Start();

        using Socket socket = Sender(home, from);
        var target = new IPEndPoint(pair.Second.Firewall.SyncAddress, 3780);
        byte[] buffer = new byte[1472];
        for (int sent = 0; sent < Noise; sent++) socket.SendTo(buffer.AsSpan(0, fill(random, buffer)), target);
        flows.Join();
    }

    private static int Random(Random random, byte[] buffer)
    {
        int length = random.Next(buffer.Length + 1);
        random.NextBytes(buffer.AsSpan(0, length));
        return length;
    }

    // The right version, any type and flags, the right length, and attributes of random kinds and sizes.
    private static int Plausible(Random random, byte[] buffer)
    {
        int length = random.Next(2, 50) * 4;
        random.NextBytes(buffer.AsSpan(0, length));
        buffer[0] = (byte)(0x10 | random.Next(16));
        buffer[2] = 0;
        buffer[3] = (byte)length;
        for (int at = 8; at + 4 <= length; at += 4 + (random.Next(5) * 4))
        {
            buffer[at] = 0;
            buffer[at + 1] = (byte)random.Next(24);
            buffer[at + 2] = 0;
            buffer[at + 3] = (byte)random.Next(34);
        }

        return length;
    }

    private static Socket Sender(NetNamespace home, IPAddress address) => home.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    });

    private static List<JsonElement> CraftedCases()
    {
        using JsonDocument file = JsonDocument.Parse(GoldenFiles.Read(Path.Combine("sync", "crafted.json")));
        return
        [
            .. file.RootElement.GetProperty("cases").Clone().EnumerateArray()
                .Where(one => string.Equals(one.GetProperty("mode").GetString(), "FTFW", StringComparison.Ordinal)),
        ];
    }

    private static Dictionary<string, long> Sum(List<JsonElement> cases)
    {
        Dictionary<string, long> sum = new(StringComparer.Ordinal);
        foreach (JsonElement one in cases)
        {
            if (!one.TryGetProperty("counters", out JsonElement counters)) continue;
            foreach (JsonProperty counter in counters.EnumerateObject())
                sum[counter.Name] = sum.GetValueOrDefault(counter.Name) + counter.Value.GetInt64();
        }

        return sum;
    }

    private static string Counters(Node node, IEnumerable<string> names) =>
        Text(names.ToDictionary(name => name, name => node.Count("network", name), StringComparer.Ordinal));

    private static string Text(Dictionary<string, long> counters) =>
        string.Join(", ", counters.OrderBy(counter => counter.Key, StringComparer.Ordinal).Select(counter => $"{counter.Key} {counter.Value}"));
}
