using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class StreamFramerTests
{
    // ALIVE|HELLO, ACK, a flow of 84 bytes that ends with padding, RESYNC: all as an original sends them.
    private static readonly byte[] s_stream = Convert.FromHexString(
        "1a3000086b00d9d4" + "1a0800106b00d9d76b00d9d66b00d9d6"
        + "100000546b00d9db000c00000a5101020a510202000800050000000e0005000206000000000800039c430050"
        + "0005000403000000000800060000025800080007000000000010001f000000000000000000000000"
        + "1a0200106b00d5a60000000000000000");

    [Fact]
    public void A_stream_split_at_any_byte_gives_the_same_messages()
    {
        Assert.Equal(124, s_stream.Length);
        for (int cut = 0; cut <= s_stream.Length; cut++)
        {
            var framer = new StreamFramer();
            List<byte> taken = [.. Feed(framer, s_stream.AsSpan(0, cut))];
            AssertWhole(taken);
            taken.AddRange(Feed(framer, s_stream.AsSpan(cut)));
            Assert.Equal(s_stream, taken);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(9)]
    public void A_stream_that_comes_in_crumbs_gives_the_same_messages(int size)
    {
        var framer = new StreamFramer();
        List<byte> taken = [];
        foreach (byte[] crumb in s_stream.Chunk(size))
        {
            taken.AddRange(Feed(framer, crumb));
            AssertWhole(taken);
        }

        Assert.Equal(s_stream, taken);
    }

    [Fact]
    public void A_stream_longer_than_the_buffer_is_not_lost_anywhere()
    {
        var framer = new StreamFramer();
        byte[] stream = [.. Enumerable.Repeat(s_stream, 3000).SelectMany(static one => one)];
        List<byte> taken = [];
        for (int at = 0; at < stream.Length;)
        {
            Span<byte> room = framer.Room;
            Assert.False(room.IsEmpty);
            int count = Math.Min(room.Length, stream.Length - at);
            stream.AsSpan(at, count).CopyTo(room);
            framer.Add(count);
            at += count;
            if (framer.TryTake(out ReadOnlySpan<byte> messages)) taken.AddRange(messages);
        }

        Assert.Equal(stream, taken);
    }

    [Theory]
    [InlineData("1a30000000000001")]     // none
    [InlineData("1a30000700000001")]     // less than a header
    [InlineData("1a08000800000001")]     // an ACK without its range
    [InlineData("1000100100000001")]     // longer than any message
    [InlineData("1000ffff00000001")]
    public void A_length_that_no_message_has_breaks_the_stream_after_what_came_before(string header)
    {
        var framer = new StreamFramer();
        byte[] stream = [.. s_stream, .. Convert.FromHexString(header), .. s_stream];

        Assert.Equal(stream[..(s_stream.Length + 8)], Feed(framer, stream));
        Assert.True(framer.IsBroken);
        Assert.Empty(Feed(framer, s_stream));

        framer.Clear();
        Assert.False(framer.IsBroken);
        Assert.Equal(s_stream, Feed(framer, s_stream));
    }

    [Fact]
    public void What_another_stream_left_unfinished_is_forgotten()
    {
        var framer = new StreamFramer();
        Assert.Equal(s_stream[..24], Feed(framer, s_stream.AsSpan(0, 50)));
        framer.Clear();
        Assert.Equal(s_stream, Feed(framer, s_stream));
    }

    [Fact]
    public void Random_bytes_end_in_a_broken_stream_or_wait()
    {
        var random = new Random(1);
        for (int run = 0; run < 2000; run++)
        {
            var framer = new StreamFramer();
            byte[] noise = new byte[random.Next(3000)];
            random.NextBytes(noise);
            int before = Feed(framer, noise).Length;
            Assert.True(before <= noise.Length);
            Assert.Equal(framer.IsBroken, Feed(framer, new byte[8192]).Length == 0);
        }
    }

    private static byte[] Feed(StreamFramer framer, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(framer.Room);
        framer.Add(bytes.Length);
        return framer.TryTake(out ReadOnlySpan<byte> messages) ? messages.ToArray() : [];
    }

    private static void AssertWhole(List<byte> taken) => Assert.Contains(taken.Count, (int[])[0, 8, 24, 108, 124]);
}
