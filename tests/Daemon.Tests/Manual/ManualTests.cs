using TwinTrack.Daemon.CommandLine;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Manual;

/// <summary>The manual says what the tables say, and what the tables say is done.</summary>
public sealed class ManualTests
{
    private static readonly string Folder = Path.GetFullPath(Path.Combine(GoldenFiles.Root, "..", "..", "docs", "man"));

    public static TheoryData<string> Pages => ["conntrackd.8", "conntrackd.conf.5"];

    [Theory, MemberData(nameof(Pages))]
    public void A_page_is_made_of_the_tables(string page)
    {
        string template = File.ReadAllText(Path.Combine(Folder, page + ".in"));
        string expected = page.EndsWith('8') ? ManualPages.CommandLine(template) : ManualPages.Grammar(template);
        string path = Path.Combine(Folder, page);
        if (File.Exists(path) && File.ReadAllText(path) == expected) return;

        string made = Path.Combine(Path.GetTempPath(), page);
        File.WriteAllText(made, expected);
        Assert.Fail($"the page is out of date; to accept what the tables say: cp {made} {path}");
    }

    [Fact]
    public void Every_option_does_something()
    {
        Assert.All(OptionTable.General.Concat(OptionTable.Commands), option =>
        {
            string name = option.Letter != '\0' ? $"-{option.Letter}" : $"--{option.LongName}";
            bool isForm = option == OptionTable.Xml || option == OptionTable.Json;
            string[] arguments = isForm ? ["-i", name]
                : option == OptionTable.ConfigFile ? [name, "/x"]
                : [name];
            Invocation plain = ArgumentParser.Parse(isForm ? ["-i"] : [], out _)!;
            Invocation? with = ArgumentParser.Parse(arguments, out UsageError? error);
            Assert.Null(error);
            Assert.NotEqual(plain with { Warnings = [] }, with! with { Warnings = plain.Warnings });
        });
    }

    [Fact]
    public void Every_word_of_an_option_asks_for_something_that_exists() =>
        Assert.All(OptionTable.Commands.SelectMany(option => option.Words), word =>
            Assert.True(Enum.IsDefined(word.Request), word.Text));

    [Fact]
    public void Every_request_but_one_has_an_option()
    {
        IEnumerable<ControlRequest> asked = OptionTable.Commands
            .SelectMany(option => option.Words.Select(word => (ControlRequest?)word.Request).Append(option.Request))
            .OfType<ControlRequest>();
        ControlRequest[] reachable = [.. asked, .. asked.Select(request => OptionTable.AsXml(request)).OfType<ControlRequest>()];
        Assert.Equal([ControlRequest.FlushFlowCaches], Enum.GetValues<ControlRequest>().Except(reachable));
    }

    [Fact]
    public void Every_keyword_is_in_the_page()
    {
        string page = File.ReadAllText(Path.Combine(Folder, "conntrackd.conf.5"));
        Assert.All(Keywords.All(Keywords.File), row =>
            Assert.True(
                page.Contains($".B \"{row.Keyword.Name}\\fR", StringComparison.Ordinal)
                    || page.Contains($"SECTION {row.Keyword.Name}\"", StringComparison.Ordinal),
                row.Keyword.Name));
    }
}
