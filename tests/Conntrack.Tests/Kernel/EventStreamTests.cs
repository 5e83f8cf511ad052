using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class EventStreamTests
{
    [Fact]
    public void A_flows_life_arrives_as_new_update_and_destroy() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Flows);
        using var client = new ConntrackClient();
        PackedFlow flow = Flows.Tcp(77);
        client.Create(in flow);
        flow.Mark = 5;
        flow.Fields |= FlowFields.Mark;
        client.Update(in flow);
        client.Delete(in flow);

        PackedFlow seen = default;
        foreach (EventKind kind in (EventKind[])[EventKind.New, EventKind.Update, EventKind.Destroy])
        {
            Assert.Equal(EventStatus.Flow, events.Read(ref seen));
            Assert.Equal(kind, events.Kind);
            Assert.Equal(client.PortId, events.Header.PortId);
            Assert.Equal(AddressFamily.IPv4, events.Header.Family);
            Assert.Equal(flow.Original, seen.Original);
            if (kind != EventKind.New) Assert.Equal(5u, seen.Mark);
        }

        Assert.Equal(EventStatus.Empty, events.Read(ref seen));
        Assert.Equal(3ul, events.Received);
        Assert.Equal(0ul, events.Malformed);
    });

    [Fact]
    public void Only_the_groups_asked_for_arrive() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Destroy);
        using var client = new ConntrackClient();
        PackedFlow flow = Flows.Udp(77);
        client.Create(in flow);
        client.Delete(in flow);

        PackedFlow seen = default;
        Assert.Equal(EventStatus.Flow, events.Read(ref seen));
        Assert.Equal(EventKind.Destroy, events.Kind);
        Assert.Equal(EventStatus.Empty, events.Read(ref seen));
    });

    [Fact]
    public void More_events_than_one_batch_arrive_in_order() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.New, receiveBufferBytes: 4 << 20);
        Create(1000);

        PackedFlow seen = default;
        for (ushort port = 1; port <= 1000; port++)
        {
            Assert.Equal(EventStatus.Flow, events.Read(ref seen));
            Assert.Equal(port, seen.Original.SourcePort);
        }

        Assert.Equal(EventStatus.Empty, events.Read(ref seen));
    });

    [Fact]
    public void An_overrun_is_told_once_and_what_fitted_still_arrives() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.New, receiveBufferBytes: 16 << 10);
        Create(1000);

        PackedFlow seen = default;
        int overruns = 0;
        int flows = 0;
        EventStatus status;
        while ((status = events.Read(ref seen)) != EventStatus.Empty)
        {
            if (status == EventStatus.Overrun) overruns++;
            else if (status == EventStatus.Flow) flows++;
        }

        Assert.Equal(1, overruns);
        Assert.InRange(flows, 5, 999);
        Assert.Equal(1ul, events.Overruns);
    });

    [Fact]
    public void With_reliable_delivery_no_end_of_a_flow_is_lost() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Destroy, receiveBufferBytes: 16 << 10);
        Assert.True(events.Socket.SetReliableDelivery(true).IsSuccess);
        Assert.True(events.Socket.SetSilentLoss(true).IsSuccess);
        Create(100);
        using var client = new ConntrackClient();
        client.Flush();

        // The kernel keeps what did not fit and delivers it later, from a timer of its own.
        HashSet<ushort> ended = [];
        PackedFlow seen = default;
        while (ended.Count < 100)
        {
            EventStatus status = events.Read(ref seen);
            if (status == EventStatus.Flow) ended.Add(seen.Original.SourcePort);
            else Assert.True(status == EventStatus.Empty && events.Socket.Wait(10_000), $"{ended.Count} of 100");
        }

        Assert.Equal(0ul, events.Overruns);
    });

    [Fact]
    public void The_buffer_grows_up_to_its_limit() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.New, receiveBufferBytes: 100_000);
        Assert.Equal(200_000, events.Socket.ReceiveBufferSize);
        Assert.Equal(400_000, events.GrowBuffer(1_000_000));
        Assert.Equal(800_000, events.GrowBuffer(1_000_000));
        Assert.Equal(1_000_000, events.GrowBuffer(1_000_000));
        Assert.Equal(1_000_000, events.GrowBuffer(1_000_000));
    });

    private static void Create(int count)
    {
        using var queue = new RequestQueue();
        for (int port = 1; port <= count; port++)
        {
            PackedFlow flow = Flows.Udp((ushort)port);
            queue.Create((uint)port, in flow);
            if (!queue.IsFull && port < count) continue;

            queue.Send();
            while (queue.TryReadAnswer(out RequestAnswer answer)) Assert.Equal(Errno.None, answer.Error.Code);
        }
    }
}
