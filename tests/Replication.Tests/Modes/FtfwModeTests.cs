using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>FT-FW in the steady state: what is sent, repeated, acknowledged and dropped.</summary>
public sealed class FtfwModeTests
{
    /// <summary>What happened to a flow the peer knows (1) or not (2) since the last packet; what is sent.</summary>
    public static TheoryData<string, string> Coalesced => new()
    {
        { "new 2", "NEW 2" },
        { "new 2, update 2", "UPD 2" },
        { "new 2, update 2, update 2", "UPD 2" },
        { "new 2, destroy 2", "DEL 2" },
        { "new 2, destroy 2, new 2", "NEW 2" },
        { "update 2", "NEW 2" },
        { "destroy 2", "" },
        { "update 1", "UPD 1" },
        { "update 1, destroy 1", "DEL 1" },
        { "destroy 1", "DEL 1" },
        { "destroy 1, new 1", "NEW 1" },
        { "destroy 1, new 1, update 1", "NEW 1" },
        { "destroy 1, update 1", "NEW 1" },
        { "destroy 1, destroy 1", "DEL 1" },
        { "new 1", "NEW 1" },
        { "update 1, new 2, update 1", "UPD 1, NEW 2" },
        { "new 2, update 1, destroy 2", "DEL 2, UPD 1" },
    };

    [Theory]
    [MemberData(nameof(Coalesced))]
    public void Changes_before_a_packet_leave_as_one_message_of_the_state_at_last(string events, string said)
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.Update(1);
        Acknowledge(node, node.Send());
        foreach (string entry in events.Split(", "))
        {
            int number = entry[^1] - '0';
            if (entry.StartsWith("new", StringComparison.Ordinal)) node.New(number);
            else if (entry.StartsWith("update", StringComparison.Ordinal)) node.Update(number);
            else node.Destroy(number);
        }

