using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Who is told of flows in the dense form, and when.</summary>
public sealed class DenseFormatTests
{
    private const PeerFlags Hello = PeerFlags.Ack | PeerFlags.Hello | PeerFlags.HelloBack;

    private static readonly PeerId Left = new(Address.FromIPv4(0x0a000001));
    private static readonly PeerId Right = new(Address.FromIPv4(0x0a000002));

    private uint _left = 5000;
    private uint _right = 2_000_005_000;

    [Fact]
    public void A_peer_that_reads_the_dense_form_gets_it()
    {
        using Node node = Greeted(Hello | PeerFlags.Dense);
        node.New(1);
        Assert.Equal(["NEW 1 dense"], node.Say());
        node.Destroy(1);
        Assert.Equal(["DEL 1 dense"], node.Say());
        Assert.Equal(2ul, node.Stats.DenseSent);
    }

    [Fact]
    public void A_peer_that_does_not_say_so_gets_the_originals_form()
    {
        using Node node = Greeted(Hello);
        node.New(1);
        Assert.Equal(["NEW 1"], node.Say());
    }

    [Fact]
    public void Every_control_message_offers_it_and_no_flow_message_does()
    {
        using Node node = Greeted(Hello);
        node.New(1);
        node.Engine.OnCommand(node.Now, SyncCommand.RequestResync, ticket: 0);
        List<Said> said = node.Send();
        said.AddRange(Enumerable.Range(0, 3).SelectMany(_ =>
        {
            node.Wait(1000);
            return node.Send();
        }));
        Assert.Contains(said, message => message.Text.StartsWith("ALIVE", StringComparison.Ordinal));
        Assert.All(said, message => Assert.Equal(
            PeerHeader.Read(message.Bytes).Type == PeerMessageType.Control,
            (PeerHeader.Read(message.Bytes).Flags & PeerFlags.Dense) != 0));
        Assert.Equal(PeerHeader.CurrentVersion, said.Select(message => PeerHeader.Read(message.Bytes).Version).Max());
    }

    [Fact]
    public void What_waits_for_an_acknowledgement_is_listed_without_the_offer()
    {
        using Node node = Greeted(Hello);
        node.Engine.OnCommand(node.Now, SyncCommand.RequestResync, ticket: 0);
        node.Send();
        Assert.Contains(node.Engine.ReadResendQueue(), element => element.Flags == (byte)PeerFlags.Resync);
    }

    [Fact]
    public void A_node_that_does_not_offer_it_neither_sends_nor_reads_it()
    {
        using Node node = new(new SyncOptions());
        node.Run(1000);
        node.Hear(Left, Node.Control(Hello | PeerFlags.Dense, _left++, Node.First, Node.First));
        node.Run(1000);
        node.New(1);
        Assert.Equal(["NEW 1"], node.Say());
        node.Hear(Left, Dense(PeerMessageType.FlowNew, _left++, 2));
        Assert.Equal((1u, 0), (node.Stats.WrongVersion, node.Count(CacheKind.External)));
    }

    [Fact]
    public void Both_forms_are_read_whatever_was_agreed()
    {
        using Node node = Greeted(Hello);
        node.Hear(Left, Dense(PeerMessageType.FlowNew, _left++, 1), Node.Data(
            PeerMessageType.FlowNew, _left++, Flows.Tcp(2)), Dense(PeerMessageType.FlowUpdate, _left++, 3));
        Assert.Equal(3, node.Count(CacheKind.External));
        node.Hear(Left, Dense(PeerMessageType.FlowDelete, _left++, 2));
        Assert.Equal((2, 0ul), (node.Count(CacheKind.External), node.Stats.Malformed));
    }

    [Theory]
    [InlineData((byte)PeerMessageType.ExpectationNew)]
    [InlineData((byte)PeerMessageType.Control)]
    public void Nothing_but_flows_has_a_dense_form(byte type)
    {
        using Node node = Greeted(Hello);
        byte[] message = Node.Control(PeerFlags.Alive, _left++);
        var header = new PeerHeader(
            PeerHeader.DenseVersion, (PeerMessageType)type, PeerFlags.None, 8, new Seq(_left));
        header.Write(message);
        node.Hear(Left, message);
        Assert.Equal(1u, node.Stats.WrongVersion);
    }

