namespace TwinTrack.Daemon.Config;

/// <summary>What may follow a keyword; several kinds may be allowed at once.</summary>
[Flags]
internal enum ValueKind
{
    /// <summary>Nothing: the keyword opens a block.</summary>
    None = 0,

    /// <summary>Decimal digits.</summary>
    Number = 1,

    /// <summary>Decimal digits after an optional sign.</summary>
    Signed = 2,

    /// <summary>on, yes, off or no, in any case.</summary>
    Bool = 4,

    /// <summary>Text that begins with a slash.</summary>
    Path = 8,

    /// <summary>A name that is not a keyword.</summary>
    Name = 16,

    /// <summary>An address with an optional prefix length.</summary>
    Address = 32,
}

/// <summary>A value as the parser read it.</summary>
/// <param name="Kind">Exactly one kind; None for a block.</param>
/// <param name="Token">Where it stands and its text.</param>
/// <param name="Number">Value of a number.</param>
/// <param name="On">Value of a boolean.</param>
internal readonly record struct Value(ValueKind Kind, Token Token, uint Number = 0, bool On = false)
{
    public string Text => Token.Text;
}

/// <summary>A word between a keyword and its block.</summary>
/// <param name="Label">What the reference calls it.</param>
/// <param name="Choices">Allowed words; none: any name.</param>
internal sealed record Argument(string Label, params string[] Choices)
{
    /// <summary>Words of old files, accepted with a warning and not advertised.</summary>
    public IReadOnlyList<string> OldChoices { get; init; } = [];

    /// <summary>May be left out.</summary>
    public bool IsOptional { get; init; }

    /// <summary>A word that announces the argument; without it the argument is absent.</summary>
    public string? Announcement { get; init; }

    /// <summary>The choices are compared without regard to case.</summary>
    public bool IgnoreCase { get; init; }
}

/// <summary>
/// One row of the grammar: a keyword, what follows it, what it does, and the line that documents it. The parser reads
/// files by these rows; help and manual print them.
/// </summary>
/// <param name="Name">The keyword, in exact case.</param>
/// <param name="Help">What it is for, in one line.</param>
internal sealed record Keyword(string Name, string Help)
{
    /// <summary>What follows.</summary>
    public ValueKind Value { get; init; }

    /// <summary>Smallest number.</summary>
    public uint Least { get; init; }

    /// <summary>Greatest number.</summary>
    public uint Most { get; init; } = uint.MaxValue;

    /// <summary>What a message says is expected, where the kind alone says too little.</summary>
    public string? Expected { get; init; }

    /// <summary>What holds without the keyword, as text for the manual; null: nothing.</summary>
    public string? Default { get; init; }

    /// <summary>Accepted for old files only.</summary>
    public bool IsDeprecated { get; init; }

    /// <summary>The original does not know it: a file that uses it is refused there.</summary>
    public bool IsOurs { get; init; }

    /// <summary>Words between the keyword and the block.</summary>
    public IReadOnlyList<Argument> Arguments { get; init; } = [];

    /// <summary>The block that follows; null when the first argument chooses it or a value follows.</summary>
    public Block? Body { get; init; }

    /// <summary>Blocks by the first argument (upper case).</summary>
    public IReadOnlyDictionary<string, Block>? Bodies { get; init; }

    /// <summary>Stores the value.</summary>
    public Action<ConfigDraft, Value>? Set { get; init; }

    /// <summary>Is told of an opened block: the keyword and its arguments, null where one is absent.</summary>
    public Action<ConfigDraft, Token, Token?[]>? Open { get; init; }

    /// <summary>Is told of the closing brace.</summary>
    public Action<ConfigDraft, Token>? Close { get; init; }

    /// <summary>Whether a block may follow.</summary>
    public bool OpensBlock => Body is not null || Bodies is not null;
}

/// <summary>What may stand between two braces.</summary>
/// <param name="Title">How messages call the place.</param>
/// <param name="Keywords">Statements.</param>
internal sealed record Block(string Title, IReadOnlyList<Keyword> Keywords)
{
    /// <summary>Bare words of a list, if it is one.</summary>
    public Keyword? Item { get; init; }

    public Keyword? Find(string name) => Keywords.FirstOrDefault(keyword => keyword.Name == name);
}
