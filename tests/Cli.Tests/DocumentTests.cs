using TwinTrack.Cli.Documents;
using TwinTrack.Cli.Flows;
using TwinTrack.Lab;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>Manuals and completions come from the tables of the programs.</summary>
public sealed class DocumentTests
{
    public static TheoryData<string> Documents =>
    [
        "docs/man/conntrack.8", "docs/man/nfct.8", "docs/completion/conntrack.bash", "docs/completion/_conntrack",
        "docs/completion/conntrack.fish",
    ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Documents_say_what_the_tables_say(string path)
    {
        string text = Write(path);
        string file = Path.Combine(Repository.Root, path);
        if (File.Exists(file) && File.ReadAllText(file) == text) return;

        string made = Path.Combine(Repository.Root, "artifacts", Path.GetFileName(path));
        File.WriteAllText(made, text);
        Assert.Fail($"A table changed. To accept it: cp artifacts/{Path.GetFileName(path)} {path}");
    }

    [Fact]
    public void Every_option_is_in_manual_and_completion()
    {
        string manual = ConntrackManual.Write().Replace("\\-", "-", StringComparison.Ordinal);
        foreach (string name in OptionTable.Options.SelectMany(row => row.Names)
            .Concat(ProtocolTable.Known.SelectMany(row => row.Options).SelectMany(row => row.Names)))
        {
            Assert.Contains($"--{name}", manual, StringComparison.Ordinal);
            Assert.Contains($"--{name}", Completion.Bash(), StringComparison.Ordinal);
            Assert.Contains($"--{name}", Completion.Zsh(), StringComparison.Ordinal);
            Assert.Contains($"-l {name}", Completion.Fish(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Bash_completes_what_the_protocol_brings()
    {
        const string script =
            "source docs/completion/conntrack.bash; COMP_WORDS=(conntrack -L -p tcp --st); COMP_CWORD=4; "
            + "_conntrack conntrack --st -p; printf '%s\\n' \"${COMPREPLY[@]}\"";
        CommandResult result = Command.Run("bash", ["-c", $"cd {Repository.Root}; {script}"]);
        Assert.Contains("--state", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Errors);
    }

    [Fact]
    public void The_version_in_messages_is_that_of_the_build() =>
        Assert.Equal(
            ConntrackTool.ProgramVersion, typeof(ConntrackTool).Assembly.GetName().Version!.ToString(3));

    private static string Write(string path) => Path.GetFileName(path) switch
    {
        "conntrack.8" => ConntrackManual.Write(),
        "nfct.8" => NfctManual.Write(),
        "conntrack.bash" => Completion.Bash(),
        "_conntrack" => Completion.Zsh(),
        _ => Completion.Fish(),
    };
}
