using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class SeqTests
{
    [Theory]
    [InlineData(1u, 2u, true, false)]
    [InlineData(2u, 1u, false, true)]
    [InlineData(7u, 7u, false, false)]
    [InlineData(0xffff_ffffu, 0u, true, false)]
    [InlineData(0u, 0xffff_ffffu, false, true)]
    [InlineData(0u, 0x7fff_ffffu, true, false)]
    [InlineData(0u, 0x8000_0001u, false, true)]
    [InlineData(0u, 0x8000_0000u, true, true)]        // both, as with the original
    [InlineData(0x8000_0000u, 0u, true, true)]
    public void Order_is_the_sign_of_the_difference(uint left, uint right, bool before, bool after)
    {
        Assert.Equal(before, new Seq(left).IsBefore(new Seq(right)));
        Assert.Equal(after, new Seq(left).IsAfter(new Seq(right)));
    }

    [Fact]
    public void Numbers_wrap_round()
    {
        Assert.Equal(new Seq(0), new Seq(uint.MaxValue).Next);
        Assert.Equal(new Seq(uint.MaxValue), new Seq(0).Previous);
        Assert.Equal(3u, new Seq(1).DistanceFrom(new Seq(uint.MaxValue - 1)));
    }
}
