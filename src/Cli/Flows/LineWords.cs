using System.Text;

namespace TwinTrack.Cli.Flows;

/// <summary>Parts a line of a load file into words, in memory that is used again for the next line.</summary>
internal sealed class LineWords
{
    private const int WordLimit = 253;
    private const int LengthLimit = 1023;

    private readonly ReadOnlyMemory<char>[] _words = new ReadOnlyMemory<char>[WordLimit];
    private char[] _text = new char[1024];

    /// <summary>The words.</summary>
    public ReadOnlyMemory<char>[] Words => _words;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Parts a line: blanks and tabs between words, quotation marks around those that contain them.</summary>
    /// <exception cref="ToolException">There are too many words, or one is too long.</exception>
    public void Split(ReadOnlySpan<byte> line)
    {
        Count = 0;
        if (_text.Length < line.Length) _text = new char[line.Length];
        int length = Encoding.UTF8.GetChars(line, _text);
        int at = 0;
        while (true)
        {
            while (at < length && (_text[at] is ' ' or '\t' or '\r')) at++;
            if (at >= length || (_text[at] == '#' && Count == 0)) return;
            at = TakeWord(at, length);
        }
    }

    private int TakeWord(int at, int length)
    {
        int start = at;
        ReadOnlySpan<char> text = _text.AsSpan(0, length);
        while (at < text.Length && (text[at] > '"' || text[at] is not (' ' or '\t' or '\r' or '"'))) at++;
        int end = at;
        if (at < length && text[at] == '"') at = TakeQuoted(at, length, ref end);

        if (Count == WordLimit) throw new ToolException("too many arguments");
        if (end - start > LengthLimit) throw new ToolException("Parameter too long!");
        _words[Count++] = _text.AsMemory(start, end - start);
        return at;
    }

    // A word is written over the place it was read from: without its quotation marks it never needs more.
    private int TakeQuoted(int at, int length, ref int end)
    {
        bool isQuoted = false;
        for (; at < length; at++)
        {
            char c = _text[at];
            if (c == '"')
            {
                isQuoted = !isQuoted;
                continue;
            }

            if (!isQuoted && (c is ' ' or '\t' or '\r')) break;
            if (isQuoted && c == '\\' && at + 1 < length) c = _text[++at];
            _text[end++] = c;
        }

        return at;
    }
}
