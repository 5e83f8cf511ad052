using System.Net.Sockets;
using System.Text;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Clients of our control socket that behave badly hold up nobody: no other client, and not replication.</summary>
[Trait("needs", "root")]
public sealed class ControlSocketTests
{
    private const int DumpExternal = 17;
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(200)]
    [InlineData(600)] // more than it keeps: the oldest give way
    public void Silent_clients_keep_nobody_waiting_and_are_sent_away(int count)
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        List<Socket> silent = [.. Enumerable.Range(0, count).Select(_ => Connect(pair.First))];

        AssertServed(pair, flows: 100);

        foreach (Socket socket in silent)
        {
            socket.ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds;
            Assert.Equal(0, socket.Receive(new byte[1]));
            socket.Dispose();
        }

        Assert.InRange(pair.First.Count("runtime", "local read failed"), Math.Min(count, 200), count);
    }

    [Fact]
    public void A_request_that_comes_in_pieces_is_answered_and_half_a_request_is_not()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        byte[] request = BitConverter.GetBytes(21);
        using Socket slow = Connect(pair.First);
        using Socket half = Connect(pair.First);
        using Socket quitter = Connect(pair.First);
        slow.Send(request.AsSpan(0, 1));
        half.Send(request.AsSpan(0, 3));
        quitter.Send(request.AsSpan(0, 2));
        quitter.Shutdown(SocketShutdown.Send);

        AssertServed(pair, flows: 100);
        slow.Send(request.AsSpan(1));

        Assert.StartsWith("cache internal:", ReadAll(slow), StringComparison.Ordinal);
        Assert.Equal("", ReadAll(quitter));
        Assert.Equal("", ReadAll(half));
    }

    [Theory]
    [InlineData(999)]
    [InlineData(-1)]
    [InlineData(27)]
    public void An_unknown_request_ends_the_connection_without_an_answer(int code)
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        using Socket client = Connect(pair.First);
        client.Send(BitConverter.GetBytes(code));
        Assert.Equal("", ReadAll(client));
        AssertServed(pair, flows: 1);
    }

    [Fact]
    public void A_client_that_does_not_read_its_listing_holds_up_nobody_and_gets_all_of_it_later()
    {
        const int flows = 20_000;
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        FlowGenerator.Create(pair.First.Firewall.Namespace, flows);
        Eventually.Equals(flows, () => pair.Second.Counts().External, "external cache");

        using Socket lazy = Connect(pair.Second);
        lazy.Send(BitConverter.GetBytes(DumpExternal));
        using Socket gone = Connect(pair.Second);
        gone.Send(BitConverter.GetBytes(DumpExternal));
        gone.Receive(new byte[100]);
        gone.Close();

        AssertServed(pair, flows: 500, first: flows);
        AssertServed(pair, flows: 500, first: flows + 500);

        List<FlowLine> listing = FlowLine.ParseAll(ReadAll(lazy));
        HashSet<string> tuples = [.. listing.Select(line => line.Original)];
        Assert.Equal(listing.Count, tuples.Count);
        Assert.All(Generated.Tuples(0, flows), tuple => Assert.Contains(tuple, tuples));
    }

    private static void AssertServed(Pair pair, int flows, int first = 0)
    {
        FlowGenerator.Create(pair.First.Firewall.Namespace, flows, first);
        foreach (Node node in (Node[])[pair.First, pair.Second])
        {
            CommandResult result = node.Daemon.Control("-s");
            Assert.Equal(0, result.ExitCode);
            Assert.InRange(result.Elapsed, TimeSpan.Zero, _soon);
        }

        pair.WaitUntilEqual();
    }

    private static Socket Connect(Node node)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(node.ControlPath));
        return socket;
    }

    private static string ReadAll(Socket socket)
    {
        socket.ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds;
        var text = new StringBuilder();
        byte[] buffer = new byte[65536];
        while (socket.Receive(buffer) is var count and > 0) text.Append(Encoding.UTF8.GetString(buffer, 0, count));
        return text.ToString();
    }
}
