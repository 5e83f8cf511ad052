using TwinTrack.Cli.CommandLine;

namespace TwinTrack.Cli.Flows;

/// <summary>What may follow the file of -R.</summary>
internal readonly record struct LoadOptions(bool KeepsGoing, bool IsAllOrNothing)
{
    private const int KeepGoing = 1;
    private const int AllOrNothing = 2;

    /// <summary>The options; whatever else follows is ignored.</summary>
    public static readonly OptionRow[] Rows =
    [
        new(KeepGoing, '\0', ["keep-going"], ValuePlace.None, "",
            "report lines that fail, and carry out the others"),
        new(AllOrNothing, '\0', ["all-or-nothing"], ValuePlace.None, "",
            "take back what was created when a line fails; the file may only create"),
    ];

    /// <summary>Reads the options.</summary>
    public static LoadOptions Read(ReadOnlySpan<string> words)
    {
        LoadOptions options = default;
        foreach (string word in words)
        {
            if (word is "--keep-going") options = options with { KeepsGoing = true };
            if (word is "--all-or-nothing") options = options with { IsAllOrNothing = true };
        }

        if (options is { KeepsGoing: true, IsAllOrNothing: true })
            throw new ToolException("cannot use --keep-going and --all-or-nothing at the same time");
        return options;
    }
}
