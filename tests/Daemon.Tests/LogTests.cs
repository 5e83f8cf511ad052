using System.Net.Sockets;
using System.Text;
using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests;

public sealed class LogTests : IDisposable
{
    private static readonly FixedTime Time = new(new DateTimeOffset(2026, 11, 5, 3, 7, 9, TimeSpan.Zero));

    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public void A_line_has_the_format_of_conntrackd()
    {
        using Log log = MakeLog();
        log.Notice("initialization completed");
        Assert.Equal(
            $"[Thu Nov  5 03:07:09 2026] (pid={Environment.ProcessId}) [notice] initialization completed\n",
            _output.ToString());
    }

    [Theory]
    [InlineData(LogLevel.Info, "[info] x", false)]
    [InlineData(LogLevel.Notice, "[notice] x", false)]
    [InlineData(LogLevel.Warning, "[warning] x", true)]
    [InlineData(LogLevel.Error, "[ERROR] x", true)]
    public void The_level_decides_where_a_line_goes_on_the_terminal(LogLevel level, string end, bool isError)
    {
        using Log log = MakeLog();
        log.Write(level, "x");
        Assert.EndsWith($"{end}\n", (isError ? _error : _output).ToString(), StringComparison.Ordinal);
        Assert.Empty((isError ? _output : _error).ToString());
    }

    [Fact]
    public void Lines_below_the_level_are_not_written()
    {
        using Log log = MakeLog();
        log.Least = LogLevel.Warning;
        log.Notice("no");
        log.Warning("yes");
        Assert.Empty(_output.ToString());
        Assert.EndsWith("[warning] yes\n", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flood_of_errors_is_cut_and_counted_and_the_flows_go_with_their_lines()
    {
        var time = new SteppedTime();
        using var log = new Log(_output, _error, time, "/nonexistent");
        for (int line = 0; line < LogBudget.Burst + 7; line++)
        {
            log.Error("commit-create");
            log.WriteFlow("flow");
        }

        Assert.Equal(2 * LogBudget.Burst, _error.ToString().Split('\n').Length - 1);
        log.Notice("a notice always comes");
        Assert.NotEmpty(_output.ToString());

        _error.GetStringBuilder().Clear();
        time.Seconds++;
        log.Error("commit-create");
        string[] lines = _error.ToString().Split('\n');
        Assert.EndsWith("[warning] 7 warnings and errors were left out", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("[ERROR] commit-create", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_has_the_time_only()
    {
        using Log log = MakeLog();
        log.Write(new LogLine(LogLevel.Error, "tcp      6 60 CLOSE_WAIT src=10.82.0.2", IsFlow: true));
        Assert.Equal("Thu Nov  5 03:07:09 2026\ttcp      6 60 CLOSE_WAIT src=10.82.0.2\n", _error.ToString());
    }

    [Fact]
    public void A_log_file_is_appended_to_and_belongs_to_us_alone()
    {
        using var file = new TemporaryFile();
        for (int round = 0; round < 2; round++)
        {
            using Log log = MakeLog();
            log.UsesTerminal = false;
            Assert.Null(log.OpenFile(file.Path));
            log.Notice($"round {round}");
        }

        Assert.Matches("^.* round 0\n.* round 1\n$", File.ReadAllText(file.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Path));
        Assert.Empty(_output.ToString());
    }

    [Fact]
    public void A_truncated_log_file_goes_on_at_its_new_end()
    {
        using var file = new TemporaryFile();
        using Log log = MakeLog();
        log.OpenFile(file.Path);
        log.Notice("first");
        File.WriteAllText(file.Path, string.Empty);
        log.Notice("second");
        Assert.StartsWith("[Thu ", File.ReadAllText(file.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rotated_log_file_is_opened_anew()
    {
        using var file = new TemporaryFile();
        using Log log = MakeLog();
        log.OpenFile(file.Path);
        log.Notice("first");
        File.Move(file.Path, $"{file.Path}.1");
        log.Notice("second");
        log.Reopen();
        log.Notice("third");
        Assert.Equal((2, 1), (File.ReadLines($"{file.Path}.1").Count(), File.ReadLines(file.Path).Count()));
    }

    [Fact]
    public void A_log_file_that_cannot_be_opened_gives_the_line_of_conntrackd()
    {
        using Log log = MakeLog();
        Assert.Equal("can't open logfile `/var/log': Is a directory", log.OpenFile("/var/log"));
    }

    [Fact]
    public void A_full_disk_loses_lines_and_counts_them()
    {
        using Log log = MakeLog();
        Assert.Null(log.OpenFile("/dev/full"));
        log.Notice("x");
        Assert.Equal(1, log.Lost);
    }

    [Fact]
    public void Syslog_gets_the_text_with_facility_level_and_name()
    {
        using var path = new TemporaryFile();
        using Socket receiver = Listen(path.Path);
        using Log log = MakeLog(path.Path);
        log.OpenSyslog(SyslogFacility.Local3);
        log.Error("can't open channel socket");
        Assert.Equal(
            $"<155>Nov  5 03:07:09 conntrack-tools[{Environment.ProcessId}]: can't open channel socket",
            Receive(receiver));
    }

    [Fact]
    public void Syslog_may_be_restarted()
    {
        using var path = new TemporaryFile();
        using Log log = MakeLog(path.Path);
        log.OpenSyslog(SyslogFacility.Daemon);
        log.Notice("nobody listens");
        Assert.Equal(1, log.Lost);

        using (Socket first = Listen(path.Path))
        {
            log.Notice("one");
            Assert.EndsWith(": one", Receive(first), StringComparison.Ordinal);
        }

        File.Delete(path.Path);
        using Socket second = Listen(path.Path);
        log.Notice("two");
        Assert.EndsWith(": two", Receive(second), StringComparison.Ordinal);
        Assert.Equal(1, log.Lost);
    }

    [Fact]
    public void A_system_log_that_does_not_read_holds_nobody_up()
    {
        using var path = new TemporaryFile();
        using Socket receiver = Listen(path.Path);
        using Log log = MakeLog(path.Path);
        log.OpenSyslog(SyslogFacility.Daemon);
        for (int line = 0; line < 10_000; line++) log.Info("x");
        Assert.InRange(log.Lost, 1, 10_000);
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.ReceiveTimeout = 5_000;
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[1_000];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }

    private Log MakeLog(string syslogPath = "/nonexistent") => new(_output, _error, Time, syslogPath);

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }

    private sealed class SteppedTime : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
