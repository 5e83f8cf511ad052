namespace TwinTrack.Cli.CommandLine;

/// <summary>Finds the options among the arguments of a program, as getopt_long(3) of glibc does.</summary>
/// <remarks>
/// Letters may be bundled, long names shortened while they stay unambiguous, operands mixed in; "--" ends the options.
/// Operands are passed over. One scanner can read many command lines, one after the other.
/// </remarks>
internal sealed class ArgumentScanner
{
    private const int RecentNames = 64;

    private readonly List<OptionRow[]> _tables = [];
    private readonly OptionRow[] _base;
    private readonly OptionRow?[] _letters = new OptionRow?[128];
    private readonly Recent[] _recent = new Recent[RecentNames];
    private ReadOnlyMemory<char>[] _words = [];
    private int _count;
    private int _next;   // the argument that is read next: getopt's optind
    private int _letter; // position within a bundle of letters, 0 outside

    public ArgumentScanner(OptionRow[] rows)
    {
        _base = rows;
        foreach (OptionRow row in rows) _letters[row.Letter] ??= row;
    }

    /// <summary>The option found last.</summary>
    public OptionRow Row { get; private set; } = null!;

    /// <summary>Whether the option found last has a value.</summary>
    public bool HasValue { get; private set; }

    /// <summary>The value of the option found last.</summary>
    public ReadOnlyMemory<char> Value { get; private set; }

    /// <summary>Begins with the first argument.</summary>
    public void Start(ReadOnlyMemory<char>[] words, int count)
    {
        _words = words;
        _count = count;
        _next = 0;
        _letter = 0;
        _tables.Clear();
        _tables.Add(_base);
    }

    /// <summary>Adds long options that are known from here on.</summary>
    public void Add(OptionRow[] rows)
    {
        foreach (OptionRow[] table in _tables)
        {
            if (table == rows) return;
        }

        _tables.Add(rows);
    }

    /// <summary>Finds the next option.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="ToolException">It is unknown, or lacks its value.</exception>
    public bool MoveNext()
    {
        HasValue = false;
        Value = default;
        if (_letter > 0)
        {
            ReadLetter();
            return true;
        }

        while (_next < _count)
        {
            ReadOnlySpan<char> word = _words[_next].Span;
            if (word.Length < 2 || word[0] != '-')
            {
                _next++;
                continue;
            }

            if (word[1] != '-')
            {
                _letter = 1;
                ReadLetter();
                return true;
            }

            _next++;
            if (word.Length == 2) break;
            ReadLong(_words[_next - 1][2..]);
            return true;
        }

        _next = _count;
        return false;
    }

    /// <summary>Takes the next argument, unless it begins with a dash or an exclamation mark.</summary>
    /// <returns>False when it does, or when there is none.</returns>
    public bool TryTakeWord(out ReadOnlyMemory<char> word)
    {
        word = default;
        if (_next >= _count) return false;

        ReadOnlySpan<char> next = _words[_next].Span;
        if (!next.IsEmpty && next[0] is '-' or '!') return false;
        word = _words[_next++];
        return true;
    }

    private void ReadLetter()
    {
        ReadOnlyMemory<char> word = _words[_next];
        char letter = word.Span[_letter++];
        bool isLast = _letter == word.Length;
        OptionRow? row = Find(letter);
        if (row is null)
        {
            EndBundle(isLast);
            throw Unknown($"-{letter}");
        }

        Row = row;
        switch (row.Place)
        {
            case ValuePlace.None or ValuePlace.IgnoredWhenLong:
                EndBundle(isLast);
                return;
            case ValuePlace.Ignored:
                EndBundle(true);
                return;
        }

        int start = _letter;
        EndBundle(true);
        if (!isLast) Take(word[start..]);
        else TakeNext(row, word);
    }

    private void EndBundle(bool isLast)
    {
        if (!isLast) return;
        _letter = 0;
        _next++;
    }

    private void ReadLong(ReadOnlyMemory<char> word)
    {
        ReadOnlySpan<char> text = word.Span;
        int equals = text.IndexOf('=');
        ReadOnlySpan<char> name = equals < 0 ? text : text[..equals];
        Row = Find(name) ?? throw Unknown($"--{text}");
        switch (Row.Place)
        {
            case ValuePlace.None when equals >= 0:
                throw Unknown($"--{text}");
            case ValuePlace.Required or ValuePlace.Optional when equals >= 0:
                Take(word[(equals + 1)..]);
                break;
            case ValuePlace.Required or ValuePlace.Optional:
                TakeNext(Row, _words[_next - 1]);
                break;
        }
    }

    private void Take(ReadOnlyMemory<char> value)
    {
        Value = value;
        HasValue = true;
    }

    private void TakeNext(OptionRow row, ReadOnlyMemory<char> word)
    {
        if (row.Place == ValuePlace.Optional)
        {
            if (TryTakeWord(out ReadOnlyMemory<char> value)) Take(value);
            return;
        }

        if (_next == _count) throw new ToolException($"option `{word}' requires an argument");
        Take(_words[_next++]);
    }

    private OptionRow? Find(char letter) => letter < _letters.Length ? _letters[letter] : null;

    // The lines of a load file repeat a few long names.
    private OptionRow? Find(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return null; // "--=": the beginning of all

        ref Recent recent = ref _recent[((name.Length * 5) + (name[0] * 3) + name[^1]) % RecentNames];
        bool isKnown = recent.Row is not null && name.SequenceEqual(recent.Name) && IsOnlyIn(recent.Table!);
        if (isKnown) return recent.Row;

        return Search(name, ref recent);
    }

    // With more than one table added, an earlier one may have the same name.
    private bool IsOnlyIn(OptionRow[] table) =>
        _tables.Count <= 2 && (table == _base || (_tables.Count == 2 && table == _tables[1]));

    // An exact name wins over longer ones; a beginning must be that of one option only.
    private OptionRow? Search(ReadOnlySpan<char> name, ref Recent recent)
    {
        OptionRow? found = null;
        bool isAmbiguous = false;
        char first = name[0];
        foreach (OptionRow[] table in _tables)
        {
            foreach (OptionRow row in table)
            {
                foreach (string candidate in row.Names)
                {
                    if (candidate[0] != first) continue;
                    if (candidate.Length < name.Length || !candidate.AsSpan().StartsWith(name)) continue;
                    if (candidate.Length == name.Length)
                    {
                        recent = new(candidate, row, table);
                        return row;
                    }

                    isAmbiguous |= found is not null && found != row;
                    found = row;
                }
            }
        }

        return isAmbiguous ? null : found;
    }

    private static ToolException Unknown(string option) => new($"unknown option `{option}'");

    // An option that was found by its whole name, and where.
    private readonly record struct Recent(string? Name, OptionRow? Row, OptionRow[]? Table);
}
