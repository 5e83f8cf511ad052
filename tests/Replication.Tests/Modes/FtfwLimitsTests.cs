using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>FT-FW where something is full, long, or slow.</summary>
public sealed class FtfwLimitsTests
{
    [Fact]
    public void A_full_resend_queue_gives_up_its_oldest_and_says_so_once()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 3 });
        for (int number = 1; number <= 5; number++) node.New(number);
        List<Said> said = node.Send();
        Assert.Equal((2u, 3u), (node.Stats.ResendQueueOverflows, node.Stats.ResendQueue));
        SyncNotice notice = Assert.Single(node.Notices());
        Assert.Equal((SyncNoticeKind.ResendQueueFull, 3L), (notice.Kind, notice.Value));
        node.New(6);
        node.Send();
        Assert.Empty(node.Notices());

        node.HearControl(PeerFlags.Ack, said[0].Number, said[^1].Number + 1);
        for (int number = 11; number <= 14; number++) node.New(number);
        node.Send();
        Assert.Equal([SyncNoticeKind.ResendQueueFull], node.NoticeKinds());
    }

    [Fact]
    public void A_dead_flow_that_was_given_up_is_gone()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 1 });
        node.New(1);
        node.Send();
        node.Destroy(1);
        node.Send();
        Assert.Equal((0u, 1u), (node.Stats.Internal.Active, node.Stats.Internal.Objects));
        node.New(2);
        node.Send();
        Assert.Equal((1u, 1u), (node.Stats.Internal.Active, node.Stats.Internal.Objects));
    }

    [Fact]
    public void When_what_is_asked_for_was_given_up_everything_is_sent()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 2 });
        for (int number = 1; number <= 4; number++) node.New(number);
        List<Said> said = node.Send();
        node.Notices();
        node.HearControl(PeerFlags.Nack, said[2].Number, said[2].Number);
        Assert.Equal(["NEW 3"], node.Say());                     // still there: repeated
        node.HearControl(PeerFlags.Nack, said[1].Number, said[1].Number);
        List<string> bulk = node.Say();
        bulk.Sort(StringComparer.Ordinal);
        Assert.Equal(["NEW 1", "NEW 2", "NEW 3", "NEW 4"], bulk);
        Assert.Equal([SyncNoticeKind.SendingBulk], node.NoticeKinds());
    }

    [Fact]
    public void Everything_is_sent_in_place_of_what_was_given_up_only_once_in_a_while()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 2 });
        for (int number = 1; number <= 4; number++) node.New(number);
        for (int round = 0; round < 10; round++)
        {
            uint first = node.Send()[0].Number;
            node.HearControl(PeerFlags.Nack, first, first);
            if (round > 0) Assert.Empty(node.Say());
            node.Update(1);
            node.Update(2);
            node.Update(3);
        }

        Assert.Single(node.NoticeKinds(), SyncNoticeKind.SendingBulk);
        node.Run(4999);
        Assert.DoesNotContain(SyncNoticeKind.SendingBulk, node.NoticeKinds());
        node.Run(1);
        Assert.Single(node.NoticeKinds(), SyncNoticeKind.SendingBulk);
    }

    [Fact]
    public void A_request_for_repetition_is_not_what_a_full_resend_queue_gives_up()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 2 });
        node.PeerNext++;
        node.HearControl(PeerFlags.Alive);
        Said request = node.Send()[^1];
        Assert.StartsWith("NACK", request.Text, StringComparison.Ordinal);
        for (int number = 1; number <= 4; number++) node.New(number);
        node.Send();
        node.HearControl(PeerFlags.Nack, request.Number, request.Number);
        Assert.Equal([request.Text], node.Say());
    }

    [Fact]
    public void When_a_request_must_be_given_up_everything_is_asked_for()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 1 });
        for (int gap = 0; gap < 2; gap++)
        {
            node.PeerNext++;
            node.HearControl(PeerFlags.Alive);
            node.Send();
        }

        Assert.Equal(["RESYNC"], node.Run(1));
        Assert.Contains(SyncNoticeKind.ResyncRequested, node.NoticeKinds());
    }

    [Fact]
    public void What_was_given_up_long_ago_is_forgotten()
    {
        using Node node = Node.Greeted(new SyncOptions { ResendQueueSize = 2 });
        for (int number = 1; number <= 4; number++) node.New(number);
        uint first = node.Send()[0].Number;
        for (int update = 0; update < 65_600; update++)
        {
            node.Update(1);
            uint number = node.Send()[0].Number;
            node.HearControl(PeerFlags.Ack, number - 1, number);
        }

        node.Notices();
        node.HearControl(PeerFlags.Nack, first, first);
        Assert.Empty(node.Say());
        Assert.Empty(node.Notices());
    }

    [Fact]
    public void A_packet_is_filled_to_below_its_capacity()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 100; number++) node.New(number);
        int message = Node.Data(PeerMessageType.FlowNew, 1, Flows.Tcp(1)).Length;
        List<int> sizes = [.. node.Datagrams(10 * message).Select(datagram => datagram.Length / message)];

        // Exactly full does not count as fitting, as with the original.
        Assert.Equal([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1], sizes);
    }

    [Fact]
    public void A_message_too_long_for_any_packet_goes_alone()
    {
        using Node node = Node.Greeted();
        node.HearControl(PeerFlags.Alive);
        node.Wait(1000);
        for (int number = 0; number < 3; number++) node.New(number);
        List<byte[]> datagrams = [.. node.Datagrams(40)];
        List<string> said = [.. datagrams.SelectMany(Node.Parse).Select(one => one.Text)];
        Assert.Equal(["ACK 5002..5003", "NEW 0", "NEW 1", "NEW 2"], said);
        Assert.Equal(4, datagrams.Count);
        Assert.Equal(4u, node.Stats.ResendQueue);
    }

    [Fact]
    public void Without_any_answer_sending_pauses_and_goes_on()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 20_000; number++) node.New(number);
        int first = node.Send().Count;
        Assert.InRange(first, 8192, 8192 + 20);
        Assert.Empty(node.Say());
        Assert.Equal(node.Now.PlusMilliseconds(50), node.Engine.NextDeadline);
        node.Wait(49);
        Assert.Empty(node.Say());
        node.Wait(1);
        Assert.InRange(node.Send().Count, 8192, 8192 + 20);
        node.Wait(50);
        Assert.InRange(node.Send().Count, 1, 20_000 - (2 * 8192));
        Assert.Equal(0u, node.Stats.TransmitQueue);
    }

    [Fact]
    public void An_answer_ends_the_pause_at_once()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < 9000; number++) node.New(number);
        List<Said> said = node.Send();
        Assert.Empty(node.Say());
        node.HearControl(PeerFlags.Ack, said[0].Number, said[299].Number);
        Assert.Equal(9000 - said.Count, node.Send().Count);
    }

    [Fact]
    public void A_flow_that_changes_at_a_full_link_takes_one_place()
    {
        using Node node = Node.Greeted();
        for (int round = 0; round < 50; round++)
        {
            for (int number = 0; number < 10; number++) node.Update(number);
        }

        Assert.Equal(10u, node.Stats.TransmitQueue);
    }
}
