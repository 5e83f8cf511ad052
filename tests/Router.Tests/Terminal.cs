using System.Diagnostics;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>A terminal of tmux in which a program runs: keys go in, the screen can be looked at.</summary>
internal sealed class Terminal : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private readonly string _folder = Directory.CreateTempSubdirectory("tt-terminal-").FullName;

    /// <summary>Runs a command line of the shell in it.</summary>
    public Terminal(string command) =>
        Command.Require("tmux", [.. Server, "new-session", "-d", "-x", "120", "-y", "60", command]);

    private string[] Server => ["-S", Path.Combine(_folder, "socket"), "-f", "/dev/null"];

    public void Dispose()
    {
        Command.Run("tmux", [.. Server, "kill-server"]); // gone with its program: as good
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Types a text as it is.</summary>
    public void Type(string text) => Command.Require("tmux", [.. Server, "send-keys", "-l", text]);

    /// <summary>Presses a key by the name that tmux has for it: Enter, Tab, Up, C-c.</summary>
    public void Press(string key) => Command.Require("tmux", [.. Server, "send-keys", key]);

    /// <summary>Waits until the screen shows a text.</summary>
    public string WaitFor(string text)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            string screen = Command.Run("tmux", [.. Server, "capture-pane", "-p"]).Output;
            if (screen.Contains(text, StringComparison.Ordinal)) return screen;
            Assert.True(watch.Elapsed < _patience, $"the screen does not show '{text}':\n{screen}");
            Thread.Sleep(_pause);
        }
    }

    /// <summary>Waits until its program has ended.</summary>
    public void WaitForEnd()
    {
        var watch = Stopwatch.StartNew();
        while (Command.Run("tmux", [.. Server, "has-session"]).ExitCode == 0)
        {
            Assert.True(watch.Elapsed < _patience, "the program does not end");
            Thread.Sleep(_pause);
        }
    }
}
