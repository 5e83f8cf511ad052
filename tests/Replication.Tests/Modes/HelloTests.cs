using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>FT-FW at the start of either side.</summary>
public sealed class HelloTests
{
    [Fact]
    public void A_node_says_hello_with_every_message_until_it_is_answered()
    {
        using var node = new Node();
        Assert.Equal(["HELLO+ALIVE", "HELLO+ALIVE"], node.Run(2000));
        node.New(1);
        Assert.Equal(["HELLO+NEW 1"], node.Say());
        node.HearControl(PeerFlags.Alive);
        Assert.Equal(["HELLO+ACK 5000..5000"], node.Run(1000));
        node.HearControl(PeerFlags.Alive | PeerFlags.HelloBack);
        node.Update(1);
        Assert.Equal(["UPD 1"], node.Say());
    }

    [Fact]
    public void An_answer_to_a_hello_that_was_never_said_does_not_count()
    {
        using var node = new Node();
        node.HearControl(PeerFlags.Alive | PeerFlags.HelloBack);
        node.New(1);
        Assert.Equal(["HELLO+NEW 1"], node.Say());
    }

    [Fact]
    public void A_hello_is_answered_once_on_whatever_leaves_next()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        node.New(1);
        node.New(2);
        Assert.Equal(["BACK+NEW 1", "NEW 2"], node.Say());
    }

    [Fact]
    public void A_node_that_wants_everything_at_start_asks_at_once()
    {
        using var node = new Node(new SyncOptions { StartupResync = true });
        Assert.Equal(["HELLO+RESYNC"], node.Say());
        Assert.Equal([SyncNoticeKind.ResyncRequested], node.NoticeKinds());
    }

    [Fact]
    public void A_repeated_control_message_greets_by_the_state_of_today()
    {
        using var node = new Node(new SyncOptions { StartupResync = true });
        uint number = Assert.Single(node.Send()).Number;
        node.HearControl(PeerFlags.Alive | PeerFlags.HelloBack);
        node.HearControl(PeerFlags.Nack, number, number);
        Assert.Equal(["RESYNC"], node.Say());
    }

    [Fact]
    public void A_peer_that_restarted_gets_again_the_flows_it_has_not_acknowledged()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.New(2);
        node.New(3);
        List<Said> said = node.Send();
        node.HearControl(PeerFlags.Ack, said[0].Number, said[0].Number);
        node.Destroy(3);
        node.Send();
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Equal(["BACK+NEW 2", "DEL 3"], node.Say());
        Assert.Equal(0ul, node.Stats.Lost);
    }

    [Fact]
    public void A_peer_that_restarted_gets_no_control_messages_of_its_former_life()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive);
        Assert.Equal(["ACK 5002..5003"], node.Run(1000));
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Empty(node.Say());
        Assert.Equal(["BACK+ACK 90000..90000"], node.Run(1000));
    }

    [Fact]
    public void A_peer_may_restart_with_a_number_far_before_its_last()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive);
        node.PeerNext -= 1_000_000;
        node.Hear(Node.Data(PeerMessageType.FlowNew, node.PeerNext++, Flows.Tcp(1), PeerFlags.Hello));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        Assert.Equal(2, node.Count(CacheKind.External));
        Assert.Equal(0ul, node.Stats.Lost + node.Stats.Before);
    }

    [Fact]
    public void A_second_hello_of_the_same_run_repeats_nothing()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.Send();
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Equal(["BACK+NEW 1"], node.Say());
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_gap_within_a_run_of_hellos_is_asked_for()
    {
        using Node node = Node.Greeted();
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        node.PeerNext++;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Equal(1ul, node.Stats.Lost);
        Assert.Equal(["BACK+ACK 90000..90000", "NACK 90001..90001"], node.Say());
    }

    [Fact]
    public void A_hello_with_a_number_far_ahead_is_another_restart()
    {
        using Node node = Node.Greeted();
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        node.PeerNext = 900_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Equal(0ul, node.Stats.Lost);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_late_hello_of_the_same_run_changes_nothing()
    {
        using var node = new Node();
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        uint late = node.PeerNext++;
        node.Hear(Node.Data(PeerMessageType.FlowNew, node.PeerNext++, Flows.Tcp(1), PeerFlags.Hello));
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        Assert.Equal(["HELLO+BACK+ACK 5000..5000", "HELLO+NACK 5001..5001"], node.Say());
        node.Hear(Node.Data(PeerMessageType.FlowNew, late, Flows.Tcp(1, TcpState.SynSent), PeerFlags.Hello));
        string held = string.Concat(Flows.Lines(node.Engine, CacheKind.External));
        Assert.DoesNotContain("SYN_SENT", held, StringComparison.Ordinal);
        Assert.Equal(["HELLO+ACK 5002..5003"], node.Run(1000));
        Assert.Equal((1ul, 1ul), (node.Stats.Lost, node.Stats.Before));
    }

    [Fact]
    public void A_hello_with_a_number_before_the_last_is_a_restart_once_the_greetings_are_over()
    {
        using Node node = Node.Greeted();
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        uint first = node.PeerNext - 2;
        node.Hear(Node.Data(PeerMessageType.FlowNew, first, Flows.Tcp(2), PeerFlags.Hello));
        Assert.Equal(2, node.Count(CacheKind.External));
        Assert.Equal(["BACK+RESYNC", $"ACK {first}..{first}"], node.Run(1000));
        Assert.Equal(0ul, node.Stats.Before);
    }

    [Fact]
    public void A_run_that_is_first_heard_with_a_flow_may_have_told_of_others_before_and_is_asked_for_everything()
    {
        using var node = new Node();
        node.Hear(Node.Data(PeerMessageType.FlowNew, node.PeerNext++, Flows.Tcp(1), PeerFlags.Hello));
        Assert.Equal(["HELLO+BACK+ACK 5000..5000"], node.Run(1000));
        node.Hear(Node.Control(PeerFlags.Alive | PeerFlags.HelloBack, node.PeerNext++));
        Assert.Equal(["RESYNC"], node.Say());
    }

    [Fact]
    public void A_run_that_is_first_heard_with_its_greeting_alone_has_told_of_nothing()
    {
        using var node = new Node();
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Equal(["HELLO+BACK+ACK 5000..5000"], node.Run(1000));
        node.Hear(Node.Control(PeerFlags.Alive | PeerFlags.HelloBack, node.PeerNext++));
        Assert.Empty(node.Say());
    }

    [Fact]
    public void What_the_peer_says_of_a_run_before_ours_is_not_taken_for_ours()
    {
        using var node = new Node();
        node.New(1);
        uint number = Assert.Single(node.Send()).Number;
        node.HearControl(PeerFlags.Ack, number - 5, number + 5);
        Assert.Equal(1u, node.Stats.ResendQueue);
        node.HearControl(PeerFlags.Ack | PeerFlags.HelloBack, number, number);
        Assert.Equal(0u, node.Stats.ResendQueue);
    }

    [Fact]
    public void An_acknowledgement_that_begins_in_the_run_before_ours_is_not_taken_for_ours()
    {
        using var node = new Node();
        node.New(1);
        node.New(2);
        uint last = node.Send()[^1].Number;
        node.HearControl(PeerFlags.Ack | PeerFlags.HelloBack, Node.First - 3, last);
        Assert.Equal(["NEW 1", "NEW 2"], node.Say());
    }

    [Fact]
    public void Flows_that_were_said_with_hello_are_said_again_whatever_the_peer_acknowledges()
    {
        using var node = new Node();
        node.New(1);
        node.New(2);
        node.New(3);
        List<Said> said = node.Send();
        node.HearControl(PeerFlags.Ack | PeerFlags.HelloBack, said[0].Number, said[2].Number);
        node.New(4);
        Assert.Equal(["NEW 1", "NEW 2", "NEW 3", "NEW 4"], node.Say());
        node.HearControl(PeerFlags.Ack | PeerFlags.HelloBack, said[2].Number + 1, said[2].Number + 4);
        Assert.Empty(node.Say());
        Assert.Equal(0u, node.Stats.ResendQueue);
    }

    [Fact]
    public void A_peer_that_sends_from_another_port_has_restarted_whatever_its_numbers()
    {
        using var node = new Node();
        node.Hear(new PeerId(default, 40_000), Node.Data(PeerMessageType.FlowNew, 5000, Flows.Tcp(1), PeerFlags.Hello));
        node.Hear(new PeerId(default, 40_001), Node.Data(PeerMessageType.FlowNew, 4990, Flows.Tcp(2), PeerFlags.Hello));
        node.Hear(new PeerId(default, 40_001), Node.Data(PeerMessageType.FlowNew, 4991, Flows.Tcp(3)));
        Assert.Equal(3, node.Count(CacheKind.External));
        Assert.Equal(["HELLO+BACK+ACK 4990..4991"], node.Run(1000));
    }

    [Fact]
    public void A_late_message_of_the_peers_run_before_is_dropped()
    {
        using var node = new Node();
        node.Hear(new PeerId(default, 40_000), Node.Data(PeerMessageType.FlowNew, 5000, Flows.Tcp(1)));
        node.Hear(new PeerId(default, 40_001), Node.Data(PeerMessageType.FlowNew, 4990, Flows.Tcp(2), PeerFlags.Hello));
        node.Hear(new PeerId(default, 40_000), Node.Data(PeerMessageType.FlowDelete, 5001, Flows.Tcp(2)));
        Assert.Equal(2, node.Count(CacheKind.External));
        Assert.Equal(1ul, node.Stats.Before);
    }

    [Fact]
    public void What_another_process_of_the_peers_host_sends_without_hello_begins_no_run()
    {
        using Node node = Node.Greeted();
        node.Hear(new PeerId(default, 40_000), Node.Control(PeerFlags.Alive, node.PeerNext++));
        node.Hear(new PeerId(default, 50_000), Node.Control(PeerFlags.Alive, node.PeerNext++));
        node.Hear(new PeerId(default, 40_000), Node.Control(PeerFlags.Alive, node.PeerNext++));
        Assert.Equal(0ul, node.Stats.Before + node.Stats.Lost);
    }

    [Fact]
    public void A_run_that_was_taken_for_over_is_heard_again_soon()
    {
        using Node node = Node.Greeted();
        node.Hear(new PeerId(default, 40_000), Node.Control(PeerFlags.Alive, 6000));
        node.Hear(new PeerId(default, 50_000), Node.Control(PeerFlags.Alive | PeerFlags.Hello, 100));
        node.Wait(1500);
        node.Hear(new PeerId(default, 40_000), Node.Control(PeerFlags.Alive | PeerFlags.Hello, 6001));
        node.Hear(new PeerId(default, 40_000), Node.Data(PeerMessageType.FlowNew, 6002, Flows.Tcp(1)));
        Assert.Equal(1, node.Count(CacheKind.External));
    }

    [Fact]
    public void Answers_that_wait_to_leave_are_not_given_to_the_next_run_of_the_peer()
    {
        using Node node = Node.Greeted();
        node.PeerNext += 3;
        node.HearControl(PeerFlags.Alive);
        Assert.NotEqual(0u, node.Stats.TransmitQueue);
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void What_a_peer_that_has_just_started_did_not_hear_at_first_is_said_again()
    {
        using Node node = Node.Greeted();
        node.PeerNext = 90_000;
        node.HearControl(PeerFlags.Alive | PeerFlags.Hello);
        node.New(1);
        node.New(2);
        List<Said> said = node.Send();
        node.HearControl(PeerFlags.Ack | PeerFlags.Hello, said[1].Number, said[1].Number);
        List<Said> again = node.Send();
        Assert.Equal("BACK+NEW 1", Assert.Single(again).Text);
        node.New(3);
        uint number = node.Send()[0].Number;
        node.HearControl(PeerFlags.Ack, number, number);      // from now on a hole is a lost acknowledgement
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_peer_from_which_only_late_messages_come_is_taken_to_have_started_afresh()
    {
        using Node node = Node.Greeted();
        node.PeerNext -= 100;                                 // it restarted and took another answer for ours
        for (int second = 0; second < 4; second++)
        {
            node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(second));
            node.Run(1000);
        }

        Assert.Equal((4ul, 0), (node.Stats.Before, node.Count(CacheKind.External)));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(4));
        Assert.Equal(1, node.Count(CacheKind.External));
        Assert.Equal(["RESYNC"], node.Say());                 // for what came before
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(5));
        Assert.Equal((4ul, 2), (node.Stats.Before, node.Count(CacheKind.External)));
    }

    [Fact]
    public void Late_messages_between_others_mean_nothing()
    {
        using Node node = Node.Greeted();
        for (int second = 0; second < 20; second++)
        {
            node.Hear(Node.Control(PeerFlags.Alive, node.PeerNext - 2));
            if (second % 3 == 0) node.HearControl(PeerFlags.Alive);
            node.Run(1000);
        }

        Assert.Equal(20ul, node.Stats.Before);
        Assert.DoesNotContain(SyncNoticeKind.ResyncRequested, node.NoticeKinds());
    }

    [Fact]
    public void What_was_said_before_the_peer_listened_is_said_again()
    {
        using var node = new Node(new SyncOptions { StartupResync = true });
        node.New(1);
        node.New(2);
        List<Said> said = node.Send();
        List<string> texts = [.. said.Select(one => one.Text)];
        Assert.Equal(["HELLO+RESYNC", "HELLO+NEW 1", "HELLO+NEW 2"], texts);
        node.HearControl(PeerFlags.Ack | PeerFlags.HelloBack, said[2].Number, said[2].Number);
        Assert.Equal(["NEW 1", "NEW 2", "RESYNC"], node.Say());
    }

    [Fact]
    public void What_was_lost_while_we_greeted_is_asked_for_as_a_whole_after_it()
    {
        using var node = new Node();
        node.HearControl(PeerFlags.Alive);
        node.PeerNext++;
        node.HearControl(PeerFlags.Alive);
        Assert.Equal(["HELLO+ACK 5000..5000", "HELLO+NACK 5001..5001"], node.Say());
        node.HearControl(PeerFlags.Alive | PeerFlags.HelloBack);
        Assert.Equal(["RESYNC"], node.Say());
        node.HearControl(PeerFlags.Alive | PeerFlags.HelloBack);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void Two_nodes_that_start_together_agree_after_three_messages()
    {
        using var left = new Node(first: 1000);
        using var right = new Node(first: 5000);
        Assert.Equal(["HELLO+ALIVE"], Carry(left, right));
        Assert.Equal(["HELLO+BACK+ACK 1000..1000"], Carry(right, left));
        Assert.Equal(["BACK+ACK 5000..5000"], Carry(left, right));
        Assert.Equal(["ACK 1001..1001"], Carry(right, left));
    }

    private static List<string> Carry(Node from, Node to)
    {
        from.Wait(1000);
        var said = new List<string>();
        foreach (byte[] datagram in from.Datagrams())
        {
            said.AddRange(Node.Parse(datagram).Select(one => one.Text));
            to.Hear(datagram);
        }

        return said;
    }
}
