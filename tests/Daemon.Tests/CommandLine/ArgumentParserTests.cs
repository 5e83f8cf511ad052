using TwinTrack.Daemon.CommandLine;
using TwinTrack.Daemon.Control;
using Xunit;

namespace TwinTrack.Daemon.Tests.CommandLine;

public sealed class ArgumentParserTests
{
    // The codes conntrackd 1.4.7 sent to a listening socket for these arguments.
    [Theory]
    [InlineData("-i", 16)]
    [InlineData("-i ct", 16)]
    [InlineData("-i c", 16)]
    [InlineData("-i expect", 40)]
    [InlineData("-i exp", 40)]
    [InlineData("-i e", 40)]
    [InlineData("-e", 17)]
    [InlineData("-e expect", 41)]
    [InlineData("-i -x", 24)]
    [InlineData("-e -x", 25)]
    [InlineData("-i expect -x", 47)]
    [InlineData("-e e -x", 48)]
    [InlineData("-i -i -x", 24)]
    [InlineData("-i -e", 17)]
    [InlineData("-i -e -x", 25)]
    [InlineData("-c", 46)]
    [InlineData("-c ct", 18)]
    [InlineData("-c expect", 42)]
    [InlineData("-f", 45)]
    [InlineData("-f internal", 33)]
    [InlineData("-f external", 34)]
    [InlineData("-F", 43)]
    [InlineData("-F ct", 0)]
    [InlineData("-F e", 38)]
    [InlineData("-R", 44)]
    [InlineData("-R ct", 1)]
    [InlineData("-R expect", 39)]
    [InlineData("-B", 22)]
    [InlineData("-n", 23)]
    [InlineData("-t", 26)]
    [InlineData("-k", 20)]
    [InlineData("-f -k", 20)]
    [InlineData("-s", 21)]
    [InlineData("-s c", 29)]
    [InlineData("-s ct", 21)]
    [InlineData("-s cache", 29)]
    [InlineData("-s r", 30)]
    [InlineData("-s rs", 32)]
    [InlineData("-s network", 28)]
    [InlineData("-s runtime", 30)]
    [InlineData("-s multicast", 31)]
    [InlineData("-s link", 31)]
    [InlineData("-s process", 35)]
    [InlineData("-s queue", 36)]
    [InlineData("-s expect", 37)]
    [InlineData("-s ''", 28)]
    [InlineData("-i ''", 16)]
    [InlineData("-f ''", 33)]
    public void A_client_command_has_its_code(string arguments, int code)
    {
        Invocation invocation = Good(arguments);
        Assert.Equal((InvocationMode.Client, (ControlRequest)code), (invocation.Mode, invocation.Request));
    }

    [Theory]
    [InlineData("", InvocationMode.Console)]
    [InlineData("-C x.conf", InvocationMode.Console)]
    [InlineData("-d", InvocationMode.Daemon)]
    [InlineData("-d -d", InvocationMode.Daemon)]
    [InlineData("--check", InvocationMode.Check)]
    [InlineData("-C x.conf --check", InvocationMode.Check)]
    [InlineData("-h", InvocationMode.Help)]
    [InlineData("-h -Z", InvocationMode.Help)]
    [InlineData("--help", InvocationMode.Help)]
    [InlineData("-i -v -Z", InvocationMode.Version)]
    [InlineData("--version", InvocationMode.Version)]
    public void A_call_without_command_has_a_mode(string arguments, InvocationMode mode)
    {
        Invocation invocation = Good(arguments);
        Assert.Equal((mode, null), (invocation.Mode, invocation.Request));
    }

    [Theory]
    [InlineData("-Z", "Unknown option: -Z", true)]
    [InlineData("-Z -h", "Unknown option: -Z", true)]
    [InlineData("-N", "Unknown option: -N", true)]
    [InlineData("-", "Unknown option: -", true)]
    [InlineData("''", "Unknown option: ", true)]
    [InlineData("-sv", "Unknown option: -sv", true)]
    [InlineData("xs", "Unknown option: xs", true)]
    [InlineData("-Cfile", "Unknown option: -Cfile", true)]
    [InlineData("--chec", "Unknown option: --chec", true)]
    [InlineData("-i foo", "Unknown option: foo", true)]
    [InlineData("-B ct", "Unknown option: ct", true)]
    [InlineData("-i ct e", "Unknown option: e", true)]
    [InlineData("-s zz", "unknown parameter `zz' for option `-s'", false)]
    [InlineData("-s ctx", "unknown parameter `ctx' for option `-s'", false)]
    [InlineData("-f x", "unknown parameter `x' for option `-f'", false)]
    [InlineData("-C", "Missing config filename", true)]
    [InlineData("-s -C", "Missing config filename", true)]
    [InlineData("-d -i", "Invalid parameters", true)]
    [InlineData("-i -d", "Invalid parameters", true)]
    [InlineData("-d --check", "Invalid parameters", true)]
    [InlineData("--check -s", "Invalid parameters", true)]
    [InlineData("-x", "Invalid parameters", true)]
    [InlineData("-x -i", "Invalid parameters", true)]
    [InlineData("-i -x -x", "Invalid parameters", true)]
    [InlineData("-c -x", "Invalid parameters", true)]
    [InlineData("-i -c -x", "Invalid parameters", true)]
    [InlineData("-B -x", "Invalid parameters", true)]
    [InlineData("--json", "Invalid parameters", true)]
    [InlineData("-c --json", "Invalid parameters", true)]
    [InlineData("-d --json", "Invalid parameters", true)]
    [InlineData("-i -x --json", "Invalid parameters", true)]
    public void Arguments_that_make_no_sense_are_refused(string arguments, string message, bool showHelp)
    {
        Assert.Null(ArgumentParser.Parse(Split(arguments), out UsageError? error));
        Assert.Equal(new UsageError(message, showHelp), error);
    }

    [Theory]
    [InlineData("-s", "/etc/conntrackd/conntrackd.conf")]
    [InlineData("-C a -s -C b", "b")]
    [InlineData("-C a -C ''", "/etc/conntrackd/conntrackd.conf")]
    [InlineData("-C -s", "-s")]
    public void The_last_configuration_file_counts(string arguments, string file) =>
        Assert.Equal(file, Good(arguments).ConfigFile);

    [Theory]
    [InlineData("-s --json", 21)]
    [InlineData("--json -s link", 31)]
    [InlineData("-e expect --json", 41)]
    public void What_is_read_may_be_JSON(string arguments, int code)
    {
        Invocation invocation = Good(arguments);
        Assert.Equal((true, (ControlRequest)code), (invocation.IsJson, invocation.Request));
    }

    [Fact]
    public void An_old_word_gives_a_warning() =>
        Assert.Equal(["use `link' instead of `multicast' as parameter."], Good("-s mult").Warnings);

    [Fact]
    public void Help_shows_every_option_and_word_but_the_old_ones()
    {
        string help = HelpText.Usage("conntrackd");
        Assert.All(OptionTable.General.Concat(OptionTable.Commands), option =>
        {
            Assert.Contains($"\n  {option.Name}", help, StringComparison.Ordinal);
            Assert.Contains(option.Help, help, StringComparison.Ordinal);
        });
        Assert.Contains(
            "-s [network|cache|runtime|link|rsqueue|process|queue|ct|expect]", help, StringComparison.Ordinal);
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 100, line));
    }

    private static Invocation Good(string arguments)
    {
        Invocation? invocation = ArgumentParser.Parse(Split(arguments), out UsageError? error);
        Assert.Null(error);
        return invocation!;
    }

    private static string[] Split(string arguments) =>
        [.. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "''" ? "" : word)];
}