        Assert.Equal(said, string.Join(", ", node.Say()));
    }

    [Fact]
    public void A_flow_in_the_place_of_another_is_told_as_new_until_that_is_acknowledged()
    {
        using Node node = Node.Greeted();
        node.New(1);
        Acknowledge(node, node.Send());
        node.Destroy(1);
        node.New(1);
        node.Update(1);
        Said said = Assert.Single(node.Send());
        Assert.Equal("NEW 1", said.Text);
        node.HearControl(PeerFlags.Nack, said.Number, said.Number);
        node.Update(1);
        List<Said> again = node.Send();
        Assert.Equal("NEW 1", Assert.Single(again).Text);
        Acknowledge(node, again);
        node.Update(1);
        Assert.Equal(["UPD 1"], node.Say());
    }

    [Fact]
    public void A_change_of_an_unacknowledged_flow_takes_it_out_of_the_resend_queue()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.New(2);
        List<Said> first = node.Send();
        node.Update(1);
        Assert.Equal([first[1].Number], Resent(node));
        Said again = Assert.Single(node.Send());
        Assert.Equal("UPD 1", again.Text);
        Assert.Equal([first[1].Number, again.Number], Resent(node));
    }

    [Fact]
    public void An_acknowledgement_releases_its_range_and_nothing_else()
    {
        using Node node = Node.Greeted();
        for (int number = 1; number <= 5; number++) node.New(number);
        uint first = node.Send()[0].Number;
        node.HearControl(PeerFlags.Ack, first + 1, first + 3);
        Assert.Equal([first, first + 4], Resent(node));
        node.HearControl(PeerFlags.Ack, first - 100, first + 100);
        Assert.Empty(Resent(node));
    }

    [Fact]
    public void An_acknowledgement_of_an_older_number_leaves_the_newer_message_waiting()
    {
        using Node node = Node.Greeted();
        node.New(1);
        uint first = Assert.Single(node.Send()).Number;
        node.Update(1);
        uint second = Assert.Single(node.Send()).Number;
        node.HearControl(PeerFlags.Ack, first, first);
        Assert.Equal([second], Resent(node));
    }

    [Fact]
    public void What_is_asked_for_again_comes_under_new_numbers_with_the_state_of_today()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.New(2);
        node.New(3);
        List<Said> first = node.Send();
        node.Destroy(2);
        Said deleted = Assert.Single(node.Send());
        node.HearControl(PeerFlags.Nack, first[0].Number, first[1].Number);
        Said again = Assert.Single(node.Send());
        Assert.Equal(("NEW 1", deleted.Number + 1), (again.Text, again.Number));
        Assert.Equal([first[2].Number, deleted.Number, again.Number], Resent(node));
    }

    [Fact]
    public void A_lost_acknowledgement_is_repeated_and_a_lost_keep_alive_is_not()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive);
        Said ack = Assert.Single(RunAndSend(node));
        Said alive = Assert.Single(RunAndSend(node));
        Assert.Equal(["ACK 5002..5003", "ALIVE"], [ack.Text, alive.Text]);
        node.HearControl(PeerFlags.Nack, ack.Number, alive.Number);
        Said again = Assert.Single(node.Send());
        Assert.Equal(("ACK 5002..5003", alive.Number + 1), (again.Text, again.Number));
    }

    [Fact]
    public void What_is_neither_acknowledged_nor_asked_for_is_sent_again_after_a_while()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.New(2);
        List<Said> said = node.Send();
        node.HearControl(PeerFlags.Ack, said[1].Number, said[1].Number);
        Assert.DoesNotContain(node.Run(9900), text => text.Contains("NEW", StringComparison.Ordinal));
        node.Update(2);
        uint number = node.Send()[0].Number;
        node.HearControl(PeerFlags.Ack, number, number);
        Assert.Empty(node.Say());
        node.Run(200);
        node.HearControl(PeerFlags.Ack, number, number);
        Assert.Equal(["NEW 1"], node.Say());
    }

    [Fact]
    public void A_repeated_request_for_repetition_is_nothing_new()
    {
        using Node node = Node.Greeted();
        node.New(1);
        uint first = Assert.Single(node.Send()).Number;
        node.HearControl(PeerFlags.Nack, first, first);
        node.HearControl(PeerFlags.Nack, first, first);
        Assert.Equal(["NEW 1"], node.Say());
        node.HearControl(PeerFlags.Nack, first, first);
        Assert.Empty(node.Say());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_late_message_is_counted_and_neither_applied_nor_the_new_base(int type)
    {
        using Node node = Node.Greeted();
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        uint late = node.PeerNext++;
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        node.Hear(Node.Data((PeerMessageType)type, late, Flows.Tcp(1, TcpState.Close)));
        node.HearControl(PeerFlags.Alive);
        Assert.Equal((1ul, 1ul), (node.Stats.Lost, node.Stats.Before));
        List<string> lines = Flows.Lines(node.Engine, CacheKind.External);
        Assert.Equal(2, lines.Count);
        Assert.All(lines, line => Assert.Contains("ESTABLISHED", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_message_heard_twice_is_applied_once()
    {
        using Node node = Node.Greeted();
        byte[] message = Node.Data(PeerMessageType.FlowNew, node.PeerNext++, Flows.Tcp(1));
        node.Hear(message, message);
        Assert.Equal((1u, 0ul, 1ul), (node.Stats.External.Created, node.Stats.Lost, node.Stats.Before));
    }

    [Fact]
    public void A_gap_counts_exactly_the_messages_that_are_missing()
    {
        using Node node = Node.Greeted();
        node.PeerNext += 7;
        node.HearControl(PeerFlags.Alive);
        Assert.Equal(7ul, node.Stats.Lost);
        Assert.Equal(["ACK 5002..5002", "NACK 5003..5009"], node.Say());
    }

    [Fact]
    public void A_malformed_message_behind_a_gap_asks_for_nothing()
    {
        using Node node = Node.Greeted();
        uint missing = node.PeerNext;
        node.Hear(Node.Control(PeerFlags.None, missing + 1));
        Assert.Empty(node.Say());
        node.Hear(Node.Control(PeerFlags.Alive, missing));
        Assert.Equal((1u, 1ul), (node.Stats.MalformedHeader, node.Stats.Lost));
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_window_of_messages_is_acknowledged_at_once()
    {
        using Node node = Node.Greeted(new SyncOptions { AckWindow = 4 });
        node.HearControl(PeerFlags.Alive);                       // two were accepted before and not by the window
        Assert.Equal(["ACK 5002..5003"], node.Say());
        for (int number = 0; number < 4; number++) node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
        Assert.Equal(["ACK 5004..5007"], node.Say());
    }

    [Fact]
    public void Two_peers_are_kept_apart()
    {
        using Node node = Node.Greeted();
        var other = new PeerId(Flows.Host("10.0.0.3"));
        node.Run(30_000);
        for (uint number = 0; number < 10; number++)
        {
            node.HearControl(PeerFlags.Alive);
            node.Hear(other, Node.Control(PeerFlags.Alive, 900 + number));
        }

        Assert.Equal(0ul, node.Stats.Lost + node.Stats.Before);
        Assert.Equal(["ACK 5003..5012", "ACK 900..909"], node.Run(1000));
    }

    [Fact]
    public void With_too_many_peers_the_one_not_heard_for_longest_is_forgotten()
    {
        using Node node = Node.Greeted();
        for (uint number = 0; number < 40; number++)
        {
            node.Now = node.Now.PlusMilliseconds(1);
            node.Hear(new PeerId(new Address(number + 1, 0)), Node.Control(PeerFlags.Alive, 500));
            if (number > 5) node.Hear(new PeerId(new Address(3, 0)), Node.Control(PeerFlags.Alive, 495 + number));
        }

        Assert.Equal(0ul, node.Stats.Lost + node.Stats.Before);
        node.Hear(new PeerId(new Address(1, 0)), Node.Control(PeerFlags.Alive, 100));     // as if never heard
        Assert.Equal(0ul, node.Stats.Before);
        node.Hear(new PeerId(new Address(40, 0)), Node.Control(PeerFlags.Alive, 100));    // remembered: late
        Assert.Equal(1ul, node.Stats.Before);
    }

    [Fact]
    public void Numbers_wrap_round_in_every_queue()
    {
        using var node = new Node(first: uint.MaxValue - 3);
        node.Run(1000);
        node.HearControl(PeerFlags.Alive | PeerFlags.HelloBack);
        for (int number = 1; number <= 6; number++) node.New(number);
        List<Said> said = node.Send();
        Assert.Equal([uint.MaxValue - 2, uint.MaxValue - 1, uint.MaxValue, 0u, 1u, 2u], said.Select(one => one.Number));
        node.HearControl(PeerFlags.Nack, uint.MaxValue, 0);
        node.HearControl(PeerFlags.Ack, uint.MaxValue - 2, 2);
        Assert.Equal(["NEW 3", "NEW 4"], node.Say());
        Assert.Equal([3u, 4u], Resent(node));
    }

    [Fact]
    public void Two_idle_nodes_acknowledge_each_other_once_a_second()
    {
        using Node node = Node.Greeted();
        for (uint second = 0; second < 5; second++)
        {
            node.HearControl(PeerFlags.Ack);
            string said = Assert.Single(node.Run(1000));
            Assert.StartsWith("ACK ", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void While_a_link_takes_nothing_one_keep_alive_waits()
    {
        using Node node = Node.Greeted();
        node.Run(1000);
        node.Wait(10_000);
        Assert.Equal(1u, node.Stats.TransmitQueue);
        Assert.Equal(["ALIVE"], node.Say());
        Assert.Equal(["ALIVE"], node.Run(1000));
    }

    [Fact]
    public void Acknowledgements_that_nobody_acknowledges_do_not_silence_a_node()
    {
        // The peer hears nothing of us for twenty hours, but we hear it.
        using Node node = Node.Greeted(new SyncOptions { AckWindow = 1_000_000 });
        for (int second = 0; second < 72_000; second++)
        {
            node.HearControl(PeerFlags.Alive);
            Assert.Single(node.Run(1000));
        }

        Assert.Empty(node.Notices());
    }

    private static List<Said> RunAndSend(Node node)
    {
        node.Wait(1000);
        return node.Send();
    }

    private static void Acknowledge(Node node, List<Said> said) =>
        node.HearControl(PeerFlags.Ack, said[0].Number, said[^1].Number);

    private static List<uint> Resent(Node node) =>
    [
        .. node.Engine.ReadResendQueue().Where(element => !element.IsControl)
            .Select(element => element.Sequence.Value),
    ];
}
