using System.CommandLine;
using System.Text;
using TwinTrack.Programs;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Lab.Tests;

/// <summary>The manual of twintrack says what its tables say.</summary>
public sealed class ManualTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "man");

    [Fact]
    public void The_page_is_made_of_the_tables()
    {
        string expected = File.ReadAllText(Path.Combine(Folder, "twintrack.8.in"))
            .Replace("@VERBS@\n", Describe(Verbs.Create().Subcommands), StringComparison.Ordinal);
        string path = Path.Combine(Folder, "twintrack.8");
        if (File.Exists(path) && File.ReadAllText(path) == expected) return;

        string made = Path.Combine(Path.GetTempPath(), "twintrack.8");
        File.WriteAllText(made, expected);
        Assert.Fail($"the page is out of date; to accept what the tables say: cp {made} {path}");
    }

    [Fact]
    public void Every_option_is_described()
    {
        IEnumerable<Option> options = Verbs.Create().Subcommands.SelectMany(verb => verb.Options);
        Assert.All(options, option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
    }

    private static string Describe(IEnumerable<System.CommandLine.Command> verbs)
    {
        var text = new StringBuilder();
        foreach (System.CommandLine.Command verb in verbs)
        {
            text.Append($".SH \"{verb.Name.ToUpperInvariant()}\"\n{Escape(verb.Description!)}\n");
            foreach (Option option in verb.Options)
            {
                string[] names = [.. option.Aliases.Append(option.Name).Select(Escape)];
                text.Append($".TP\n.B \"{string.Join("\\fR, \\fB", names)}\\fR");
                if (option.HelpName is { } value) text.Append($" \\fI{Escape(value)}\\fR");
                text.Append($"\"\n{Escape(option.Description!)}.");
                if (option.HasDefaultValue && option.HelpName is not null)
                    text.Append($" Default: {Escape(option.GetDefaultValue()?.ToString() ?? "none")}.");
                text.Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Escape(string text) => text.Replace("-", "\\-", StringComparison.Ordinal);
}
