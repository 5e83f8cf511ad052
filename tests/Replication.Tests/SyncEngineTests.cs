using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>The front door: events, dumps, commands, deadlines.</summary>
public sealed class SyncEngineTests
{
    [Fact]
    public void A_flow_of_one_engine_arrives_in_the_other()
    {
        using var left = new Node();
        using var right = new Node();
        PackedFlow flow = Flows.Tcp(1);
        flow.Mark = 7;
        flow.Fields |= FlowFields.Mark;
        left.Event(FlowChange.New, flow);
        foreach (byte[] datagram in left.Datagrams()) right.Hear(datagram);
        Assert.Equal(
            ["tcp      6 ESTABLISHED src=10.0.0.0 dst=192.0.2.1 sport=1025 dport=80 [ASSURED] mark=7"],
            Flows.Lines(right.Engine, CacheKind.External));
    }

    [Theory]
    [InlineData("reply")]
    [InlineData("protocol")]
    [InlineData("source")]
    public void An_event_without_what_a_flow_needs_is_filtered(string missing)
    {
        using Node node = Node.Greeted();
        PackedFlow flow = Flows.Tcp(1);
        if (missing == "reply") flow.Reply.Parts = TupleParts.None;
        else flow.Original.Parts &= ~(missing == "source" ? TupleParts.Source : TupleParts.Protocol);
        node.Event(FlowChange.New, flow);
        Assert.Equal(1ul, node.Stats.EventsFiltered);
        Assert.Empty(node.Say());
    }

    [Fact]
    public void A_flow_whose_state_is_not_wanted_is_sent_when_it_is_and_when_it_ends()
    {
        var established = new FlowFilter(
            FilterAction.None, [], FilterAction.None, [], FilterAction.Accept, [TcpState.Established]);
        using Node node = Node.Greeted(new SyncOptions { Filter = established });
        node.Event(FlowChange.New, Flows.Tcp(1, TcpState.SynSent));
        Assert.Empty(node.Say());
        node.Update(1);
        Assert.Equal(["NEW 1"], node.Say());
        node.Update(1, TcpState.TimeWait);
        Assert.Empty(node.Say());
        node.Event(FlowChange.Destroy, Flows.Tcp(1, TcpState.TimeWait));
        Assert.Equal(["DEL 1"], node.Say());
        Assert.Equal(2ul, node.Stats.EventsFiltered);
    }

    [Theory]
    [InlineData(EventOrigin.Commit)]
    [InlineData(EventOrigin.Flush)]
    public void What_we_did_to_the_kernel_ourselves_is_known_and_not_sent(EventOrigin origin)
    {
        using Node node = Node.Greeted();
        node.Event(FlowChange.New, Flows.Tcp(1), origin);
        Assert.Equal(1, node.Count(CacheKind.Internal));
        node.Event(FlowChange.Destroy, Flows.Tcp(1), origin);
        Assert.Empty(node.Say());
        CacheStats stats = node.Stats.Internal;
        Assert.Equal((0u, 0u, 1u), (stats.Active, stats.Objects, stats.Destroyed));
    }

    [Fact]
    public void A_flush_takes_back_what_was_not_yet_acknowledged()
    {
        using Node node = Node.Greeted();
        node.New(1);
        uint number = Assert.Single(node.Send()).Number;
        node.Event(FlowChange.Destroy, Flows.Tcp(1), EventOrigin.Flush);
        node.HearControl(PeerFlags.Nack, number, number);
        Assert.Empty(node.Say());
        Assert.Equal(0u, node.Stats.Internal.Objects);
    }

    [Fact]
    public void An_injected_flow_is_not_known()
    {
        using Node node = Node.Greeted();
        node.Event(FlowChange.New, Flows.Tcp(1), EventOrigin.Inject);
        Assert.Equal(0, node.Count(CacheKind.Internal));
        Assert.Equal(0ul, node.Stats.EventsFiltered);
    }

    [Fact]
    public void Traffic_of_flows_that_ended_is_summed()
    {
        using Node node = Node.Greeted();
        node.New(1);
        PackedFlow flow = Flows.Tcp(1);
        flow.CountersOriginal = new FlowCounters(3, 300);
        flow.CountersReply = new FlowCounters(4, 4000);
        flow.Fields |= FlowFields.CountersOriginal | FlowFields.CountersReply;
        node.Event(FlowChange.Destroy, flow);
        node.Event(FlowChange.Destroy, flow);           // unknown by now
        Assert.Equal((7ul, 4300ul), (node.Stats.TrafficPackets, node.Stats.TrafficBytes));
    }

    [Fact]
    public void An_expectation_counts_as_a_message_and_changes_nothing()
    {
        using Node node = Node.Greeted();
        byte[] message = Pcap.Read("ftfw-expect-ftp").SelectMany(datagram => datagram.Messages())
            .First(entry => PeerHeader.Read(entry).Type == PeerMessageType.ExpectationNew);
        PeerHeader header = PeerHeader.Read(message) with { Sequence = new Seq(node.PeerNext++) };
        header.Write(message);
        ulong before = node.Stats.MessagesAccepted;
        node.Hear(message);
        node.HearControl(PeerFlags.Alive);
        Assert.Equal((before + 2, 0ul, 0ul), (node.Stats.MessagesAccepted, node.Stats.Malformed, node.Stats.Lost));
        Assert.Equal(0, node.Count(CacheKind.External));
    }

