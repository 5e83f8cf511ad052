namespace TwinTrack.Daemon.Config;

/// <summary>What a token is before the grammar says what it means.</summary>
internal enum TokenKind
{
    /// <summary>A keyword, name, number or address: which of them, the place in the grammar decides.</summary>
    Word,

    /// <summary>Text that begins with a slash, up to the next blank.</summary>
    Path,

    /// <summary>An opening brace.</summary>
    Open,

    /// <summary>A closing brace.</summary>
    Close,

    /// <summary>A character that begins nothing.</summary>
    Stray,

    /// <summary>The end of the file, as often as asked for.</summary>
    End,
}

/// <summary>One token and where it begins; line and column count from 1, columns in characters.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Column)
{
    /// <summary>The token as an error message shows it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.End => "the end of the file",
        TokenKind.Stray => Lexer.Describe(Text[0]),
        _ => $"`{Text}'",
    };
}
