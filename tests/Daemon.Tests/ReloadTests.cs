using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;
using Xunit;

namespace TwinTrack.Daemon.Tests;

public sealed class ReloadTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twintrack-reload-");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly Log _log;
    private readonly ControlListener _listener;

    public ReloadTests()
    {
        _log = new Log(_output, _error);
        Assert.True(ControlListener.TryListen(PathOf("ctl"), out ControlListener? listener, out _));
        _listener = listener;
    }

    private string ConfigPath => PathOf("conf");

    [Fact]
    public void Logs_and_level_are_taken_over_and_the_rest_is_refused_by_name()
    {
        Reload reload = Start("General { LogFile " + PathOf("one.log") + " }");
        Write("General { LogFile " + PathOf("two.log") + " LogLevel warning PollSecs 7 UNIX { Path /x.ctl } }");

        reload.Run();

        Assert.Equal(LogLevel.Warning, _log.Least);
        string[] lines = Lines(PathOf("two.log"));
        Assert.Equal(2, lines.Length);
        Assert.Contains("`General UNIX Path' has changed in " + ConfigPath, lines[0], StringComparison.Ordinal);
        Assert.Contains("`General PollSecs' has changed", lines[1], StringComparison.Ordinal);
    }

    /// <summary>A statement of General or Sync, and what the engine knows of it afterwards.</summary>
    public static TheoryData<string, string, string> Limits => new()
    {
        { "HashLimit 7", "", "CacheLimit = 7" },
        { "NetlinkOverrunResync 7", "", "OverrunResyncSeconds = 7" },
        { "", "Mode FTFW { ResendQueueSize 7 }", "ResendQueueSize = 7" },
        { "", "Mode FTFW { CommitTimeout 7 }", "CommitTimeoutSeconds = 7" },
        { "", "Mode FTFW { PurgeTimeout 7 }", "PurgeSeconds = 7" },
        { "", "Mode ALARM { RefreshTime 7 }", "RefreshSeconds = 7" },
        { "", "Mode ALARM { CacheTimeout 7 }", "CacheTimeoutSeconds = 7" },
    };

    [Theory, MemberData(nameof(Limits))]
    public void Limits_and_times_are_given_to_the_engine(string general, string mode, string taken)
    {
        const string link = "UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.2 Port 1 Interface lo }";
        string bare = mode.Length > 0 ? mode[..mode.IndexOf('{', StringComparison.Ordinal)] + "{ }" : "Mode FTFW { }";
        Reload reload = Start($"General {{ }} Sync {{ {bare} {link} }}");
        Write($"General {{ {general} }} Sync {{ {(mode.Length > 0 ? mode : bare)} {link} }}");
        using var engine = new SyncEngine(
            ConfigReader.Load(ConfigPath).Config!.ToSyncOptions(1), new Seq(1), new Instant(0));
        Assert.Contains(taken, engine.Options.ToString(), StringComparison.Ordinal);
        reload.Reconfigure = read => engine.Reconfigure(read.ToSyncOptions(2));
        engine.Reconfigure(new SyncOptions());
        Assert.DoesNotContain(taken, engine.Options.ToString(), StringComparison.Ordinal);

        reload.Run();

        Assert.Contains(taken, engine.Options.ToString(), StringComparison.Ordinal);
        Assert.Empty(_error.ToString());
    }

    /// <summary>Statements of General, Sync, Options and of the link that may change under way.</summary>
    public static TheoryData<string, string, string, string> Filters => new()
    {
        { "Filter From Userspace { Protocol Accept { TCP } }", "", "", "" },
        { "NetlinkBufferSizeMaxGrowth 7000000", "", "", "" },
        { "", "StartupResync on", "", "" },
        { "", "", "ExpectationSync { ftp }", "" },
        { "", "", "", "SndSocketBuffer 90000 RcvSocketBuffer 90000" },
    };

    [Theory, MemberData(nameof(Filters))]
    public void Filters_and_sizes_are_handed_on(string general, string mode, string options, string link)
    {
        string Text(string general, string mode, string options, string link) =>
            $"General {{ {general} }} Sync {{ Mode FTFW {{ {mode} }} UDP {{ IPv4_address 127.0.0.1 "
            + $"IPv4_Destination_Address 127.0.0.2 Port 1 Interface lo {link} }} Options {{ {options} }} }}";
        Reload reload = Start(
            Text("", "", "ExpectationSync { sip }", "SndSocketBuffer 80000 RcvSocketBuffer 80000"));
        Write(Text(
            general, mode, options.Length > 0 ? options : "ExpectationSync { sip }",
            link.Length > 0 ? link : "SndSocketBuffer 80000 RcvSocketBuffer 80000"));
        DaemonConfig? handed = null;
        reload.Reconfigure = read => handed = read;

        reload.Run();

        Assert.Equal(ConfigReader.Load(ConfigPath).Config, handed);
        Assert.DoesNotContain("has changed", _output.ToString() + _error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Filter From Kernelspace { Protocol Accept { TCP } }", "General Filter")]
    [InlineData("HashSize 77", "General HashSize")]
    public void What_belongs_to_what_is_open_already_is_refused(string general, string name)
    {
        Reload reload = Start("General { }");
        Write("General { " + general + " }");
        reload.Run();
        Assert.Contains($"`{name}", _output.ToString() + _error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_with_an_error_changes_nothing()
    {
        Reload reload = Start("General { }");
        Write("General { LogLevel error HashLimit x }");

        reload.Run();

        Assert.Equal(LogLevel.Info, _log.Least);
        Assert.Contains($"{ConfigPath}:1:36: unexpected `x'", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("nothing has changed", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_the_same_is_not_mentioned()
    {
        Reload reload = Start("General { HashLimit 7 }");
        Write("General { HashLimit 7 } # another comment");
        reload.Run();
        Assert.Empty(_error.ToString());
        Assert.EndsWith("[notice] configuration reloaded\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rotated_file_is_opened_anew()
    {
        Reload reload = Start("General { LogFile " + PathOf("a.log") + " }");
        _log.Notice("before");
        File.Move(PathOf("a.log"), PathOf("a.log.1"));
        reload.ReopenLogs();
        _log.Notice("after");
        Assert.EndsWith("before", Assert.Single(Lines(PathOf("a.log.1"))), StringComparison.Ordinal);
        Assert.EndsWith("after", Assert.Single(Lines(PathOf("a.log"))), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _log.Dispose();
        _listener.Dispose();
        _output.Dispose();
        _error.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string[] Lines(string path) =>
        File.ReadAllText(path).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private void Write(string text) => File.WriteAllText(ConfigPath, text);

    private Reload Start(string text)
    {
        Write(text);
        DaemonConfig config = ConfigReader.Load(ConfigPath).Config!;
        if (config.General.LogFile is { } path) Assert.Null(_log.OpenFile(path));
        return new Reload(ConfigPath, config, _log, _listener);
    }
}