    [Fact]
    public void A_damaged_dense_message_is_counted_and_its_number_too()
    {
        using Node node = Greeted(Hello | PeerFlags.Dense);
        byte[] message = Dense(PeerMessageType.FlowNew, _left++, 1);
        node.Hear(Left, [.. message[..3], 12, .. message[4..12]]);
        Assert.Equal(1u, node.Stats.MalformedPayload);
        node.Hear(Left, Dense(PeerMessageType.FlowNew, _left++, 2));
        Assert.Equal((1, 0ul), (node.Count(CacheKind.External), node.Stats.Lost));
    }

    [Fact]
    public void A_peer_that_starts_again_as_another_program_gets_the_originals_form()
    {
        using Node node = Greeted(Hello | PeerFlags.Dense);
        node.New(1);
        node.Send();
        node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.Hello, _left += 100_000));
        Assert.Contains("BACK+NEW 1", node.Say(), StringComparer.Ordinal);
        node.New(2);
        Assert.Equal(["NEW 2"], node.Say());
    }

    [Fact]
    public void A_peer_that_starts_again_with_a_flow_gets_the_originals_form_until_it_says_more()
    {
        using Node node = Greeted(Hello | PeerFlags.Dense);
        node.Hear(Left, Node.Data(PeerMessageType.FlowNew, _left += 100_000, Flows.Tcp(9), PeerFlags.Hello));
        node.New(1);
        List<string> said = node.Say();
        Assert.Contains("NEW 1", said, StringComparer.Ordinal);
        node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.Dense, ++_left));
        node.New(2);
        Assert.Equal(["NEW 2 dense"], node.Say());
    }

    [Fact]
    public void In_a_group_everybody_must_read_it()
    {
        using Node node = Greeted(Hello | PeerFlags.Dense);
        node.Hear(Right, Node.Control(PeerFlags.Alive, _right++));
        node.New(1);
        Assert.Contains("HELLO+NEW 1", node.Say(), StringComparer.Ordinal);
        for (int second = 0; second < 5; second++)
        {
            node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.Dense, _left++));
            node.Hear(Right, Node.Control(PeerFlags.Alive, _right++));
            node.Run(1000);
        }

        node.New(2);
        Assert.Equal(["NEW 2"], node.Say());
        node.Hear(Right, Node.Control(PeerFlags.Alive | PeerFlags.Dense, _right++));
        node.New(3);
        Assert.Equal(["NEW 3 dense"], node.Say());
    }

    [Fact]
    public void A_late_message_does_not_tell_what_its_sender_reads()
    {
        using Node node = Greeted(Hello | PeerFlags.Dense);
        node.Hear(Left, Node.Control(PeerFlags.Alive, _left - 1));
        node.New(1);
        Assert.Equal(["NEW 1 dense"], node.Say());
    }

    [Theory]
    [InlineData(SyncModeKind.Alarm)]
    [InlineData(SyncModeKind.Notrack)]
    public void In_the_other_modes_it_is_neither_offered_nor_sent(SyncModeKind mode)
    {
        using Node node = new(new SyncOptions { Mode = mode, DenseFormat = true });
        node.Hear(Left, Node.Control(PeerFlags.Alive | PeerFlags.Dense, _left++));
        node.New(1);
        List<Said> said = node.Send();
        node.Wait(5000);
        said.AddRange(node.Send());
        Assert.Contains(said, message => message.Text is "NEW 1");
        Assert.All(said, message => Assert.Equal(PeerFlags.None, PeerHeader.Read(message.Bytes).Flags & PeerFlags.Dense));
    }

    private Node Greeted(PeerFlags answer)
    {
        var node = new Node(new SyncOptions { DenseFormat = true });
        Assert.Equal(["HELLO+ALIVE"], node.Run(1000));
        node.Hear(Left, Node.Control(answer, _left++, Node.First, Node.First));
        Assert.Equal(["BACK+ACK 5000..5000"], node.Run(1000));
        return node;
    }

    private static byte[] Dense(PeerMessageType type, uint number, int flow)
    {
        byte[] message = new byte[SyncEngine.MessageLimit];
        PackedFlow told = Flows.Tcp(flow);
        int length = PeerHeader.Size + DenseFlow.Write(in told, new SyncOptions(), message.AsSpan(PeerHeader.Size));
        new PeerHeader(PeerHeader.DenseVersion, type, PeerFlags.None, (ushort)length, new Seq(number)).Write(message);
        return message[..length];
    }
}
