using System.Text;
using TwinTrack.Daemon.CommandLine;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon.Tests.Manual;

/// <summary>The manual pages: prose of docs/man/*.in with the tables of command line and grammar put in.</summary>
internal static class ManualPages
{
    public static string CommandLine(string template) => template
        .Replace("@OPTIONS@\n", Options(OptionTable.General), StringComparison.Ordinal)
        .Replace("@COMMANDS@\n", Options(OptionTable.Commands), StringComparison.Ordinal);

    public static string Grammar(string template) =>
        template.Replace("@SECTIONS@\n", Sections(), StringComparison.Ordinal);

    private static string Options(IEnumerable<Option> options)
    {
        var text = new StringBuilder();
        foreach (Option option in options)
        {
            List<string> names = [];
            if (option.Letter != '\0') names.Add($"\\-{option.Letter}");
            if (option.LongName is not null) names.Add($"\\-\\-{option.LongName}");
            text.Append($".TP\n.BR {string.Join(" \", \" ", names)}");
            if (option.Value is not null) text.Append($" \" \\fI{option.Value.ToLowerInvariant()}\\fP\"");
            string[] words = [.. option.Words.Where(word => word.Warning is null).Select(word => word.Text)];
            if (words.Length > 0) text.Append($" \" [\\fB{string.Join("\\fP|\\fB", words)}\\fP]\"");
            text.Append($"\n{Sentence(option.Help)}\n");
            foreach (OptionWord word in option.Words.Where(word => word.Warning is not null))
                text.Append($"The old word {word.Text} is taken with a warning.\n");
        }

        return text.ToString();
    }

    private static string Sections()
    {
        var text = new StringBuilder();
        foreach (Keyword section in Keywords.File.Keywords)
        {
            text.Append($".SH \"SECTION {section.Name}\"\n{Escape(section.Help)}\n");
            Append(text, section.Body!, []);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, Block block, string[] path)
    {
        foreach (Keyword keyword in block.Keywords)
        {
            text.Append($".TP\n{Head(keyword)}\n{Escape(keyword.Help)}");
            if (keyword.Default is { } fallback) text.Append($" Default: {Escape(fallback)}.");
            if (keyword.Most is not uint.MaxValue and not int.MaxValue)
                text.Append($" From {keyword.Least} to {keyword.Most}.");
            text.Append('\n');
        }

        if (block.Item is { } item) text.Append($".TP\n.I {item.Name}\n{Escape(item.Help)} Any number of them.\n");
        foreach ((string title, Block body) in Bodies(block))
        {
            string[] below = [.. path, title];
            text.Append($".SS \"{string.Join(" \\(-> ", below)}\"\n");
            Append(text, body, below);
        }
    }

    // Old names of modes have the bodies of the new ones.
    private static IEnumerable<(string Title, Block Body)> Bodies(Block block) =>
        from keyword in block.Keywords
        from body in keyword.Bodies?.Values.Distinct() ?? (keyword.Body is { } only ? [only] : [])
        select (body.Title, body);

    private static string Head(Keyword keyword)
    {
        var head = new StringBuilder($".B \"{keyword.Name}\\fR");
        foreach (Argument argument in keyword.Arguments)
        {
            string words = argument.Choices.Length == 0
                ? $"\\fI{argument.Label}\\fR"
                : string.Join('|', argument.Choices);
            if (argument.Announcement is not null) words = $"{argument.Announcement} {words}";
            head.Append(argument.IsOptional ? $" [{words}]" : $" {words}");
        }

        string[] values = [.. ValueNames(keyword.Value)];
        if (values.Length > 0) head.Append($" \\fI{string.Join("\\fR|\\fI", values)}\\fR");
        if (keyword.OpensBlock) head.Append(values.Length > 0 ? " | { }" : " { }");
        if (keyword.IsOurs) head.Append(" \\(dg");
        if (keyword.IsDeprecated) head.Append(" \\(dd");
        return head.Append('"').ToString();
    }

    private static IEnumerable<string> ValueNames(ValueKind kind)
    {
        if (kind.HasFlag(ValueKind.Bool)) yield return "bool";
        if (kind.HasFlag(ValueKind.Number)) yield return "number";
        if (kind.HasFlag(ValueKind.Signed)) yield return "signed number";
        if (kind.HasFlag(ValueKind.Path)) yield return "path";
        if (kind.HasFlag(ValueKind.Name)) yield return "name";
        if (kind.HasFlag(ValueKind.Address)) yield return "address";
    }

    private static string Sentence(string help) => $"{char.ToUpperInvariant(help[0])}{Escape(help[1..])}.";

    private static string Escape(string text) => text.Replace("-", "\\-", StringComparison.Ordinal);
}
