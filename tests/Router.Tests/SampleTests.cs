using TwinTrack.Daemon.Config;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>The sample configurations: both forms, and what conntrackd gets.</summary>
public sealed class SampleTests
{
    public static TheoryData<string> Names => [.. Samples.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Both_forms_are_the_same_configuration(string name)
    {
        ConfigNode set = Samples.Configuration(Samples.Text(name, "set.txt"));
        ConfigNode braces = Samples.Configuration(Samples.Text(name, "config.boot"));
        Assert.Equal(ConfigText.SetLines(set), ConfigText.SetLines(braces), StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_written_reads_as_the_same(string name)
    {
        ConfigNode read = Samples.Configuration(Samples.Text(name, "config.boot"));
        ConfigNode again = Samples.Configuration(ConfigText.File(read));
        ConfigNode commands = Samples.Configuration(string.Join('\n', ConfigText.SetLines(read)));
        Assert.Equal(ConfigText.SetLines(read), ConfigText.SetLines(again), StringComparer.Ordinal);
        Assert.Equal(ConfigText.SetLines(read), ConfigText.SetLines(commands), StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void New_samples_are_written_as_they_were(string name)
    {
        string text = Samples.Text(name, "set.txt");
        bool isOld = name.Contains("-old-", StringComparison.Ordinal);
        if (isOld) return;
        Assert.Equal(
            text.Trim().Split('\n'), ConfigText.SetLines(Samples.Configuration(text)), StringComparer.Ordinal);
    }

    /// <summary>Samples of which a generator of former routers made something.</summary>
    public static TheoryData<string, string> References => new(
        from generation in (string[])["legacy", "modern"]
        from name in Samples.Names
        where File.Exists(Path.Combine(Samples.Root, name, $"expected.{generation}.conf"))
        select (name, generation));

    [Theory]
    [MemberData(nameof(References))]
    public void The_generators_of_former_routers_are_reproduced(string name, string generation)
    {
        ConfigNode root = Samples.Configuration(Samples.Text(name, "set.txt"));
        Machine machine = Samples.Machine(Samples.Json(name, "env.json"));
        string expected = Samples.Text(name, $"expected.{generation}.conf");
        ConfigResult read = ConfigReader.Parse("expected", expected, ProtocolNames.OfSystem());
        Assert.NotNull(read.Config);
        DaemonConfig made = ReferenceProfile.Make(
            root, machine, Enum.Parse<ReferenceGeneration>(generation, ignoreCase: true));
        Assert.Equal(Printer.Print(read.Config), Printer.Print(made));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Conntrackd_gets_the_expected_configuration(string name)
    {
        ConfigNode root = Samples.Configuration(Samples.Text(name, "set.txt"));
        Machine machine = Samples.Machine(Samples.Json(name, "env.json"));
        Assert.DoesNotContain(new CommitCheck(root, machine).Run(), finding => finding.IsError);
        string expected = Samples.Text(name, "expected.current.conf");
        ConfigResult read = ConfigReader.Parse("expected", expected, ProtocolNames.OfSystem());
        Assert.NotNull(read.Config);
        string made = Printer.Print(Generator.Make(root, machine, new DaemonFiles()));
        Assert.Equal(Printer.Print(read.Config), made);
    }
}
