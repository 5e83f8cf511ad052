using System.Text;
using TwinTrack.Cli.CommandLine;
using TwinTrack.Cli.Output;

namespace TwinTrack.Cli.Flows;

/// <summary>What -h prints.</summary>
internal static class HelpText
{
    private const int HelpColumn = 34;

    /// <summary>Writes the help, and that of a protocol if one is given.</summary>
    public static void Write(ByteOutput output, ProtocolRow? protocol)
    {
        var text = new StringBuilder();
        text.Append($"Connection tracking at the command line, TwinTrack version {ConntrackTool.ProgramVersion}.\n");
        text.Append("Usage: conntrack COMMAND [TABLE] [OPTIONS]\n");
        text.Append("       conntrack -R FILE [--keep-going]\n");
        text.Append("\nCommands:\n");
        foreach (CommandRow row in OptionTable.Commands) Append(text, $"-{row.Letter}, --{row.Name}", row.Help);
        Append(text, "-R, --load-file FILE", "carry out the commands in a file; - for standard input");
        text.Append("\nTables: conntrack, expect, dying, unconfirmed\n\nOptions:\n");
        foreach (OptionRow row in OptionTable.Options) Append(text, Head(row), row.Help);
        text.Append("\nWith a protocol come options of its own: conntrack -h -p tcp\n");
        if (protocol is not null) Append(text, protocol);
        output.Write(text.ToString());
    }

    private static void Append(StringBuilder text, ProtocolRow protocol)
    {
        text.Append($"\nProto `{protocol.Name}' help:\n");
        if (protocol.Options.Length == 0) text.Append("  no options\n");
        foreach (OptionRow row in protocol.Options) Append(text, Head(row), row.Help);
    }

    private static void Append(StringBuilder text, string head, string help)
    {
        head = $"  {head}";
        if (head.Length >= HelpColumn) head = $"{head}\n{new string(' ', HelpColumn)}";
        text.Append(head.PadRight(HelpColumn));
        text.Append($"{help}\n");
    }

    /// <summary>An option with its value, as help and manual show it.</summary>
    public static string Head(OptionRow row)
    {
        string names = string.Join(", ", row.Names.Select(name => $"--{name}"));
        if (char.IsAsciiLetter(row.Letter)) names = $"-{row.Letter}, {names}";
        return row.Place switch
        {
            ValuePlace.Required => $"{names} {row.ValueName}",
            ValuePlace.Optional => $"{names} [{row.ValueName}]",
            _ => names,
        };
    }
}
