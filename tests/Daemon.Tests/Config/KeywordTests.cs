using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class KeywordTests
{
    private static readonly (Block Block, Keyword Keyword)[] Rows = [.. Keywords.All(Keywords.File)];

    [Fact]
    public void Every_row_is_documented_in_one_line() =>
        Assert.All(Rows, row =>
        {
            Assert.EndsWith(".", row.Keyword.Help, StringComparison.Ordinal);
            Assert.True(row.Keyword.Help.Length < 100, row.Keyword.Help);
        });

    [Fact]
    public void Every_row_has_a_value_or_a_block() =>
        Assert.All(Rows, row =>
        {
            Keyword keyword = row.Keyword;
            Assert.True(keyword.OpensBlock || keyword.Value != ValueKind.None, keyword.Name);
            Assert.True(keyword.Value == ValueKind.None || keyword.Set is not null, keyword.Name);
        });

    [Fact]
    public void No_block_has_two_rows_of_one_name() =>
        Assert.All(Rows.GroupBy(row => row.Block), block =>
            Assert.Distinct(block.Select(row => row.Keyword.Name), StringComparer.Ordinal));

    [Fact]
    public void Samples_use_every_keyword_of_the_original()
    {
        string samples = string.Join('\n', Samples.Names("valid").Select(Samples.Text));
        Assert.All(Rows.Where(row => !row.Keyword.IsOurs), row => Assert.Matches($@"\b{row.Keyword.Name}\b", samples));
    }
}
