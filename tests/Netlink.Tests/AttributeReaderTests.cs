using Xunit;

namespace TwinTrack.Netlink.Tests;

public sealed class AttributeReaderTests
{
    [Fact]
    public void What_the_writer_puts_the_reader_finds()
    {
        var writer = new NetlinkWriter(capacity: 16);
        writer.Begin(NetfilterSubsystem.Conntrack, 0, MessageFlags.Request, sequence: 9, family: 2);
        writer.PutByte(1, 0xab);
        writer.PutUInt16(2, 0x1234);
        writer.PutUInt32(3, 0x12345678);
        writer.PutUInt64(4, 0x123456789abcdef0);
        writer.PutHostUInt32(5, 77);
        writer.PutString(6, "ftp");
        using (writer.Nest(7)) writer.PutByte(1, 3);
        writer.PutBytes(8, [1, 2, 3, 4, 5]);
        writer.End();

        Assert.True(NetfilterHeader.TryRead(writer.Written, out NetfilterHeader header));
        Assert.Equal(
            new NetfilterHeader(NetfilterSubsystem.Conntrack, 0, MessageFlags.Request, 9, 0, 2, 0, 0), header);

        var reader = new AttributeReader(writer.Written[NetfilterHeader.Size..]);
        Assert.True(reader.MoveNext() && reader.Type == 1 && reader.ReadByte() == 0xab);
        Assert.True(reader.MoveNext() && reader.Type == 2 && reader.ReadUInt16() == 0x1234);
        Assert.True(reader.MoveNext() && reader.Type == 3 && reader.ReadUInt32() == 0x12345678);
        Assert.True(reader.MoveNext() && reader.Type == 4 && reader.ReadUInt64() == 0x123456789abcdef0);
        Assert.True(reader.MoveNext() && reader.Type == 5 && reader.ReadHostUInt32() == 77);
        Assert.True(reader.MoveNext() && reader.Type == 6 && reader.ReadString().SequenceEqual("ftp"u8));
        Assert.True(reader.MoveNext() && reader.Type == 7);
        AttributeReader nested = reader.Nested();
        Assert.True(nested.MoveNext() && nested.ReadByte() == 3);
        Assert.False(nested.MoveNext());
        Assert.True(reader.MoveNext() && reader.Value.SequenceEqual((byte[])[1, 2, 3, 4, 5]));
        Assert.False(reader.MoveNext());
        Assert.False(reader.IsMalformed);
    }

    [Theory]
    [InlineData("0400", true)]             // shorter than a header
    [InlineData("03000100", true)]         // a length below that of the header
    [InlineData("09000100aabbccdd", true)] // longer than what is there
    [InlineData("0500010001", false)]      // the last one lacks its padding
    [InlineData("04000100", false)]        // an empty value
    public void A_length_that_cannot_be_is_damage(string hex, bool isDamage)
    {
        var reader = new AttributeReader(Convert.FromHexString(hex));
        Assert.Equal(!isDamage, reader.MoveNext());
        Assert.False(reader.MoveNext());
        Assert.Equal(isDamage, reader.IsMalformed);
    }

    [Fact]
    public void A_value_of_another_size_ends_the_walk_as_damage()
    {
        var reader = new AttributeReader(Convert.FromHexString("06000100aabb00000500020001"));
        Assert.True(reader.MoveNext());
        Assert.Equal(0u, reader.ReadUInt32());
        Assert.True(reader.IsMalformed);
        Assert.False(reader.MoveNext());
    }

    [Fact]
    public void Flags_do_not_count_as_part_of_the_type()
    {
        var reader = new AttributeReader(Convert.FromHexString("04000ac0"));
        Assert.True(reader.MoveNext());
        Assert.Equal(10, reader.Type);
    }
}
