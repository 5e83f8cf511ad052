using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>FT-FW with more than one peer on the link.</summary>
public sealed class ManyPeersTests
{
    private static readonly PeerId Left = new(Address.FromIPv4(0x0a000001));
    private static readonly PeerId Right = new(Address.FromIPv4(0x0a000002));

    private uint _left = 5000;
    private uint _right = 2_000_005_000;
    private uint _heard;

    [Fact]
    public void A_flow_is_kept_until_every_peer_has_acknowledged_it()
    {
        using Node node = Greeted();
        node.New(1);
        Said said = Assert.Single(node.Send(), message => message.Text == "NEW 1");
        FromLeft(node, PeerFlags.Ack, said.Number);
        Assert.Contains(said.Number, Kept(node));
        FromRight(node, PeerFlags.Ack, said.Number);
        Assert.DoesNotContain(said.Number, Kept(node));
    }

    [Fact]
    public void What_one_peer_misses_is_sent_again_and_needs_both_again()
    {
        using Node node = Greeted();
        node.New(1);
        Said first = Assert.Single(node.Send(), message => message.Text == "NEW 1");
        FromLeft(node, PeerFlags.Ack, first.Number);
        FromRight(node, PeerFlags.Nack, first.Number);
        Said second = Assert.Single(node.Send(), message => message.Text == "NEW 1");
        FromRight(node, PeerFlags.Ack, second.Number);
        Assert.Contains(second.Number, Kept(node));
        FromLeft(node, PeerFlags.Ack, second.Number);
        Assert.DoesNotContain(second.Number, Kept(node));
    }

    [Fact]
    public void A_dead_peer_is_not_waited_for_while_another_lives()
    {
        using Node node = Greeted();
        node.New(1);
        node.Send();
        node.Destroy(1);
        Said said = Assert.Single(node.Send(), message => message.Text == "DEL 1");
        FromLeft(node, PeerFlags.Ack, said.Number);
        Assert.Equal(1u, node.Stats.Internal.Objects);
        for (int second = 0; second < 12; second++) LetLeftAnswer(node);
        Assert.DoesNotContain(said.Number, Kept(node));
        Assert.Equal(0u, node.Stats.Internal.Objects);

        // Nor for anything that is sent from then on, until it is heard again.
        node.New(2);
        LetLeftAnswer(node);
        LetLeftAnswer(node);
        Assert.InRange(node.Stats.ResendQueue, 0u, 2u);
    }

    [Fact]
    public void The_only_peer_is_waited_for_however_long_it_is_silent()
    {
        using Node node = Node.Greeted();
        node.New(1);
        Said said = Assert.Single(node.Send());
        node.Run(60_000);
        Assert.Contains(said.Number, Kept(node));
    }

    [Fact]
    public void A_peer_that_comes_back_and_asks_for_what_was_given_up_gets_everything()
    {
        using Node node = Greeted();
        node.New(1);
        Said said = Assert.Single(node.Send(), message => message.Text == "NEW 1");
        FromLeft(node, PeerFlags.Ack, said.Number);
        for (int second = 0; second < 12; second++) LetLeftAnswer(node);
        Assert.DoesNotContain(said.Number, Kept(node));
        FromRight(node, PeerFlags.Nack, said.Number);
        Assert.Contains(node.Say(), text => text is "NEW 1" or "UPD 1");
    }

    [Fact]
    public void A_peer_that_was_given_up_gets_everything_with_its_first_word()
    {
        using Node node = Greeted();
        node.New(1);
        Said said = Assert.Single(node.Send(), message => message.Text == "NEW 1");
        FromLeft(node, PeerFlags.Ack, said.Number);
        for (int second = 0; second < 12; second++) LetLeftAnswer(node);
        uint last = node.Send().Select(message => message.Number).LastOrDefault(said.Number);
        FromRight(node, PeerFlags.Ack, last);
        Said again = Assert.Single(node.Send(), message => message.Text is "NEW 1" or "UPD 1");
        FromLeft(node, PeerFlags.Ack, again.Number);
        Assert.Contains(again.Number, Kept(node));
    }

    // The links fail in turns, first towards us, then from us: something of the peer arrives all the time.
    [Theory]
    [InlineData(6, 6, true)]
    [InlineData(3, 3, false)]
    public void Who_was_not_heard_for_long_asks_for_everything_although_it_heard_the_peer_meanwhile(
        int secondsDeaf, int secondsMute, bool asks)
    {
        using Node node = Greeted();
        for (int second = 0; second < 15; second++) LetBothAnswer(node);
        for (int second = 0; second < secondsDeaf; second++) LetLeftAnswer(node);

        // What it has heard before arrives late, and what we say to that does not.
        FromRight(node, PeerFlags.Ack, _heard);
        for (int second = 0; second < secondsMute; second++)
        {
            FromRight(node, PeerFlags.Alive, 0);
            LetLeftAnswer(node);
        }

        FromRight(node, PeerFlags.Alive, 0);
        node.Wait(1000);
        uint last = node.Send()[^1].Number;
        FromRight(node, PeerFlags.Ack, last);
        Assert.Equal(asks, node.Say().Contains("RESYNC"));
    }

