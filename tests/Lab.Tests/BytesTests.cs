using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace TwinTrack.Lab.Tests;

public sealed class BytesTests
{
    private const string Active = "current active connections:\t         ";

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 2)]
    [InlineData(7, 2)]
    [InlineData(8, 8)]
    [InlineData(13, 700)]
    public void Any_piece_of_a_pattern_is_what_the_whole_has_there(int offset, int length)
    {
        var pattern = new BytePattern(42);
        byte[] whole = new byte[1000];
        pattern.Fill(whole, 0);
        byte[] piece = new byte[length];
        pattern.Fill(piece, offset);

        Assert.Equal(whole[offset..(offset + length)], piece);
        Assert.True(pattern.Matches(piece, offset));
        Assert.False(new BytePattern(43).Matches(piece, offset));
        piece[^1] ^= 1;
        Assert.False(pattern.Matches(piece, offset));
    }

    [Fact]
    public void A_connection_that_delivers_an_altered_byte_is_broken()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        peer.Connect(listener.LocalEndPoint!);
        Socket accepted = listener.Accept();
        using var end = new TcpEnd(accepted, seed: 1, peerSeed: 2);
        byte[] sent = new byte[100];
        new BytePattern(2).Fill(sent, 0);
        byte[] buffer = new byte[1000];

        peer.Send(sent.AsSpan(0, 50));
        Assert.True(accepted.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectRead));
        end.Receive(buffer, Stopwatch.GetTimestamp());
        Assert.Equal(50, end.Received);
        Assert.Null(end.Broken);

        sent[99] ^= 0x10;
        peer.Send(sent.AsSpan(50));
        Assert.True(accepted.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectRead));
        end.Receive(buffer, Stopwatch.GetTimestamp());
        Assert.Equal(50, end.Received);
        Assert.Equal("altered bytes", end.Broken);
    }

    [Fact]
    public void A_gratuitous_arp_request_has_the_moved_address_as_sender_and_target()
    {
        byte[] frame = new byte[42];
        GratuitousArp.Write(frame, [2, 0, 10, 77, 1, 2], new IPAddress([10, 77, 1, 254]));

        Assert.Equal(
            "FFFFFFFFFFFF" + "02000A4D0102" + "0806"
            + "0001" + "0800" + "06" + "04" + "0001"
            + "02000A4D0102" + "0A4D01FE" + "000000000000" + "0A4D01FE",
            Convert.ToHexString(frame));
    }

    [Theory]
    [InlineData("cache internal:\n" + Active + "201\n\ncache external:\n" + Active + "7\n", 201L, 7L)]
    [InlineData("internal bypass:\nconnections new:\t3\n\ncache external:\n" + Active + "7\n", null, 7L)]
    [InlineData("", null, null)]
    public void Cache_counts_are_read_from_the_statistics(string output, long? inside, long? outside) =>
        Assert.Equal(new CacheCounts(inside, outside), CacheCounts.Parse(output));
}
