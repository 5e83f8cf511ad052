using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Statistics;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Recorded;

/// <summary>What the original of the recording sent to the system log, and with which settings.</summary>
public sealed partial class SyslogTests : IDisposable
{
    private const int DaemonLines = 5;

    // Where the original takes a facility or a level that nobody asked for; docs/deviations.md.
    private static readonly Dictionary<string, string> _deviations = new(StringComparer.Ordinal)
    {
        ["GeneralLog=on  StatsLog=on  GeneralSyslog=none   StatsSyslog=local2"] = "1 <150>",
        ["GeneralLog=on  StatsLog=off GeneralSyslog=none   StatsSyslog=local2"] = "1 <150>",
        ["GeneralLog=off StatsLog=on  GeneralSyslog=none   StatsSyslog=local2"] = "1 <150>",
        ["GeneralLog=off StatsLog=off GeneralSyslog=none   StatsSyslog=local2"] = "1 <150>",
        ["GeneralLog=off StatsLog=off GeneralSyslog=local1 StatsSyslog=none"] = "",
        ["GeneralLog=off StatsLog=off GeneralSyslog=local1 StatsSyslog=local2"] = "1 <142>",
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twintrack-");
    private readonly Socket _receiver =
        new(System.Net.Sockets.AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public SyslogTests() => _receiver.Bind(new UnixDomainSocketEndPoint(SyslogPath));

    public static TheoryData<string> Settings =>
        [.. GoldenFiles.Read("outputs/syslog-routing.txt").Split('\n').Where(line => line.Length > 0)];

    public static TheoryData<string> Datagrams =>
        [.. GoldenFiles.Read("outputs/stats-mode/syslog-datagrams.txt").Split('\n').Where(line => line.Length > 0)];

    private string SyslogPath => Path.Combine(_folder.FullName, "log");

    private string StatsPath => Path.Combine(_folder.FullName, "stats");

    [Theory, MemberData(nameof(Settings))]
    public void A_setting_sends_lines_to_where_it_sent_them_in_the_recording(string row)
    {
        Match recorded = Row().Match(row);
        string setting = recorded.Groups["setting"].Value.TrimEnd();
        DaemonConfig config = Parse(recorded);
        using (var log = new Log(TextWriter.Null, TextWriter.Null, syslogPath: SyslogPath))
        {
            if (config.General.Syslog is { } facility) log.OpenSyslog(facility);
            for (int i = 0; i < DaemonLines; i++) log.Notice("text");
        }

        using (FlowLog flows = FlowLog.Open(config.Stats!, syslogPath: SyslogPath))
        {
            var flow = new PackedFlow();
            flows.Write(in flow);
        }

        int lines = File.Exists(StatsPath) ? File.ReadLines(StatsPath).Count() : 0;
        ILookup<bool, string> heard = Heard().ToLookup(text => text.EndsWith(": text", StringComparison.Ordinal));
        Assert.Equal(recorded.Groups["lines"].Value, $"{lines}");
        Assert.Equal(recorded.Groups["daemon"].Value, Summary(heard[true]));
        Assert.Equal(
            _deviations.GetValueOrDefault(setting, recorded.Groups["flows"].Value.TrimEnd()), Summary(heard[false]));
    }

    [Theory, MemberData(nameof(Datagrams))]
    public void A_line_is_sent_as_it_was_in_the_recording(string recorded)
    {
        Match match = Datagram().Match(recorded);
        int priority = int.Parse(match.Groups["priority"].ValueSpan, CultureInfo.InvariantCulture);
        var time = new RecordedTime(DateTimeOffset.ParseExact(
            "2026 " + match.Groups["time"].Value, "yyyy MMM dd HH:mm:ss", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal));
        using (var syslog = new SyslogWriter((SyslogFacility)(priority >> 3), time, SyslogPath))
            syslog.Write((priority & 7) == 5 ? LogLevel.Notice : LogLevel.Info, match.Groups["text"].Value);

        // The newline that an original adds to a flow is left out; docs/deviations.md.
        string expected = match.Groups["line"].Value.Replace(
            $"[{match.Groups["process"].Value}]", $"[{Environment.ProcessId}]", StringComparison.Ordinal);
        Assert.Equal(expected, Assert.Single(Heard()));
    }

    public void Dispose()
    {
        _receiver.Dispose();
        _folder.Delete(recursive: true);
    }

    private DaemonConfig Parse(Match recorded)
    {
        string Value(string group) => recorded.Groups[group].Value.Replace("none", "off", StringComparison.Ordinal);
        string statsLog = Value("statslog") == "on" ? StatsPath : "off";
        string text = $"General {{ LogFile {Value("log")} Syslog {Value("general")} }}\n"
            + $"Stats {{ LogFile {statsLog} Syslog {Value("stats")} }}\n";
        return ConfigReader.Parse("recorded", text, Config.Samples.Protocols).Config!;
    }

    private IEnumerable<string> Heard()
    {
        byte[] datagram = new byte[4096];
        while (_receiver.Poll(TimeSpan.Zero, SelectMode.SelectRead))
            yield return Encoding.UTF8.GetString(datagram, 0, _receiver.Receive(datagram));
    }

    // As the recording sums up: how many lines, and the priority they had.
    private static string Summary(IEnumerable<string> heard) => string.Join(
        ' ', heard.GroupBy(text => text[..(text.IndexOf('>', StringComparison.Ordinal) + 1)], StringComparer.Ordinal)
            .Select(group => $"{group.Count()} {group.Key}"));

    [GeneratedRegex(
        @"^(?<setting>GeneralLog=(?<log>on|off) +StatsLog=(?<statslog>on|off) +"
            + @"GeneralSyslog=(?<general>\w+) +StatsSyslog=(?<stats>\w+) *): statsfile-lines=(?<lines>\d) "
            + @"syslog-daemon-msgs-pri= *(?<daemon>\d <\d+>|) *syslog-flow-pri= *(?<flows>.*)$",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Row();

    [GeneratedRegex(
        @"^b'(?<line><(?<priority>\d+)>(?<time>\w+ \d+ [\d:]+) conntrack-tools\[(?<process>\d+)\]: (?<text>.*?))(\\n)?'$",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Datagram();

    private sealed class RecordedTime(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