    [Fact]
    public void The_external_cache_full_is_said_once_until_there_is_room()
    {
        using Node node = Node.Greeted(new SyncOptions { CacheLimit = 20 });
        for (int number = 0; number < 25; number++) node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
        SyncNotice notice = Assert.Single(node.Notices());
        Assert.Equal((SyncNoticeKind.ExternalCacheFull, 20L), (notice.Kind, notice.Value));
        Assert.Equal((20u, 5u), (node.Stats.External.Active, node.Stats.External.CreateFailed));

        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(0));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(0));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(20));
        Assert.Empty(node.Notices());                   // the same episode

        for (int number = 0; number < 3; number++) node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(number));
        for (int number = 30; number < 34; number++) node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
        Assert.Equal([SyncNoticeKind.ExternalCacheFull], node.NoticeKinds());
    }

    [Fact]
    public void The_internal_cache_full_is_said_once_and_what_found_no_room_is_not_sent()
    {
        using Node node = Node.Greeted(new SyncOptions { CacheLimit = 20 });
        for (int number = 0; number < 25; number++) node.New(number);
        Assert.Equal([SyncNoticeKind.InternalCacheFull], node.NoticeKinds());
        Assert.Equal(20, node.Send().Count);
        Assert.Equal((20u, 5u), (node.Stats.Internal.Active, node.Stats.Internal.CreateFailed));

        // Dead flows do not count against the limit.
        node.Destroy(0);
        node.New(20);
        Assert.Equal(["DEL 0", "NEW 20"], node.Say());
        Assert.Empty(node.Notices());
    }

    [Fact]
    public void A_listing_in_slices_shows_each_flow_once_and_no_dead_one()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 10; number++) node.New(number);
        node.Destroy(3);
        ulong cursor = 0;
        PackedFlow flow = default;
        var seen = new List<int>();
        node.Now = node.Now.PlusSeconds(5);
        while (node.Engine.ReadNext(CacheKind.Internal, ref cursor, node.Now, ref flow, out EntryTimes times))
        {
            seen.Add(Node.NumberOf(in flow));
            Assert.Equal(seen[^1] == 100 ? 0u : 5u, times.AgeSeconds);
            if (seen.Count == 5) node.New(100);
        }

        Assert.Equal([0, 1, 2, 4, 5, 6, 7, 8, 9, 100], seen.Order());
    }

    [Fact]
    public void A_listing_of_what_peers_told_has_their_times()
    {
        using Node node = Node.Greeted();
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.Now = node.Now.PlusSeconds(7);
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        node.Now = node.Now.PlusSeconds(2);
        ulong cursor = 0;
        PackedFlow flow = default;
        Assert.True(node.Engine.ReadNext(CacheKind.External, ref cursor, node.Now, ref flow, out EntryTimes times));
        Assert.Equal((9u, 2u), (times.AgeSeconds, times.IdleSeconds));
    }

    [Fact]
    public void The_resend_queue_is_listed_oldest_first()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive);
        node.Run(1000);
        node.New(1);
        node.Send();
        Assert.Equal(
            [new ResendQueueElement(new Seq(1003), true, 8), new ResendQueueElement(new Seq(1004), false, 0)],
            node.Engine.ReadResendQueue());
    }

    [Fact]
    public void A_datagram_that_is_cut_off_anywhere_is_counted_and_does_no_harm()
    {
        byte[] whole =
            [.. Node.Control(PeerFlags.Ack, 5003, 1, 2), .. Node.Data(PeerMessageType.FlowNew, 5004, Flows.Tcp(1))];
        for (int length = 1; length < whole.Length; length++)
        {
            using Node node = Node.Greeted();
            node.Hear(whole[..length]);
            Assert.Equal(length == 16 ? 0ul : 1ul, node.Stats.Malformed);
            Assert.Equal(0, node.Count(CacheKind.External));
        }
    }

    [Fact]
    public void Random_bytes_are_counted_and_do_no_harm()
    {
        var random = new Random(3);
        using Node node = Node.Greeted();
        byte[] good = Node.Data(PeerMessageType.FlowNew, 0, Flows.Tcp(1));
        for (int round = 0; round < 20_000; round++)
        {
            byte[] datagram = [.. good];
            var type = (PeerMessageType)random.Next(3);
            new PeerHeader(1, type, PeerFlags.None, (ushort)good.Length, new Seq(node.PeerNext++)).Write(datagram);
            for (int change = random.Next(4); change >= 0; change--)
                datagram[random.Next(round % 2 == 0 ? 8 : 0, datagram.Length)] = (byte)random.Next(256);
            node.Hear(datagram[..random.Next(datagram.Length + 1)]);
            if (round % 100 == 0) node.Run(10);
        }

        Assert.True(node.Stats.Malformed > 1000);
        Assert.All(
            Flows.Lines(node.Engine, CacheKind.External),
            line => Assert.Contains("src=", line, StringComparison.Ordinal));
    }
}
