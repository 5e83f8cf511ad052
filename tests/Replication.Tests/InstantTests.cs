using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class InstantTests
{
    [Fact]
    public void Later_is_greater()
    {
        var one = new Instant(1_000_000);
        Instant two = one.PlusSeconds(1);
        Assert.True(one < two && two > one && one <= two && two >= one && one != two);
        Assert.True(one <= new Instant(1_000_000) && one >= new Instant(1_000_000));
        Assert.Equal(-1, one.CompareTo(two));
        Assert.Equal(one, Instant.Earlier(one, two));
        Assert.Equal(one, Instant.Earlier(two, one));
        Assert.Equal(one, Instant.Earlier(one, Instant.Never));
    }

    [Fact]
    public void Units_are_what_the_names_say()
    {
        Assert.Equal(2_500_000, new Instant(0).PlusMilliseconds(2500).Microseconds);
        Assert.Equal(3_000_000, new Instant(0).PlusSeconds(3).Microseconds);
        Assert.Equal(2u, new Instant(2_999_999).Seconds);
    }
}
