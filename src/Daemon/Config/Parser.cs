using System.Globalization;

namespace TwinTrack.Daemon.Config;

/// <summary>Recursive descent over the keyword tables; goes on after an error, so that one run shows all.</summary>
internal sealed class Parser
{
    private readonly Lexer _lexer;
    private readonly ConfigDraft _draft;
    private Token _token;

    public Parser(string text, ConfigDraft draft)
    {
        _lexer = new Lexer(text);
        _draft = draft;
        _token = _lexer.Next();
    }

    public void ParseFile() => ParseBody(Keywords.File, opened: null);

    private void ParseBody(Block block, Token? opened)
    {
        while (!_draft.IsHopeless)
        {
            if (_token.Kind == TokenKind.End)
            {
                if (opened is { } open)
                    Fail($"unexpected end of the file, expected `}}' for the block opened in line {open.Line}");
                return;
            }

            if (_token.Kind == TokenKind.Close)
            {
                if (opened is not null) return;
                Fail($"unexpected `}}' outside of all sections, expected {Hints.Statements(block)}");
                Take();
            }
            else if (_token.Kind == TokenKind.Word && block.Find(_token.Text) is { } keyword)
            {
                if (!ParseStatement(block, keyword)) Skip(block);
            }
            else if (_token.Kind == TokenKind.Word && block.Item is { } item)
            {
                if (ReadValue(item, block.Title) is { } value) item.Set!(_draft, value);
                else Take();
            }
            else
            {
                Fail(Hints.UnknownStatement(_token, block));
                Skip(block);
            }
        }
    }

    private bool ParseStatement(Block block, Keyword keyword)
    {
        Token at = Take();
        if (keyword.Value != ValueKind.None && !(keyword.OpensBlock && _token.Kind == TokenKind.Open))
        {
            if (ReadValue(keyword, keyword.Name) is not { } value) return false;
            keyword.Set!(_draft, value);
            _draft.Note(block, keyword, value.Token);
            return true;
        }

        var arguments = new Token?[keyword.Arguments.Count];
        for (int index = 0; index < arguments.Length; index++)
        {
            if (!ReadArgument(keyword, keyword.Arguments[index], out arguments[index])) return false;
        }

        if (_token.Kind != TokenKind.Open) return Unexpected(keyword.Name, "`{'");

        ParseBlock(keyword, at, arguments);
        return true;
    }

    private void ParseBlock(Keyword keyword, Token at, Token?[] arguments)
    {
        Block body = keyword.Body ?? keyword.Bodies![arguments[0]!.Value.Text.ToUpperInvariant()];
        Token opened = Take();
        keyword.Set?.Invoke(_draft, new Value(ValueKind.None, at));
        keyword.Open?.Invoke(_draft, at, arguments);
        ParseBody(body, opened);
        if (_token.Kind != TokenKind.Close) return;

        keyword.Close?.Invoke(_draft, _token);
        Take();
    }

    private bool ReadArgument(Keyword keyword, Argument argument, out Token? read)
    {
        read = null;
        if (argument.Announcement is { } announcement)
        {
            if (_token.Kind != TokenKind.Word || _token.Text != announcement) return true;
            Take();
        }
        else if (argument.IsOptional && _token.Kind == TokenKind.Open)
        {
            return true;
        }

        if (!Fits(argument)) return Unexpected(keyword.Name, Hints.Expected(argument));

        read = Take();
        return true;
    }

    private bool Fits(Argument argument)
    {
        if (_token.Kind != TokenKind.Word) return false;
        if (argument.Choices.Length == 0) return IsName(_token.Text);

        StringComparer comparer = argument.IgnoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        return argument.Choices.Contains(_token.Text, comparer) || argument.OldChoices.Contains(_token.Text, comparer);
    }

    private Value? ReadValue(Keyword keyword, string after)
    {
        if (Classify(keyword) is not { } kind)
        {
            Unexpected(after, Hints.Expected(keyword));
            return null;
        }

        var value = new Value(kind, _token);
        if (kind == ValueKind.Number)
        {
            if (!uint.TryParse(_token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
                || number < keyword.Least || number > keyword.Most)
            {
                Fail($"{_token.Text} is out of range, expected {Hints.Expected(keyword)}");
                return null;
            }

            value = value with { Number = number };
        }
        else if (kind == ValueKind.Bool)
        {
            value = value with { On = IsOn(_token.Text) };
        }
        else if (kind == ValueKind.Path && !IsClean(keyword))
        {
            return null;
        }

        Take();
        return value;
    }

    private ValueKind? Classify(Keyword keyword)
    {
        string text = _token.Text;
        if (_token.Kind == TokenKind.Path) return Allow(keyword, ValueKind.Path);
        if (_token.Kind != TokenKind.Word) return null;
        if (IsOn(text) || IsOff(text)) return Allow(keyword, ValueKind.Bool) ?? Allow(keyword, ValueKind.Name);
        return (IsDigits(text) ? Allow(keyword, ValueKind.Number) : null)
            ?? (IsDigits(text.AsSpan(text[0] is '+' or '-' ? 1 : 0)) ? Allow(keyword, ValueKind.Signed) : null)
            ?? (AddressSyntax.LooksLikeAddress(text) ? Allow(keyword, ValueKind.Address) : null)
            ?? (IsName(text) ? Allow(keyword, ValueKind.Name) : null);
    }

    private static ValueKind? Allow(Keyword keyword, ValueKind kind) => keyword.Value.HasFlag(kind) ? kind : null;

    // A path of bytes that are no UTF-8 could not be opened under its real name.
    private bool IsClean(Keyword keyword)
    {
        if (_token.Text.Contains('\uFFFD') || _token.Text.Contains('\0'))
        {
            Fail($"the path after `{keyword.Name}' is not valid UTF-8 text");
            return false;
        }

        if (_token.Text[^1] is ';' or '#' or ',')
            _draft.WarnAtStart(_token, $"`{_token.Text[^1]}' is part of the path {_token.Text}: a blank ends a path");
        return true;
    }

    private static bool IsName(string text) =>
        char.IsAsciiLetterOrDigit(text[0])
        && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_')
        && (!Keywords.IsKeyword(text) || text is "TCP" or "UDP");

    private static bool IsOn(string text) =>
        text.Equals("on", StringComparison.OrdinalIgnoreCase) || text.Equals("yes", StringComparison.OrdinalIgnoreCase);

    private static bool IsOff(string text) =>
        text.Equals("off", StringComparison.OrdinalIgnoreCase) || text.Equals("no", StringComparison.OrdinalIgnoreCase);

    private static bool IsDigits(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');

    private bool Unexpected(string after, string expected)
    {
        Fail($"unexpected {_token.Shown} after `{after}', expected {expected}{Hints.Habit(_token)}");
        return false;
    }

    private void Fail(string text) => _draft.Fail(_token, text);

    private Token Take()
    {
        Token taken = _token;
        _token = _lexer.Next();
        return taken;
    }

    // To the next statement of this block, or to its end; whole blocks on the way are left out.
    private void Skip(Block block)
    {
        int depth = 0;
        while (_token.Kind != TokenKind.End)
        {
            if (depth == 0)
            {
                if (_token.Kind == TokenKind.Close) return;
                if (_token.Kind == TokenKind.Word && block.Find(_token.Text) is not null) return;
            }

            if (_token.Kind == TokenKind.Open) depth++;
            if (_token.Kind == TokenKind.Close) depth--;
            Take();
        }
    }
}
