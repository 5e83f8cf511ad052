using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class ExpectationMessageTests
{
    /// <summary>The length field of each attribute; the last two are limits.</summary>
    private static readonly int[] Lengths =
        [12, 36, 5, 8, 12, 36, 5, 8, 12, 36, 5, 8, 8, 8, 8, 12, 8, 5, 8, 16, 32];

    [Fact]
    public void Every_attribute_has_its_length_and_no_other()
    {
        for (int number = 0; number < Lengths.Length; number++)
        {
            for (int length = 4; length <= 48; length++)
            {
                bool isExpected = number < 19 ? length == Lengths[number] : length <= Lengths[number];
                Assert.Equal(isExpected, ExpectationMessage.IsWellFormed(Attribute(number, length)));
            }
        }
    }

    [Theory]
    [InlineData(21)]
    [InlineData(32)]
    [InlineData(0xffff)]
    public void An_unknown_attribute_is_refused(int number) =>
        Assert.False(ExpectationMessage.IsWellFormed(Attribute(number, 8)));

    [Fact]
    public void An_empty_body_is_taken() => Assert.True(ExpectationMessage.IsWellFormed([]));

    [Fact]
    public void Every_recorded_expectation_is_taken()
    {
        int seen = 0;
        foreach (byte[] message in Pcap.Read("ftfw-expect-ftp").SelectMany(datagram => datagram.Messages()))
        {
            PeerMessageType type = PeerHeader.Read(message).Type;
            if (type is <= PeerMessageType.FlowDelete or PeerMessageType.Control) continue;
            Assert.True(ExpectationMessage.IsWellFormed(message.AsSpan(PeerHeader.Size)));
            seen++;
        }

        Assert.Equal(8, seen);
    }

    // A second attribute follows, so that the first is more than four stray bytes.
    private static byte[] Attribute(int number, int length)
    {
        byte[] body = new byte[((length + 3) & ~3) + 8];
        body[1] = (byte)length;
        body[2] = (byte)(number >> 8);
        body[3] = (byte)number;
        body[^7] = 8;
        body[^5] = 12;
        return body;
    }
}
