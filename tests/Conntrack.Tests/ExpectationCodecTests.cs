using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed class ExpectationCodecTests
{
    [Theory]
    [InlineData("expect-dump")]
    [InlineData("expect-nat-event-new")]
    [InlineData("expect-nat-event-destroy")]
    [InlineData("req-exp-create-nomaster")]
    [InlineData("req-exp-flush")]
    public void A_recorded_message_gives_exactly_the_fields_it_holds(string name)
    {
        PackedExpectation expectation = default;
        Assert.True(ExpectationCodec.TryRead(Captures.Bytes(name), ref expectation));
        Assert.Equal(Captures.Leaves(name), Described.Expectation(in expectation));
    }

    [Fact]
    public void Requests_equal_the_recorded_ones()
    {
        PackedExpectation expectation = default;
        byte[] create = Captures.Bytes("req-exp-create-nomaster");
        Assert.True(ExpectationCodec.TryRead(create, ref expectation));
        var writer = new NetlinkWriter();
        ExpectationCodec.WriteCreate(writer, in expectation, 1, exclusive: true, MessageFlags.Ack);
        Assert.Equal(AttributeTree.Of(create), AttributeTree.Of(writer.Written));

        writer.Clear();
        ExpectationCodec.WriteFlush(writer, 1, flags: MessageFlags.Ack);
        string flush = AttributeTree.Of(Captures.Bytes("req-exp-flush"));
        Assert.Equal(
            flush.Replace("generic 02", "generic 00", StringComparison.Ordinal), // the family does not matter here
            AttributeTree.Of(writer.Written));
    }

    [Fact]
    public void Everything_known_survives_writing_and_reading()
    {
        var expectation = new Expectation
        {
            Master = FlowTuple.Of(IpProtocol.Tcp, "10.0.0.1", 1000, "10.0.0.2", 21),
            Tuple = FlowTuple.Of(IpProtocol.Tcp, "10.0.0.2", 0, "10.0.0.1", 5555),
            Mask = FlowTuple.Of(IpProtocol.Tcp, "255.255.255.255", 0, "255.255.255.255", 65535),
            NatTuple = FlowTuple.Of(IpProtocol.Tcp, "192.0.2.1", 5555, "0.0.0.0", 0),
            NatDirection = 1,
            Timeout = 300,
            Id = 77,
            Class = 2,
            Flags = ExpectationFlags.Permanent | ExpectationFlags.UserSpace,
            Zone = 9,
            Helper = "ftp-21",
            Function = "nat-follow-master",
        };
        var writer = new NetlinkWriter();
        writer.Begin(NetfilterSubsystem.Expectation, ExpectationMessageType.New, MessageFlags.Request, 1, 2);
        ExpectationCodec.WriteAttributes(writer, in expectation.Packed, (ExpectationFields)uint.MaxValue);
        writer.End();

        PackedExpectation read = default;
        Assert.True(ExpectationCodec.TryRead(writer.Written, ref read));
        Assert.Equal(Described.Expectation(in expectation.Packed), Described.Expectation(in read));
        Assert.Equal(expectation.Packed.Fields, read.Fields);
    }

    [Fact]
    public void A_name_too_long_is_refused()
    {
        var expectation = new Expectation();
        Assert.Throws<ArgumentException>(() => expectation.Helper = "sixteen-bytes-xx");
        Assert.Null(expectation.Helper);
        expectation.Helper = "fifteen-bytes-x";
        Assert.Equal("fifteen-bytes-x", expectation.Helper);
        expectation.Helper = null;
        Assert.Null(expectation.Helper);
    }
}
