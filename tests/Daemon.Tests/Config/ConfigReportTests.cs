using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class ConfigReportTests : IDisposable
{
    private const string TwoModes =
        "General { Nice -1 } Sync { Mode FTFW { } Mode ALARM { } "
        + "UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.2 Port 1 Interface lo } }";

    private const string OneMode =
        "General { HashLimit 7 } Sync { Mode FTFW { } "
        + "UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.2 Port 1 Interface lo } }";

    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public void A_client_hears_the_warnings_of_conntrackd_only()
    {
        Assert.True(ConfigReport.ForClient(MakeLog(), ConfigReader.Parse("x", TwoModes, Samples.Protocols)));
        string line = Assert.Single(Lines(_error));
        Assert.EndsWith("[warning] deprecated nice configuration, ignoring. "
            + "The nice value can be set externally with nice(1) and renice(1).", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_hears_all_warnings()
    {
        Assert.True(ConfigReport.ForDaemon(MakeLog(), ConfigReader.Parse("x", TwoModes, Samples.Protocols)));
        Assert.EndsWith("[warning] several modes are given: FTFW is used", Lines(_error)[1], StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_has_a_place_and_is_the_last_line()
    {
        using var file = new TemporaryFile("General { HashLimit x\nHashSize y }");
        ConfigResult result = ConfigReader.Load(file.Path);
        Assert.False(ConfigReport.ForClient(MakeLog(), result));
        string line = Assert.Single(Lines(_error));
        Assert.EndsWith($"[ERROR] {file.Path}:1:21: unexpected `x' after `HashLimit', "
            + "expected a number from 0 to 4294967295", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_prints_the_effective_configuration()
    {
        using var file = new TemporaryFile(OneMode);
        Assert.Equal(0, ConfigReport.Check(MakeLog(), _output, file.Path));
        Assert.Contains("\n\tHashLimit 7\n", _output.ToString(), StringComparison.Ordinal);
        Assert.Empty(Lines(_error));
    }

    [Fact]
    public void A_check_tells_what_is_missing_on_this_machine_in_the_order_of_the_file()
    {
        using var file = new TemporaryFile(OneMode
            .Replace("Interface lo", "Interface nosuch0", StringComparison.Ordinal)
            .Replace("HashLimit", "LockFile /tmp\nNice -1\nHashLimit", StringComparison.Ordinal));
        Assert.Equal(0, ConfigReport.Check(MakeLog(), _output, file.Path));
        string[] lines = Lines(_error);
        Assert.Equal(3, lines.Length);
        Assert.Contains($"{file.Path}:1:20: can't open lockfile `/tmp'", lines[0], StringComparison.Ordinal);
        Assert.Contains(":2:6: deprecated nice", lines[1], StringComparison.Ordinal);
        Assert.Contains(": nosuch0 is an invalid interface", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_reports_all_problems_and_fails()
    {
        using var file = new TemporaryFile("General { HashLimit x\nHashSize y }");
        Assert.Equal(1, ConfigReport.Check(MakeLog(), _output, file.Path));
        Assert.Equal(2, Lines(_error).Length);
        Assert.Empty(_output.ToString());
    }

    [Theory]
    [InlineData("/nonexistent/x.conf", "No such file or directory")]
    [InlineData("/tmp", "Is a directory")]
    [InlineData("/dev/zero", "larger than 1048576 bytes")]
    public void A_file_that_cannot_be_read_is_named(string path, string reason)
    {
        ConfigProblem problem = Assert.Single(ConfigReader.Load(path).Problems);
        Assert.Equal($"can't open config file `{path}': {reason}", problem.Locate(path));
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    private static string[] Lines(StringWriter writer) =>
        writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private Log MakeLog() => new(_output, _error);
}
