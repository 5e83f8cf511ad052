using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class PeerAttributeTests
{
    /// <summary>Bodies and what is read of them; a '!' at the end is malformed.</summary>
    public static TheoryData<string, string> Bodies => new()
    {
        { "", "" },
        { "0005000206000000", "2=06" },
        { "0005000206aabbcc", "2=06" },                              // padding is not looked at
        { "0005000206", "2=06" },                                    // the last padding may be missing
        { "0008000700000001" + "0008000700000002", "7=00000001 7=00000002" },
        { "0005000206000000" + "ffffffff", "2=06" },                 // four stray bytes
        { "0005000206000000" + "ff", "2=06" },
        { "0005000206000000" + "ffffffffff", "2=06 !" },             // five are one too many
        { "00000002" + "00", "!" },
        { "0003000700000000", "!" },                                 // shorter than its own header
        { "000c000700000000", "!" },                                 // longer than the body
        { "0004001b" + "00", "27=" },
        { "0004001b", "" },                                          // four bytes are no attribute: not looked at
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Attributes_are_read_as_the_original_reads_them(string hex, string expected)
    {
        var reader = new PeerAttributeReader(Convert.FromHexString(hex));
        var read = new List<string>();
        while (reader.MoveNext()) read.Add($"{reader.Number}={Convert.ToHexStringLower(reader.Value)}");
        if (reader.IsMalformed) read.Add("!");
        Assert.Equal(expected, string.Join(' ', read));
    }

    [Fact]
    public void Padding_is_written_as_zero_whatever_was_there()
    {
        byte[] buffer = new byte[64];
        buffer.AsSpan().Fill(0xff);
        var writer = new PeerWriter(buffer);
        writer.AddByte(FlowAttribute.Protocol, 6);
        writer.AddUInt16(FlowAttribute.Zone, 0x1234);
        writer.AddPorts(FlowAttribute.Ports, 0x9c43, 80);
        writer.AddUInt32(FlowAttribute.Mark, 0x12345678);
        Assert.Equal(
            "0005000206000000" + "0006002012340000" + "000800039c430050" + "0008000712345678",
            Convert.ToHexStringLower(buffer.AsSpan(0, writer.Length)));
    }

    [Theory]
    [InlineData(true, "0006000e34120000")]
    [InlineData(false, "0006000e12340000")]
    public void A_swapped_value_shows_the_byte_order_of_the_peers(bool littleEndian, string expected)
    {
        byte[] buffer = new byte[8];
        var writer = new PeerWriter(buffer);
        writer.AddSwapped(FlowAttribute.SourceNatPort, 0x1234, littleEndian);
        Assert.Equal(expected, Convert.ToHexStringLower(buffer));
    }
}
