using System.Text;

namespace TwinTrack.Daemon.CommandLine;

/// <summary>What -h and -v print.</summary>
public static class HelpText
{
    private const int HelpColumn = 34;

    /// <summary>The version of this program, like 1.2.3.</summary>
    public static string ProgramVersion => typeof(HelpText).Assembly.GetName().Version!.ToString(3);

    /// <summary>The answer to -v.</summary>
    public static string Version() =>
        $"TwinTrack conntrackd v{ProgramVersion}, connection tracking high availability.\n"
        + "Licensed under the Apache License 2.0.\n";

    /// <summary>The answer to -h.</summary>
    /// <param name="program">What the program was called by.</param>
    public static string Usage(string program)
    {
        var text = new StringBuilder();
        text.Append($"TwinTrack conntrackd v{ProgramVersion}, connection tracking high availability.\n");
        text.Append($"Usage: {program} [options] [command]\n");
        Append(text, "Options", OptionTable.General);
        Append(text, "Commands to a running daemon", OptionTable.Commands);
        text.Append("\nA command without its word means all it can; -i, -e and -s mean flows.\n");
        return text.ToString();
    }

    private static void Append(StringBuilder text, string title, IEnumerable<Option> options)
    {
        text.Append($"\n{title}:\n");
        foreach (Option option in options)
        {
            string head = $"  {Head(option)}";
            if (head.Length >= HelpColumn) head = $"{head}\n" + new string(' ', HelpColumn);
            text.Append(head.PadRight(HelpColumn));
            text.Append($"{option.Help}\n");
        }
    }

    private static string Head(Option option)
    {
        bool hasBoth = option.Letter != '\0' && option.LongName is not null;
        string name = hasBoth ? $"{option.Name}, --{option.LongName}" : option.Name;
        IEnumerable<string> words = option.Words.Where(word => word.Warning is null).Select(word => word.Text);
        string list = string.Join('|', words);
        if (option.Value is not null) return $"{name} {option.Value}";
        return list.Length > 0 ? $"{name} [{list}]" : name;
    }
}
