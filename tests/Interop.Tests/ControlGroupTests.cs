using System.Diagnostics;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Who may use the control socket: its owner for everything, a group for reading, others not at all.</summary>
[Trait("needs", "root")]
public sealed class ControlGroupTests : IDisposable
{
    private const string Group = "4711";
    private const string User = "65534";

    // The place of the tests is closed to others; what a user of the group needs is here.
    private readonly DirectoryInfo _open = Directory.CreateTempSubdirectory("twintrack-group-");

    private string ControlPath => _open.FullName + "/ctl";

    private string ConfigPath => _open.FullName + "/conf";

    [Fact]
    public void Members_of_the_group_may_read_and_change_nothing()
    {
        using var place = new Place();
        using Process daemon = Start(place, $"Group {Group}");

        CommandResult statistics = Call(Group, "-s");
        Assert.Equal((0, ""), (statistics.ExitCode, statistics.Errors));
        Assert.StartsWith("cache internal:", statistics.Output, StringComparison.Ordinal);
        Assert.Equal(0, Call(Group, "-i", "-x").ExitCode);

        foreach (string command in (string[])["-k", "-F", "-f", "-c", "-R", "-B", "-n", "-t"])
        {
            CommandResult refused = Call(Group, command);
            Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
            Assert.Contains("the daemon refused", refused.Errors, StringComparison.Ordinal);
        }

        Assert.Contains($"of user {User}", File.ReadAllText(place.LogPath), StringComparison.Ordinal);
        Assert.Equal(1, Call("4712", "-s").ExitCode);
        Assert.Equal(0, place.Control("-k").ExitCode);
        Assert.True(daemon.WaitForExit(Eventually.Patience));
        Assert.Equal(0, daemon.ExitCode);
    }

    [Fact]
    public void Without_a_group_nobody_else_reaches_the_daemon()
    {
        using var place = new Place();
        using Process daemon = Start(place, "");
        Assert.Contains("appropriate permissions?", Call(Group, "-s").Errors, StringComparison.Ordinal);
        Assert.Equal(0, place.Control("-k").ExitCode);
        Assert.True(daemon.WaitForExit(Eventually.Patience));
    }

    public void Dispose() => _open.Delete(recursive: true);

    private Process Start(Place place, string line)
    {
        string text = place.Text
            .Replace(place.ControlPath, ControlPath + "\n" + line, StringComparison.Ordinal);
        File.WriteAllText(ConfigPath, text);
        foreach (string path in (string[])[_open.FullName, ConfigPath])
            Command.Require("chmod", ["o+rx", path]);
        return place.Start(text);
    }

    private CommandResult Call(string group, params string[] arguments) => Command.Run(
        "setpriv",
        [$"--reuid={User}", $"--regid={group}", "--clear-groups", ProgramFinder.Ours(), "-C", ConfigPath, .. arguments]);
}
