using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

/// <summary>Requests are built as the recorded ones, which the kernel took.</summary>
public sealed class RequestTests
{
    private const MessageFlags Ack = MessageFlags.Ack;

    private delegate void Build(NetlinkWriter writer, in PackedFlow flow);

    [Theory]
    [InlineData("req-ct-create-tcp-snat")]
    [InlineData("req-ct-create-again-excl")]
    [InlineData("req-ct-create-icmpv6")]
    [InlineData("req-ct-create-sctp")]
    public void A_create_request_equals_the_recorded_one(string name) =>
        Check(name, (NetlinkWriter writer, in PackedFlow flow) =>
            FlowCodec.WriteCreate(writer, in flow, 5, exclusive: true, Ack));

    [Fact]
    public void An_update_request_equals_the_recorded_one() =>
        Check("req-ct-update", (NetlinkWriter writer, in PackedFlow flow) =>
            FlowCodec.WriteUpdate(writer, in flow, 5, Ack));

    [Theory]
    [InlineData("req-ct-get")]
    [InlineData("req-ct-get-missing")]
    public void A_get_request_equals_the_recorded_one(string name) =>
        Check(name, (NetlinkWriter writer, in PackedFlow flow) => FlowCodec.WriteGet(writer, in flow, 5));

    [Fact]
    public void A_delete_request_equals_the_recorded_one() =>
        Check("req-ct-delete", (NetlinkWriter writer, in PackedFlow flow) =>
            FlowCodec.WriteDelete(writer, in flow, 5, Ack));

    [Fact]
    public void Flush_requests_equal_the_recorded_ones()
    {
        Check("req-flush", (NetlinkWriter writer, in PackedFlow _) => FlowCodec.WriteFlush(writer, 5, flags: Ack));
        Check("req-flush-filtered-family", (NetlinkWriter writer, in PackedFlow _) =>
            FlowCodec.WriteFlush(writer, 5, AddressFamily.IPv6, Ack));
    }

    [Fact]
    public void A_dump_of_a_mark_and_a_status_equals_the_recorded_one() =>
        Check("req-dump-filter-mark-status", (NetlinkWriter writer, in PackedFlow _) =>
        {
            PackedFlow pattern = default;
            pattern.Mark = 1;
            pattern.MarkMask = 2;
            pattern.Status = FlowStatus.Assured;
            pattern.Fields = FlowFields.Mark | FlowFields.MarkMask | FlowFields.Status;
            FlowCodec.WriteDump(writer, 5, in pattern, AddressFamily.IPv4);
        });

    [Fact]
    public void A_dump_of_a_zone_equals_the_recorded_one() =>
        Check("req-dump-filter-zone", (NetlinkWriter writer, in PackedFlow _) =>
        {
            PackedFlow pattern = default;
            pattern.Zone = 2;
            pattern.Fields = FlowFields.Zone;
            FlowCodec.WriteDump(writer, 5, in pattern);
        });

    [Fact]
    public void A_dump_of_a_source_and_protocol_asks_the_kernel_for_these_two()
    {
        PackedFlow pattern = default;
        pattern.Original = FlowTuple.Of(IpProtocol.Sctp, "10.83.7.1", "0.0.0.0");
        pattern.Original.Parts = TupleParts.Source | TupleParts.Protocol;
        pattern.Fields = FlowFields.Original;
        var writer = new NetlinkWriter();
        FlowCodec.WriteDump(writer, 5, in pattern);

        // The recorded request also has a destination, which its flags leave out of the comparison.
        string recorded = AttributeTree.Of(Captures.Bytes("req-dump-filter-tuple"));
        Assert.Equal(
            recorded.Replace(" 2=00000000", "", StringComparison.Ordinal), AttributeTree.Of(writer.Written));
    }

    [Fact]
    public void An_IPv6_address_is_never_left_to_the_kernel()
    {
        PackedFlow pattern = default;
        pattern.Original = FlowTuple.Of(IpProtocol.Tcp, "fd00::1", 1, "fd00::2", 80);
        pattern.Original.Parts = TupleParts.Source | TupleParts.Protocol | TupleParts.DestinationPort;
        pattern.Fields = FlowFields.Original;
        var writer = new NetlinkWriter();
        FlowCodec.WriteDump(writer, 5, in pattern);

        Assert.Equal(
            "type 0101 flags 0103 generic 0A000000: 1[2[1=06 3=0050]] 25[1=28000000]",
            AttributeTree.Of(writer.Written));
        Assert.False(FlowCodec.TryWriteFlush(writer, 6, in pattern));
        Assert.Equal(1, writer.Count);
    }

    [Fact]
    public void A_flush_that_no_kernel_can_confine_is_not_written()
    {
        var writer = new NetlinkWriter();
        PackedFlow nothing = default;
        Assert.False(FlowCodec.TryWriteFlush(writer, 1, in nothing));

        PackedFlow pattern = default;
        pattern.Original = FlowTuple.Of(IpProtocol.Sctp, "10.0.0.1", 1, "10.0.0.2", 2);
        pattern.Fields = FlowFields.Original;
        Assert.False(FlowCodec.TryWriteFlush(writer, 1, in pattern)); // ports of SCTP are not compared
        Assert.Equal(0, writer.Length);

        pattern.Original = FlowTuple.Of(IpProtocol.Tcp, "10.0.0.1", 1, "10.0.0.2", 2);
        Assert.True(FlowCodec.TryWriteFlush(writer, 1, in pattern));
    }

    [Fact]
    public void A_delete_without_a_tuple_is_a_mistake_and_no_flush()
    {
        PackedFlow flow = default;
        Assert.Throws<ArgumentException>(() => FlowCodec.WriteDelete(new NetlinkWriter(), in flow, 1));
        PackedExpectation expectation = default;
        Assert.Throws<ArgumentException>(() => ExpectationCodec.WriteDelete(new NetlinkWriter(), in expectation, 1));
    }

    [Fact]
    public void A_create_request_leaves_out_what_the_kernel_would_refuse()
    {
        PackedFlow flow = default;
        Assert.True(FlowCodec.TryRead(Captures.Bytes("ftp-data-related-dump"), ref flow));
        flow.Status |= FlowStatus.Dying;
        flow.Status &= ~FlowStatus.Confirmed;
        var writer = new NetlinkWriter();
        FlowCodec.WriteCreate(writer, in flow, 1);

        PackedFlow asked = default;
        Assert.True(FlowCodec.TryRead(writer.Written, ref asked));
        const FlowStatus Touchy = FlowStatus.Confirmed | FlowStatus.Expected | FlowStatus.Dying;
        Assert.Equal(FlowStatus.Confirmed, asked.Status & Touchy);
        Assert.Equal(flow.Master, asked.Master);
        Assert.False(asked.Has(FlowFields.Id) || asked.Has(FlowFields.Use) || asked.Has(FlowFields.CountersOriginal));
        Assert.False(asked.Has(FlowFields.TimestampStart));
    }

    private static void Check(string name, Build build)
    {
        byte[] recorded = Captures.Bytes(name);
        PackedFlow flow = default;
        FlowCodec.TryRead(recorded, ref flow);
        var writer = new NetlinkWriter();
        build(writer, in flow);
        Assert.Equal(AttributeTree.Of(recorded), AttributeTree.Of(writer.Written));
    }
}
