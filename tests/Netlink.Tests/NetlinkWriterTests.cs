using Xunit;

namespace TwinTrack.Netlink.Tests;

public sealed class NetlinkWriterTests
{
    [Fact]
    public void Many_messages_lie_in_one_buffer_each_with_its_length()
    {
        var writer = new NetlinkWriter(capacity: 1);
        for (uint i = 1; i <= 100; i++)
        {
            writer.Begin(7, MessageFlags.Request, i);
            writer.PutBytes(1, new byte[i]);
            writer.End();
        }

        Assert.Equal(100, writer.Count);
        var reader = new MessageReader(writer.Written);
        for (uint i = 1; i <= 100; i++)
        {
            Assert.True(reader.MoveNext());
            Assert.Equal(i, reader.Header.Sequence);
            var attributes = new AttributeReader(reader.Payload);
            Assert.True(attributes.MoveNext());
            Assert.Equal((int)i, attributes.Value.Length);
            Assert.False(attributes.MoveNext() || attributes.IsMalformed);
        }

        Assert.False(reader.MoveNext());
        Assert.False(reader.IsMalformed);
    }

    [Fact]
    public void Padding_is_zero_although_the_buffer_was_used_before()
    {
        var writer = new NetlinkWriter(capacity: 64);
        writer.Begin(1, MessageFlags.None, 1);
        writer.PutBytes(1, [255, 255, 255, 255, 255, 255, 255, 255]);
        writer.End();
        writer.Clear();
        writer.Begin(1, MessageFlags.None, 1);
        writer.PutByte(1, 1);
        writer.End();
        Assert.Equal("0500010001000000", Convert.ToHexString(writer.Written[NetlinkHeader.Size..]));
    }

    [Fact]
    public void A_dropped_message_leaves_the_one_before()
    {
        var writer = new NetlinkWriter();
        writer.Drop();
        writer.Begin(1, MessageFlags.None, 1);
        writer.End();
        writer.Begin(2, MessageFlags.None, 2);
        writer.PutByte(1, 1);
        writer.Drop();
        Assert.Equal(1, writer.Count);
        Assert.Equal(NetlinkHeader.Size, writer.Length);
    }

    [Fact]
    public void Flags_are_added_to_the_last_message_only()
    {
        var writer = new NetlinkWriter();
        for (uint i = 0; i < 2; i++)
        {
            writer.Begin(1, MessageFlags.Request, i);
            writer.End();
        }

        writer.AddFlags(MessageFlags.Ack);
        var reader = new MessageReader(writer.Written);
        Assert.True(reader.MoveNext() && reader.Header.Flags == MessageFlags.Request);
        Assert.True(reader.MoveNext() && reader.Header.Flags == (MessageFlags.Request | MessageFlags.Ack));
    }

    [Fact]
    public void Misuse_is_told()
    {
        var writer = new NetlinkWriter();
        Assert.Throws<InvalidOperationException>(writer.End);
        Assert.Throws<InvalidOperationException>(() => writer.AddFlags(MessageFlags.Ack));
        writer.Begin(1, MessageFlags.None, 1);
        Assert.Throws<InvalidOperationException>(() => writer.Begin(1, MessageFlags.None, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.PutBytes(1, new byte[65532]));
    }

    [Theory]
    [InlineData("1400000002000000010000000500000000000000", 1, false)] // one acknowledgement, nothing else
    [InlineData("1000000002000000010000000500000010", 1, true)]       // a byte behind a message
    [InlineData("0f000000020000000100000005000000", 0, true)]         // shorter than a header
    [InlineData("11000000020000000100000005000000", 0, true)]         // longer than the datagram
    [InlineData("ffffffff020000000100000005000000", 0, true)]
    [InlineData("", 0, false)]
    public void A_datagram_is_walked_until_its_end_or_its_damage(string hex, int messages, bool isMalformed)
    {
        var reader = new MessageReader(Convert.FromHexString(hex));
        int count = 0;
        while (reader.MoveNext()) count++;
        Assert.Equal(messages, count);
        Assert.Equal(isMalformed, reader.IsMalformed);
    }

    [Theory]
    [InlineData("14000000020000000100000000000000efffffff", Errno.Exists)]  // without the request
    [InlineData("14000000020000000100000000000000fe", Errno.BadMessage)]    // cut off
    [InlineData("10000000020000000100000000000000", Errno.BadMessage)]      // without a number
    [InlineData("10000000030000000100000000000000", Errno.None)]            // a dump that ended
    [InlineData("14000000030000000100000000000000f0ffffff", Errno.Busy)]    // a dump that failed
    [InlineData("140000000300000001000000000000000a000000", Errno.None)]    // a dump that tells a count
    [InlineData("14000000020000020100000000000000eaffffff", Errno.Invalid)] // attributes promised, none there
    public void An_answer_gives_its_error_number(string hex, Errno code) =>
        Assert.Equal(new NetlinkError(code), NetlinkError.Read(Convert.FromHexString(hex)));
}
