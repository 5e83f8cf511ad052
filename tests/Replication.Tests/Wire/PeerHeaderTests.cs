using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class PeerHeaderTests
{
    /// <summary>Control messages of the recordings.</summary>
    public static TheoryData<string, int, uint, uint, uint> Recorded => new()
    {
        // bytes, flags, sequence, from, to
        { "1a3000086b00d9d4", 0x30, 0x6b00d9d4, 0, 0 },
        { "1a6800106b00d9d76b00d9d66b00d9d6", 0x68, 0x6b00d9d7, 0x6b00d9d6, 0x6b00d9d6 },
        { "1a0400106b00d57f6b00d5806b00d582", 0x04, 0x6b00d57f, 0x6b00d580, 0x6b00d582 },
        { "1a0200106b00d5a60000000000000000", 0x02, 0x6b00d5a6, 0, 0 },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_control_message_is_written_as_the_original_writes_it(
        string hex, int flags, uint sequence, uint from, uint to)
    {
        byte[] message = new byte[PeerHeader.RangeSize];
        int length = PeerHeader.WriteControl(message, (PeerFlags)flags, new Seq(sequence), from, to);
        Assert.Equal(hex, Convert.ToHexStringLower(message.AsSpan(0, length)));
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_control_message_of_the_original_is_understood(
        string hex, int flags, uint sequence, uint from, uint to)
    {
        byte[] message = Convert.FromHexString(hex);
        PeerHeader header = PeerHeader.Read(message);
        var expected = new PeerHeader(
            1, PeerMessageType.Control, (PeerFlags)flags, (ushort)message.Length, new Seq(sequence));
        Assert.Equal(expected, header);
        Assert.Equal(message.Length == PeerHeader.RangeSize, header.HasRange);
        Assert.False(header.IsData);
        if (header.HasRange) Assert.Equal((new Seq(from), new Seq(to)), PeerHeader.ReadRange(message));
    }

    [Theory]
    [InlineData(0, 0x00, true)]
    [InlineData(2, 0x60, true)]
    [InlineData(5, 0x20, true)]
    [InlineData(0, 0x10, false)]
    [InlineData(0, 0x01, false)]
    [InlineData(1, 0x80, false)]
    [InlineData(6, 0x00, false)]
    [InlineData(10, 0x00, false)]
    public void Only_the_first_six_types_without_flags_but_greetings_are_data(int type, int flags, bool isData) =>
        Assert.Equal(isData, new PeerHeader(1, (PeerMessageType)type, (PeerFlags)flags, 8, default).IsData);
}
