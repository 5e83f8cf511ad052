namespace TwinTrack.Daemon.Config;

/// <summary>Cuts a configuration file into tokens. It never fails: what it cannot use becomes a stray token.</summary>
/// <remarks>
/// Words are cut at blanks, braces, comments and the few characters people bring along from other formats; their
/// meaning (number, name, address) is the parser's business, so that an interface may be called <c>fc0</c>.
/// </remarks>
internal sealed class Lexer
{
    private const char ByteOrderMark = '\uFEFF';

    private readonly string _text;
    private int _position;
    private int _line = 1;
    private int _lineStart;

    public Lexer(string text)
    {
        _text = text;
        if (text.StartsWith(ByteOrderMark)) _position = _lineStart = 1;
    }

    public Token Next()
    {
        SkipBlanks();
        if (_position == _text.Length) return Make(TokenKind.End, 0);

        char first = _text[_position];
        if (first == '{') return Make(TokenKind.Open, 1);
        if (first == '}') return Make(TokenKind.Close, 1);
        if (first == '/') return Make(TokenKind.Path, PathLength());
        if (IsWord(first)) return Make(TokenKind.Word, WordLength());
        return Make(TokenKind.Stray, 1);
    }

    /// <summary>Names a character that has no meaning here.</summary>
    public static string Describe(char character) => character switch
    {
        < ' ' or '\x7f' => $"control character 0x{(int)character:x2}",
        < '\x7f' => $"`{character}'",
        _ => $"character U+{(int)character:X4} outside ASCII",
    };

    private Token Make(TokenKind kind, int length)
    {
        string text = _text.Substring(_position, length);
        var token = new Token(kind, text, _line, _position - _lineStart + 1);
        _position += length;
        return token;
    }

    private void SkipBlanks()
    {
        bool inComment = false;
        for (; _position < _text.Length; _position++)
        {
            char character = _text[_position];
            if (character == '\n')
            {
                inComment = false;
                _line++;
                _lineStart = _position + 1;
            }
            else if (character == '#')
            {
                inComment = true;
            }
            else if (!inComment && character is not (' ' or '\t' or '\r'))
            {
                return;
            }
        }
    }

    // A path takes everything up to a blank, braces included. A brace that was never opened inside the path
    // closes the block it stands in: nobody names a socket "x.ctl}".
    private int PathLength()
    {
        int end = _position;
        while (end < _text.Length && _text[end] is not (' ' or '\t' or '\r' or '\n' or '"')) end++;

        ReadOnlySpan<char> path = _text.AsSpan(_position, end - _position);
        return path.Contains('{') ? path.Length : path.TrimEnd('}').Length;
    }

    private int WordLength()
    {
        int end = _position;
        while (end < _text.Length && IsWord(_text[end])) end++;
        return end - _position;
    }

    private static bool IsWord(char character) =>
        char.IsAsciiLetterOrDigit(character)
        || character is '.' or '-' or '+' or '_' or ':' or '/' or '%' or '@' or '*';
}
