using System.Net.Sockets;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;
using Xunit;

namespace TwinTrack.Daemon.Tests.Control;

public sealed class ControlServerTests
{
    private const int BigListing = 100_000;

    [Fact]
    public void A_request_is_answered_and_the_connection_closed()
    {
        using ServerUnderTest test = new(Answer);
        Assert.Equal("FlowStatistics", test.ReadAll(test.Connect(ControlRequest.FlowStatistics)));
        Assert.Equal(0, test.Server.Clients);
        Assert.Equal(1u, test.Server.Stats.Requests);
    }

    [Fact]
    public void A_request_may_come_byte_by_byte()
    {
        using ServerUnderTest test = new(Answer);
        Socket client = test.Connect();
        foreach (byte part in new byte[] { 21, 0, 0, 0 })
        {
            test.Settle();
            Assert.False(ServerUnderTest.IsClosed(client));
            client.Send([part]);
        }

        Assert.Equal("FlowStatistics", test.ReadAll(client));
    }

    [Fact]
    public void The_handler_learns_who_asks()
    {
        PeerCredentials peer = default;
        using ServerUnderTest test = new((in ControlCall call) =>
        {
            peer = call.Peer;
            return ControlAnswer.Empty;
        });
        test.ReadAll(test.Connect(ControlRequest.Stop));
        Assert.Equal(Environment.ProcessId, peer.ProcessId);
    }

    [Fact]
    public void An_unknown_request_is_closed_without_an_answer_and_counted()
    {
        using ServerUnderTest test = new((in ControlCall call) => null);
        Socket client = test.Connect();
        ServerUnderTest.Request(client, 4711);
        Assert.Equal("", test.ReadAll(client));
        Assert.Equal(1u, test.Server.Stats.UnknownRequests);
    }

    [Fact]
    public void A_client_that_leaves_before_its_request_is_counted()
    {
        using ServerUnderTest test = new(Answer);
        test.Connect().Dispose();
        Socket half = test.Connect();
        half.Send([21, 0]);
        test.Settle();
        half.Shutdown(SocketShutdown.Send);
        test.Settle();
        Assert.Equal(2u, test.Server.Stats.ReadFailed);
        Assert.Equal(0, test.Server.Clients);
    }

    [Fact]
    public void A_client_that_has_nothing_more_to_send_is_still_answered()
    {
        using ServerUnderTest test = new(Answer);
        Socket client = test.Connect(ControlRequest.FlowStatistics);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("FlowStatistics", test.ReadAll(client));
    }

    [Fact]
    public void Bytes_after_the_request_do_not_cost_the_answer()
    {
        using ServerUnderTest test = new(Answer);
        Socket client = test.Connect();
        client.Send([21, 0, 0, 0, (byte)'\n']);
        Assert.Equal("FlowStatistics", test.ReadAll(client));
    }

    [Fact]
    public void Two_hundred_silent_clients_do_not_delay_another()
    {
        using ServerUnderTest test = new(Answer);
        Socket[] silent = new Socket[200];
        for (int i = 0; i < silent.Length; i++)
        {
            silent[i] = test.Connect();
            test.Settle();
        }

        Assert.Equal("FlowStatistics", test.ReadAll(test.Connect(ControlRequest.FlowStatistics)));
        Assert.Equal(200, test.Server.Clients);

        Assert.Equal(test.Now.PlusSeconds(5), test.Server.NextDeadline);
        test.Now = test.Now.PlusSeconds(5);
        test.Settle();
        Assert.All(silent, client => Assert.True(ServerUnderTest.IsClosed(client)));
        Assert.Equal(200u, test.Server.Stats.TimedOut);
        Assert.Equal(Instant.Never, test.Server.NextDeadline);
    }

    [Fact]
    public void Half_a_request_has_no_more_time_than_none()
    {
        using ServerUnderTest test = new(Answer);
        Socket client = test.Connect();
        test.Settle();
        test.Now = test.Now.PlusSeconds(4);
        client.Send([21, 0]);
        test.Settle();
        test.Now = test.Now.PlusSeconds(1);
        test.Settle();
        Assert.True(ServerUnderTest.IsClosed(client));
    }

