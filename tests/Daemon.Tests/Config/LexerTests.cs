using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class LexerTests
{
    [Fact]
    public void A_token_knows_its_line_and_column()
    {
        List<Token> tokens = Cut("General {\n\tHashSize 10 # ten\n}\n");
        Assert.Equal(
            [(1, 1), (1, 9), (2, 2), (2, 11), (3, 1), (4, 1)],
            tokens.Select(token => (token.Line, token.Column)));
    }

    [Theory]
    [InlineData("Sync{Mode NOTRACK{}}", "Sync { Mode NOTRACK { } }")]
    [InlineData("10#x", "10")]
    [InlineData("# no newline at the end", "")]
    [InlineData("a\r\nb\r\n", "a b")]
    [InlineData("Path /run/x.ctl}", "Path /run/x.ctl }")]
    [InlineData("Path /run/x.ctl}}", "Path /run/x.ctl } }")]
    [InlineData("Path /run/x.ctl\t}", "Path /run/x.ctl }")]
    [InlineData("Path /run/{a} }", "Path /run/{a} }")]
    [InlineData("/a#b;c", "/a#b;c")]
    [InlineData("/a\"b", "/a \" b")]
    [InlineData("2001:db8::/32 192.0.2.0/24", "2001:db8::/32 192.0.2.0/24")]
    [InlineData("a = b;", "a = b ;")]
    [InlineData("\uFEFFStats { }", "Stats { }")]
    [InlineData("é", "é")]
    public void Text_is_cut_into_tokens(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', Cut(text).SkipLast(1).Select(token => token.Text)));

    [Fact]
    public void A_byte_order_mark_does_not_shift_the_first_column() => Assert.Equal(1, Cut("\uFEFFStats")[0].Column);

    private static List<Token> Cut(string text)
    {
        var lexer = new Lexer(text);
        List<Token> tokens = [lexer.Next()];
        while (tokens[^1].Kind != TokenKind.End) tokens.Add(lexer.Next());
        return tokens;
    }
}
