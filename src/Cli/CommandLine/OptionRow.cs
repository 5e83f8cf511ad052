namespace TwinTrack.Cli.CommandLine;

/// <summary>Whether and where an option has a value.</summary>
internal enum ValuePlace
{
    /// <summary>It has none.</summary>
    None,

    /// <summary>Attached, or else the next argument whatever it looks like.</summary>
    Required,

    /// <summary>Attached, or else the next argument unless that begins with a dash or an exclamation mark.</summary>
    Optional,

    /// <summary>Attached to the long name or to the letter, without any effect.</summary>
    Ignored,

    /// <summary>Attached to the long name, without any effect; the letter takes none.</summary>
    IgnoredWhenLong,
}

/// <summary>One row of a command line: scanner, help, manual and completion read it.</summary>
/// <param name="Id">What the program knows it by.</param>
/// <param name="Letter">The short form without its dash; NUL for none.</param>
/// <param name="Names">The long forms without their dashes; messages use the first.</param>
/// <param name="Place">Whether and where its value is.</param>
/// <param name="ValueName">What help calls the value.</param>
/// <param name="Help">What it does, in one line.</param>
internal sealed record OptionRow(
    int Id, char Letter, string[] Names, ValuePlace Place, string ValueName, string Help)
{
    /// <summary>The name in messages.</summary>
    public string Name => Names[0];
}