    [Fact]
    public void At_the_limit_the_stillest_client_makes_room()
    {
        using ServerUnderTest test = new(Answer, clientLimit: 3);
        Socket[] clients = new Socket[3];
        for (int i = 0; i < 3; i++)
        {
            clients[i] = test.Connect();
            test.Settle();
            test.Now = test.Now.PlusMilliseconds(1);
        }

        clients[0].Send([21]);
        test.Settle();
        Assert.Equal("FlowStatistics", test.ReadAll(test.Connect(ControlRequest.FlowStatistics)));
        Assert.False(ServerUnderTest.IsClosed(clients[0]));
        Assert.True(ServerUnderTest.IsClosed(clients[1]));
        Assert.Equal(1u, test.Server.Stats.Displaced);
    }

    [Fact]
    public void A_client_held_for_a_command_is_not_displaced()
    {
        using ServerUnderTest test = new(Answer, clientLimit: 1);
        Socket held = test.Connect(ControlRequest.Commit);
        test.Settle();
        Socket late = test.Connect(ControlRequest.FlowStatistics);
        test.Settle();
        Assert.True(ServerUnderTest.IsClosed(late));
        Assert.False(ServerUnderTest.IsClosed(held));
        Assert.Equal(1u, test.Server.Stats.Refused);
    }

    [Fact]
    public void A_held_client_is_released_when_its_command_has_ended()
    {
        int ticket = 0;
        using ServerUnderTest test = new((in ControlCall call) =>
        {
            ticket = call.Ticket;
            return ControlAnswer.UntilComplete;
        });
        Socket client = test.Connect(ControlRequest.Commit);
        test.Settle();
        test.Now = test.Now.PlusSeconds(3600);
        test.Settle();
        Assert.False(ServerUnderTest.IsClosed(client));
        test.Server.Complete(ticket);
        Assert.True(ServerUnderTest.IsClosed(client));
        test.Server.Complete(ticket);
        test.Server.Complete(0);
    }

    [Fact]
    public void A_command_may_end_while_it_is_carried_out()
    {
        ServerUnderTest? test = null;
        using (test = new((in ControlCall call) =>
        {
            test!.Server.Complete(call.Ticket);
            return ControlAnswer.FromText("too late");
        }))
        {
            Assert.Equal("", test.ReadAll(test.Connect(ControlRequest.Commit)));
        }
    }

    [Fact]
    public void A_held_client_that_leaves_is_forgotten()
    {
        using ServerUnderTest test = new(Answer);
        Socket client = test.Connect(ControlRequest.Commit);
        test.Settle();
        Assert.Equal(1, test.Server.Clients);
        client.Dispose();
        test.Settle();
        Assert.Equal(0, test.Server.Clients);
    }

    [Fact]
    public void A_held_answer_goes_on_after_resume()
    {
        int ticket = 0;
        using ServerUnderTest test = new((in ControlCall call) =>
        {
            ticket = call.Ticket;
            return new TwoPartAnswer();
        });
        Socket client = test.Connect(ControlRequest.DumpInternalFlows);
        Assert.InRange(test.Settle(), 1, 5);
        test.Server.Resume(ticket);
        Assert.Equal("part part ", test.ReadAll(client));
    }

    [Fact]
    public void A_slow_reader_costs_one_slice_and_others_are_served()
    {
        int rendered = 0;
        using ServerUnderTest test = new((in ControlCall call) =>
            call.Request == ControlRequest.DumpInternalFlows ? Listing(() => rendered++) : Answer(in call));
        Socket slow = test.Connect(ControlRequest.DumpInternalFlows);
        Assert.InRange(test.Settle(), 1, 20);
        Assert.InRange(rendered, 1, 10_000); // what the kernel's buffer holds, and no more
        Assert.Equal("FlowStatistics", test.ReadAll(test.Connect(ControlRequest.FlowStatistics)));

        string[] lines = test.ReadAll(slow).Split('\n');
        Assert.Equal(BigListing + 1, lines.Length);
        Assert.Equal("tcp      6 src=10.0.0.1 dst=192.0.2.1 sport=0 dport=0 [active since 0s]", lines[0]);
        Assert.EndsWith(" sport=1 dport=34463 [active since 99999s]", lines[^2], StringComparison.Ordinal);
    }

