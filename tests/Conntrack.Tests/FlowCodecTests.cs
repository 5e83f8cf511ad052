using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed class FlowCodecTests
{
    public static TheoryData<string> FlowMessages =>
        [.. Captures.Names(name => Header(name) is { Subsystem: NetfilterSubsystem.Conntrack } header
            && (header.Message is ConntrackMessage.New or ConntrackMessage.Delete or ConntrackMessage.Get)
            && !name.StartsWith("req-dump-filter", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(FlowMessages))]
    public void A_recorded_message_gives_exactly_the_fields_it_holds(string name)
    {
        PackedFlow flow = default;
        Assert.True(FlowCodec.TryRead(Captures.Bytes(name), ref flow));
        Assert.Equal(Captures.Leaves(name), Described.Flow(in flow));
    }

    [Fact]
    public void The_recordings_cover_every_kind_of_message() => Assert.Equal(59, FlowMessages.Count);

    [Theory]
    [InlineData("tcp-event-new", EventKind.New, 0u)]
    [InlineData("tcp-event-update1", EventKind.Update, 0u)]
    [InlineData("tcp-event-destroy", EventKind.Destroy, 3393605365u)]
    [InlineData("expect-nat-event-new", EventKind.ExpectationNew, 0u)]
    [InlineData("expect-nat-event-destroy", EventKind.ExpectationDestroy, 0u)]
    [InlineData("tcp-dump", EventKind.Update, 2241848031u)]
    [InlineData("req-timeout-new", EventKind.None, 0u)]
    public void An_event_tells_what_happened_and_who_caused_it(string name, EventKind kind, uint portId)
    {
        NetfilterHeader header = Header(name)!.Value;
        Assert.Equal(kind, EventKinds.Of(in header));
        Assert.Equal(portId, header.PortId);
    }

    [Fact]
    public void An_event_caused_by_a_program_carries_its_port_id()
    {
        NetfilterHeader header = Header("userspace-event-new")!.Value;
        Assert.Equal(EventKind.New, EventKinds.Of(in header));
        Assert.NotEqual(0u, header.PortId);
    }

    [Fact]
    public void The_friendly_flow_says_what_a_person_would()
    {
        PackedFlow packed = default;
        Assert.True(FlowCodec.TryRead(Captures.Bytes("tcp-dump"), ref packed));
        var flow = new Flow(in packed);

        Assert.Equal(FlowTuple.Of(IpProtocol.Tcp, "10.83.1.2", 41000, "10.83.1.1", 8080), flow.Original);
        Assert.Equal(FlowTuple.Of(IpProtocol.Tcp, "10.83.2.2", 80, "10.83.2.101", 41000), flow.Reply);
        Assert.Equal(TcpState.Established, flow.TcpState);
        Assert.Equal(42u, flow.Mark);
        Assert.Equal(431999u, flow.Timeout);
        Assert.Equal(new FlowCounters(4, 223), flow.CountersOriginal);
        Assert.Equal(new FlowCounters(3, 176), flow.CountersReply);
        Assert.True(flow.Labels is { } labels && labels.Has(0) && labels.Has(40) && !labels.Has(1));
        Assert.Equal(new LabelBits().With(0).With(40), flow.Labels);
        Assert.Equal(2026, flow.Started!.Value.Year);
        Assert.Equal(
            FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed | FlowStatus.SourceNat
                | FlowStatus.DestinationNat | FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone,
            flow.Status);
        Assert.Null(flow.Stopped);
        Assert.Null(flow.Zone);
        Assert.Null(flow.Master);
        Assert.Null(flow.Helper);
        Assert.Null(flow.SctpState);
    }

    [Fact]
    public void A_refused_message_leaves_nothing_known()
    {
        PackedFlow flow = default;
        byte[] message = Captures.Bytes("tcp-dump");
        Assert.True(FlowCodec.TryRead(message, ref flow));
        Assert.False(FlowCodec.TryRead(message.AsSpan(..^8), ref flow));
        Assert.Equal(FlowFields.None, flow.Fields);
        Assert.Equal(TupleParts.None, flow.Original.Parts);
    }

    [Theory]
    [InlineData("100001800c000180050001000a000000")] // an address of one byte
    [InlineData("1800018014000180080001000a0000010800040000000000")]    // an IPv6 destination with four bytes
    [InlineData("1c0001801800018014000300fd830000000000000000000000000001")] // an IPv6 source in an IPv4 message
    [InlineData("100002800c000180080003000a000001")]   // an IPv6 source with four bytes, in the reply
    [InlineData("0500030000000000")]                   // a status of one byte
    [InlineData("0c00048010000180050001000100000000000000")] // a nest longer than its parent
    [InlineData("180005801400010061616161616161616161616161616161")]    // a helper's name of sixteen bytes
    public void Damage_inside_an_attribute_is_refused(string attributes)
    {
        PackedFlow flow = default;
        Assert.False(FlowCodec.TryReadAttributes(Convert.FromHexString(attributes), AddressFamily.IPv4, ref flow));
        Assert.Equal(FlowFields.None, flow.Fields);
    }

    [Fact]
    public void Attributes_of_newer_kernels_are_skipped()
    {
        PackedFlow flow = default;
        byte[] attributes = Convert.FromHexString("08006300ffffffff0800080000000007");
        Assert.True(FlowCodec.TryReadAttributes(attributes, AddressFamily.IPv4, ref flow));
        Assert.Equal(FlowFields.Mark, flow.Fields);
        Assert.Equal(7u, flow.Mark);
    }

    [Fact]
    public void A_tuple_turned_round_twice_is_itself()
    {
        foreach (FlowTuple tuple in (FlowTuple[])
            [
                FlowTuple.Of(IpProtocol.Udp, "10.0.0.1", 1, "10.0.0.2", 2), FlowTuple.Echo("10.0.0.1", "10.0.0.2", 9),
                FlowTuple.Echo("fd00::1", "fd00::2", 9), FlowTuple.Of(99, "fd00::1", "fd00::2"),
            ])
        {
            Assert.True(tuple.TryReverse(out FlowTuple reply));
            Assert.NotEqual(tuple, reply);
            Assert.Equal(tuple.Source, reply.Destination);
            Assert.True(reply.TryReverse(out FlowTuple again));
            Assert.Equal(tuple, again);
        }

        FlowTuple unreachable = FlowTuple.Echo("10.0.0.1", "10.0.0.2", 9);
        unreachable.IcmpType = 3;
        Assert.False(unreachable.TryReverse(out _));
        Assert.Throws<ArgumentException>(() => new Flow(unreachable));
    }

    private static NetfilterHeader? Header(string name) =>
        NetfilterHeader.TryRead(Captures.Bytes(name), out NetfilterHeader header) ? header : null;
}
