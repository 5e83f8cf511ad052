using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Our daemon talks TCP with a peer that does not behave.</summary>
[Trait("needs", "root")]
public sealed class TcpLinkTests
{
    private const int Port = 3780;
    private const int Flows = 5000;
    private const int HeaderSize = 8;

    // ALIVE with HELLO; then a TCP flow as an original sends it.
    private static readonly byte[] s_hello = Convert.FromHexString("1a3000086b00d9da");
    private static readonly byte[] s_flow = Convert.FromHexString(
        "100000546b00d9db000c00000a5101020a510202000800050000000e0005000206000000000800039c430050"
        + "0005000403000000000800060000025800080007000000000010001f000000000000000000000000");

    [Fact]
    public void A_peer_that_dribbles_is_understood()
    {
        using Pair pair = Start();
        using Socket peer = Connect(pair);
        foreach (byte one in (byte[])[.. s_hello, .. s_flow])
        {
            peer.Send([one]);
            Thread.Sleep(2); // each byte in a segment of its own is what is tested
        }

        Eventually.Equals(1L, () => pair.First.Counts().External ?? 0, "flows in the external cache");
        Assert.Equal(0, pair.First.Count("network", "Malformed messages"));
    }

    [Theory]
    [InlineData("1000000000000001")]
    [InlineData("1000000700000001")]
    [InlineData("1000fffc00000001")]
    public void After_a_length_that_cannot_be_the_connection_is_closed_and_the_next_one_is_heard(string header)
    {
        using Pair pair = Start();
        using (Socket peer = Connect(pair))
        {
            peer.Send([.. s_hello, .. Convert.FromHexString(header), .. s_flow]);
            AssertClosed(peer);
        }

        Assert.Equal(1, pair.First.Count("network", "Malformed messages"));
        Assert.Equal(0, pair.First.Counts().External);
        using Socket again = Connect(pair);
        again.Send([.. s_hello, .. s_flow]);
        Eventually.Equals(1L, () => pair.First.Counts().External ?? 0, "flows in the external cache");
    }

    [Fact]
    public void A_message_that_a_connection_left_unfinished_does_not_spoil_the_next()
    {
        using Pair pair = Start();
        using (Socket peer = Connect(pair)) peer.Send([.. s_hello, .. s_flow[..50]]);
        using Socket again = Connect(pair);
        again.Send([.. s_hello, .. s_flow]);
        Eventually.Equals(1L, () => pair.First.Counts().External ?? 0, "flows in the external cache");
        Assert.Equal(0, pair.First.Count("network", "Malformed messages"));
    }

    [Fact]
    public void A_stranger_is_sent_away_and_named()
    {
        using Pair pair = Start();
        using Socket peer = Connect(pair);
        var stranger = new IPAddress([10, 77, 3, 77]);
        pair.Second.Firewall.Namespace.Ip($"address add {stranger}/24 dev {Firewall.SyncInterface}\n");
        using (Socket other = Connect(pair, stranger)) AssertClosed(other);

        Eventually.Holds(() => pair.First.Log.Contains($"ignoring what {stranger} sends", StringComparison.Ordinal)
            ? null
            : "the stranger is not named");
        peer.Send([.. s_hello, .. s_flow]);
        Eventually.Equals(1L, () => pair.First.Counts().External ?? 0, "flows in the external cache");
    }

    [Fact]
    public void A_peer_that_does_not_read_stops_nothing_and_gets_all_when_it_does()
    {
        using Pair pair = Start();
        using Socket listener = Listen(pair, receiveBuffer: 4096);
        using Socket accepted = listener.Accept();
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        Eventually.Equals((long?)Flows, () => pair.First.Counts().Internal, "flows in the internal cache");

        AssertFlows(accepted, Flows);
    }

    [Fact]
    public void A_peer_that_resets_the_connection_gets_whole_messages_on_the_next()
    {
        using Pair pair = Start();
        using Socket listener = Listen(pair, receiveBuffer: 4096);
        using (Socket accepted = listener.Accept())
        {
            FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
            Assert.True(accepted.Receive(new byte[999]) > 0);
            accepted.LingerState = new LingerOption(enable: true, 0); // a reset instead of an orderly end
        }

        using Socket next = listener.Accept();
        AssertFlows(next, Flows / 2);
    }

    // Reads messages until so many flows have come; each has to begin where the one before ended.
    private static void AssertFlows(Socket stream, int flows)
    {
        stream.ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds;
        byte[] buffer = new byte[65_536];
        int end = 0;
        int seen = 0;
        var watch = Stopwatch.StartNew();
        while (seen < flows)
        {
            Assert.True(watch.Elapsed < Eventually.Patience, $"no more than {seen} flows");
            int count = stream.Receive(buffer.AsSpan(end));
            Assert.True(count > 0, $"the stream ends after {seen} flows");
            end += count;
            int at = 0;
            while (end - at >= HeaderSize)
            {
                int length = BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(at + 2));
                Assert.Equal(1, buffer[at] >> 4);
                Assert.InRange(length, HeaderSize, 400);
                if (length > end - at) break;
                if ((buffer[at] & 0xf) <= 1) seen++; // new or, said before on a connection that failed, updated
                at += length;
            }

            buffer.AsSpan(at, end - at).CopyTo(buffer);
            end -= at;
        }
    }

    private static Pair Start()
    {
        Pair pair = Pair.Build(Make.Ours, Make.Ours, SyncChannel.Tcp, isIPv6: false);
        pair.First.Start();
        return pair;
    }

    private static Socket Connect(Pair pair, IPAddress? from = null) => pair.Second.Firewall.Namespace.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(from ?? pair.Second.Firewall.SyncAddress, 0));
        socket.Connect(new IPEndPoint(pair.First.Firewall.SyncAddress, Port));
        return socket;
    });

    private static Socket Listen(Pair pair, int receiveBuffer) => pair.Second.Firewall.Namespace.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveBufferSize = receiveBuffer,
        };
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
        socket.Bind(new IPEndPoint(pair.Second.Firewall.SyncAddress, Port));
        socket.Listen(4);
        return socket;
    });

    private static void AssertClosed(Socket peer)
    {
        peer.ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds;
        int count;
        try
        {
            count = peer.Receive(new byte[16]);
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            count = 0;
        }

        Assert.Equal(0, count);
    }
}