    [Fact]
    public void Many_listings_share_the_turns()
    {
        const int clientCount = 3 * ControlServer.SlicesPerTurn;
        Dictionary<int, int> fills = [];
        using ServerUnderTest test = new((in ControlCall call) => new EndlessAnswer(fills, call.Ticket));
        for (int i = 0; i < clientCount; i++) test.Connect(ControlRequest.DumpInternalFlows);
        while (test.Server.Stats.Requests < clientCount) test.Turn(0);

        int before = fills.Values.Sum();
        for (int turn = 0; turn < clientCount; turn++)
        {
            test.Turn(0);
            int after = fills.Values.Sum();
            Assert.Equal(ControlServer.SlicesPerTurn, after - before);
            before = after;
        }

        Assert.Equal(clientCount, fills.Count);
        Assert.InRange(fills.Values.Max() - fills.Values.Min(), 0, 2);
    }

    [Fact]
    public void A_client_gone_in_the_middle_of_an_answer_is_forgotten()
    {
        using ServerUnderTest test = new((in ControlCall call) => Listing(() => { }));
        Socket client = test.Connect(ControlRequest.DumpInternalFlows);
        test.Settle();
        client.Receive(new byte[1000]);
        client.Dispose();
        test.Settle();
        Assert.Equal(0, test.Server.Clients);
    }

    [Fact]
    public void The_client_copies_the_answer()
    {
        using ServerUnderTest test = new((in ControlCall call) => Listing(() => { }));
        using MemoryStream output = new();
        Thread client = new(() => Assert.Equal(
            ControlResult.Done, ControlClient.Run(test.Path, ControlRequest.DumpInternalFlows, output, null)));
        client.Start();
        while (client.IsAlive) test.Turn(10);
        Assert.Equal(BigListing, Encoding.UTF8.GetString(output.ToArray()).Count(character => character == '\n'));
    }

    [Fact]
    public void A_client_does_not_wait_for_a_daemon_that_hangs()
    {
        using ServerUnderTest test = new(Answer); // never turned
        ControlResult result = ControlClient.Run(
            test.Path, ControlRequest.FlowStatistics, Stream.Null, TimeSpan.FromMilliseconds(50));
        Assert.Equal(ControlResult.Silent, result);
        Assert.Equal(1, ControlClient.ExitCode(result));
    }

    [Fact]
    public void A_client_without_a_daemon_says_so()
    {
        ControlResult result = ControlClient.Run("/nonexistent/ctl", ControlRequest.Stop, Stream.Null, null);
        Assert.Equal(ControlResult.CannotConnect, result);
        Assert.Equal(1, ControlClient.ExitCode(result));
        Assert.Equal(
            "can't connect: is conntrackd running? appropriate permissions?", ControlClient.Message(result));
    }

    private static ControlAnswer Answer(in ControlCall call) =>
        call.Request == ControlRequest.Commit
            ? ControlAnswer.UntilComplete
            : ControlAnswer.FromText(call.Request.ToString());

    private static FlowListing Listing(Action onRead) => new(
        (ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times) =>
        {
            onRead();
            flow.Fields = FlowFields.Original;
            _ = Address.TryParse("10.0.0.1", out flow.Original.Source, out flow.Original.Family);
            _ = Address.TryParse("192.0.2.1", out flow.Original.Destination, out flow.Original.Family);
            flow.Original.Protocol = IpProtocol.Tcp;
            flow.Original.SourcePort = (ushort)(cursor >> 16);
            flow.Original.DestinationPort = (ushort)cursor;
            flow.Original.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
            times = new EntryTimes((uint)cursor, 0);
            return cursor++ < BigListing;
        },
        new FlowTextStyle(FlowTextParts.None),
        isXml: false,
        cacheTimeoutSeconds: null);

    private sealed class EndlessAnswer(Dictionary<int, int> fills, int ticket) : ControlAnswer
    {
        public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
        {
            fills[ticket] = fills.GetValueOrDefault(ticket) + 1;
            written = 1;
            slice[0] = (byte)'.';
            return AnswerState.More;
        }
    }

    private sealed class TwoPartAnswer : ControlAnswer
    {
        private int _parts;

        public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
        {
            written = Encoding.UTF8.GetBytes("part ", slice);
            return ++_parts == 1 ? AnswerState.Held : AnswerState.End;
        }
    }
}
