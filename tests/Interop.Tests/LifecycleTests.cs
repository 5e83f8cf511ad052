using System.Diagnostics;
using System.Globalization;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Start and end of our daemon.</summary>
[Trait("needs", "root")]
public sealed class LifecycleTests
{
    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void A_signal_ends_it_in_order_and_nothing_stays(string signal)
    {
        using var place = new Place();
        using Process daemon = place.Start();

        Place.Signal(signal, daemon.Id);
        Assert.True(daemon.WaitForExit(Eventually.Patience));

        AssertOrderly(place, daemon.ExitCode);
    }

    [Fact]
    public void The_command_ends_it_in_order_and_returns_when_it_is_gone()
    {
        using var place = new Place();
        using Process daemon = place.Start();

        Assert.Equal(0, place.Control("-k").ExitCode);

        Assert.False(File.Exists(place.LockPath), "the lock stays");
        Assert.True(daemon.WaitForExit(Eventually.Patience));
        AssertOrderly(place, daemon.ExitCode);
        Assert.Equal(1, place.Control("-s").ExitCode);
    }

    [Fact]
    public void After_a_kill_the_next_start_just_works()
    {
        using var place = new Place();
        using Process killed = place.Start();
        Place.Signal("KILL", killed.Id);
        killed.WaitForExit();
        Assert.True(File.Exists(place.LockPath) && File.Exists(place.ControlPath));

        using Process next = place.Start();

        Assert.False(next.HasExited);
        Assert.Equal(0, place.Control("-k").ExitCode);
        next.WaitForExit();
        AssertOrderly(place, next.ExitCode);
    }

    [Fact]
    public void In_the_background_it_answers_as_soon_as_the_start_has_returned()
    {
        using var place = new Place();

        CommandResult start = place.Run(place.Text, "-d");
        CommandResult statistics = place.Control("-s");

        Assert.Equal((0, ""), (start.ExitCode, start.Errors));
        Assert.Equal(0, statistics.ExitCode);
        int id = int.Parse(File.ReadAllText(place.LockPath), CultureInfo.InvariantCulture);
        Assert.Equal(0, place.Control("-k").ExitCode);
        Eventually.Holds(() => Directory.Exists($"/proc/{id}") ? "the process is still there" : null);
        Assert.False(File.Exists(place.LockPath) || File.Exists(place.ControlPath));
    }

    [Fact]
    public void Orderly_ends_and_kills_in_a_row_leave_a_place_where_it_starts()
    {
        using var place = new Place();
        for (int round = 0; round < 6; round++)
        {
            CommandResult start = place.Run(place.Text, "-d");
            Assert.Equal((0, ""), (start.ExitCode, start.Errors));
            int id = int.Parse(File.ReadAllText(place.LockPath), CultureInfo.InvariantCulture);
            if (round % 2 == 0)
            {
                Place.Signal("KILL", id);
                Eventually.Holds(() => Directory.Exists($"/proc/{id}") ? "the process is still there" : null);
            }
            else
            {
                Assert.Equal(0, place.Control("-k").ExitCode);
            }
        }
    }

    private static void AssertOrderly(Place place, int exitCode)
    {
        Assert.Equal(0, exitCode);
        Assert.False(File.Exists(place.LockPath), "the lock stays");
        Assert.False(File.Exists(place.ControlPath), "the control socket stays");
        string[] log = File.ReadAllLines(place.LogPath);
        Assert.EndsWith("---- shutdown received ----", log[^1], StringComparison.Ordinal);
    }
}
