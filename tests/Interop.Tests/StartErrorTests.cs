using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>What keeps our daemon from starting is said in one line, in the foreground and in the background.</summary>
[Trait("needs", "root")]
public sealed class StartErrorTests
{
    /// <summary>A line of the configuration, what stands there instead, and what the message must name.</summary>
    public static TheoryData<string, string, string> Replacements => new()
    {
        { "LogFile {0}.log", "LogFile {0}/missing/x.log", "{0}/missing/x.log" },
        { "LockFile {0}.lock", "LockFile {0}/missing/x.lock", "{0}/missing/x.lock" },
        { "Path {0}.ctl", "Path {0}/missing/x.ctl", "{0}/missing/x.ctl" },
        { "General {", "Stats { LogFile off }\nGeneral {", "`Stats' and `Sync'" },
        { "General {", "Helper { Type ftp inet tcp { QueueNum 77 } }\nGeneral {", "ftp" },
        { "HashLimit", "HashLimt 5\nHashLimit", "{0}.conf:3:" },
    };

    [Theory]
    [MemberData(nameof(Replacements))]
    public void What_is_wrong_is_said_in_one_line_that_names_it(string line, string instead, string named)
    {
        using var place = new Place();
        string Of(string pattern) => pattern.Replace("{0}", place.Prefix, StringComparison.Ordinal);
        string text = string.Join('\n', place.Text.Split('\n', StringSplitOptions.TrimEntries));
        Assert.Contains(Of(line), text, StringComparison.Ordinal);
        string wrong = text.Replace(Of(line), Of(instead), StringComparison.Ordinal);

        AssertRefused(place.Run(wrong), Of(named));
        AssertRefused(place.Run(wrong, "-d"), Of(named));
        AssertNothingLeft(place);
    }

    [Theory]
    [InlineData("")]
    [InlineData("RcvSocketBuffer 1249280")]
    public void The_missing_privilege_is_named(string linkLine)
    {
        using var place = new Place();
        string text = place.Text.Replace("Port 3780", "Port 3780\n" + linkLine, StringComparison.Ordinal);

        AssertRefused(place.RunWithout("net_admin", text), "CAP_NET_ADMIN");
        AssertRefused(place.RunWithout("net_admin", text, "-d"), "CAP_NET_ADMIN");
        AssertNothingLeft(place);
    }

    [Fact]
    public void A_missing_configuration_file_is_named()
    {
        using var place = new Place();
        string text = place.Text;
        File.Delete(place.ConfigPath);
        CommandResult result = place.Control();
        AssertRefused(result, place.ConfigPath);
        Assert.NotEmpty(text);
    }

    [Fact]
    public void A_second_instance_names_the_lock_and_its_owner_and_harms_nobody()
    {
        using var place = new Place();
        using var first = place.Start();

        AssertRefused(place.Run(place.Text), $"{place.LockPath}' exists", $"(pid {first.Id})");
        AssertRefused(place.Run(place.Text, "-d"), $"{place.LockPath}' exists", $"(pid {first.Id})");
        string other = place.Text.Replace(place.LockPath, place.LockPath + "2", StringComparison.Ordinal);
        AssertRefused(place.Run(other), place.ControlPath);
        Assert.False(File.Exists(place.LockPath + "2"));

        File.WriteAllText(place.ConfigPath, place.Text);
        Assert.Equal(0, place.Control("-s").ExitCode);
        Assert.Equal(0, place.Control("-k").ExitCode);
        first.WaitForExit();
        Assert.Equal(0, first.ExitCode);
    }

    private static void AssertRefused(CommandResult result, params string[] named)
    {
        Assert.Equal(1, result.ExitCode);
        string line = Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        foreach (string name in named) Assert.Contains(name, line, StringComparison.Ordinal);
    }

    private static void AssertNothingLeft(Place place)
    {
        Assert.False(File.Exists(place.LockPath), "the lock stays");
        Assert.False(File.Exists(place.ControlPath), "the control socket stays");
    }
}
