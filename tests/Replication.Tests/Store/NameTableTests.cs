using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class NameTableTests
{
    [Fact]
    public void Equal_names_share_a_number_and_others_do_not()
    {
        var names = new NameTable(limit: 10);
        uint ftp = names.Intern("ftp"u8);
        uint sip = names.Intern("sip"u8);
        Assert.NotEqual(ftp, sip);
        Assert.Equal(ftp, names.Intern("ftp"u8));
        Assert.Equal("sip"u8, names[sip]);
    }

    [Fact]
    public void No_name_is_number_zero()
    {
        var names = new NameTable(limit: 10);
        Assert.Equal(0u, names.Intern([]));
        Assert.True(names[0].IsEmpty);
    }

    [Fact]
    public void Beyond_the_limit_a_new_name_is_not_kept_and_a_known_one_is_found()
    {
        var names = new NameTable(limit: 2);
        uint first = names.Intern("a"u8);
        uint second = names.Intern("b"u8);
        Assert.True(first != 0 && second != 0);
        Assert.Equal(0u, names.Intern("c"u8));
        Assert.Equal(second, names.Intern("b"u8));
    }
}