    [Fact]
    public void Two_peers_that_have_sent_everything_in_one_moment_are_both_swept()
    {
        using Node node = Greeted();
        for (int number = 0; number < 2; number++)
        {
            node.Hear(Left, Node.Data(PeerMessageType.FlowNew, _left++, Flows.Tcp(number)));
            node.Hear(Right, Node.Data(PeerMessageType.FlowNew, _right++, Flows.Tcp(10 + number)));
        }

        node.Engine.OnCommand(node.Now, SyncCommand.RequestResync, ticket: 0);
        Said asked = Assert.Single(node.Send(), message => message.Text == "RESYNC");
        node.Hear(Left, Node.Data(PeerMessageType.FlowNew, _left++, Flows.Tcp(1)));
        node.Hear(Right, Node.Data(PeerMessageType.FlowNew, _right++, Flows.Tcp(11)));
        FromLeft(node, PeerFlags.Ack, asked.Number);
        FromRight(node, PeerFlags.Ack, asked.Number);
        node.Wait(0);
        Assert.Equal(2, node.Count(CacheKind.External));
    }

    [Fact]
    public void Numbers_that_are_not_ours_are_somebody_elses()
    {
        using Node node = Greeted();
        node.New(1);
        Said said = Assert.Single(node.Send(), message => message.Text == "NEW 1");
        node.Hear(Left, Node.Control(PeerFlags.Ack, _left++, _right, _right + 10));
        node.Hear(Left, Node.Control(PeerFlags.Nack, _left++, _right, _right + 10));
        Assert.Contains(said.Number, Kept(node));
        Assert.DoesNotContain("NEW 1", node.Say(), StringComparer.Ordinal);
    }

    [Fact]
    public void A_restart_of_one_peer_leaves_what_is_owed_to_the_other()
    {
        using Node node = Greeted();
        node.Hear(Left, Node.Data(PeerMessageType.FlowNew, _left++, Flows.Tcp(1)));
        _left += 3;
        node.Hear(Left, Node.Data(PeerMessageType.FlowNew, _left++, Flows.Tcp(2)));
        _right += 100_000;
        node.Hear(Right, Node.Control(PeerFlags.Alive | PeerFlags.Hello, _right++));
        Assert.Contains(node.Say(), text => text.Contains("NACK", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_peer_is_acknowledged_by_its_own_numbers()
    {
        using Node node = Greeted();
        for (int number = 0; number < 3; number++)
        {
            node.Hear(Left, Node.Data(PeerMessageType.FlowNew, _left++, Flows.Tcp(number)));
            node.Hear(Right, Node.Data(PeerMessageType.FlowNew, _right++, Flows.Tcp(10 + number)));
        }

        List<string> said = node.Run(1000);
        Assert.Contains($"ACK {_left - 4}..{_left - 1}", said, StringComparer.Ordinal);
        Assert.Contains($"ACK {_right - 4}..{_right - 1}", said, StringComparer.Ordinal);
        Assert.Equal(0ul, node.Stats.Lost + node.Stats.Before);
    }

    [Fact]
    public void Greeting_goes_on_until_both_have_answered_or_time_is_up()
    {
        using var node = new Node();
        node.Run(1000);
        node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.Hello, _left++));
        node.Hear(Right, Node.Control(PeerFlags.Alive | PeerFlags.Hello, _right++));
        node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.HelloBack, _left++));
        Assert.All(node.Run(2000), text => Assert.StartsWith("HELLO+", text, StringComparison.Ordinal));
        node.Run(3000);
        Assert.All(node.Run(2000), text => Assert.DoesNotContain("HELLO+", text, StringComparison.Ordinal));
    }

    private Node Greeted()
    {
        var node = new Node();
        node.Run(1000);
        node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.Hello | PeerFlags.HelloBack, _left++));
        node.Hear(Right, Node.Control(PeerFlags.Alive | PeerFlags.Hello | PeerFlags.HelloBack, _right++));
        List<Said> said = node.Send();
        node.Wait(1000);
        said.AddRange(node.Send());
        FromLeft(node, PeerFlags.Ack, said[^1].Number, 1000);
        FromRight(node, PeerFlags.Ack, said[^1].Number, 1000);
        return node;
    }

    // A second passes, and both peers acknowledge all of it.
    private void LetBothAnswer(Node node)
    {
        node.Wait(1000);
        List<Said> said = node.Send();
        if (said.Count == 0) return;
        _heard = said[^1].Number;
        FromLeft(node, PeerFlags.Ack, _heard, said[0].Number);
        FromRight(node, PeerFlags.Ack, _heard, said[0].Number);
    }

    // A second passes, and the left peer acknowledges all of it.
    private void LetLeftAnswer(Node node)
    {
        uint before = 0;
        uint last = 0;
        node.Wait(1000);
        foreach (Said said in node.Send())
        {
            if (before == 0) before = said.Number;
            last = said.Number;
        }

        if (last != 0) FromLeft(node, PeerFlags.Ack, last, before);
    }

    private void FromLeft(Node node, PeerFlags flags, uint to, uint? from = null) =>
        node.Hear(Left, Node.Control(flags, _left++, from ?? to, to));

    private void FromRight(Node node, PeerFlags flags, uint to, uint? from = null) =>
        node.Hear(Right, Node.Control(flags, _right++, from ?? to, to));

    private static IEnumerable<uint> Kept(Node node) =>
        node.Engine.ReadResendQueue().Select(element => element.Sequence.Value);
}
