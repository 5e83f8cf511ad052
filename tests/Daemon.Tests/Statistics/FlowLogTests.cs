using System.Net;
using System.Net.Sockets;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Statistics;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Statistics;

public sealed class FlowLogTests : IDisposable
{
    // A line of the recording that the flow below is.
    private static readonly string Recorded =
        GoldenFiles.Read("outputs/stats-mode/stats.log").Split('\n')[0];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twintrack-flowlog-");

    private string LogPath => Path.Combine(_folder.FullName, "flows.log");

    [Fact]
    public void A_line_is_that_of_the_original()
    {
        using (FlowLog log = Open(new StatsConfig { LogFile = LogPath })) log.Write(RecordedFlow());
        Assert.Equal(Recorded + "\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void The_system_log_gets_the_flow_with_level_info()
    {
        string path = Path.Combine(_folder.FullName, "syslog");
        using var socket = new Socket(System.Net.Sockets.AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        using FlowLog log = Open(new StatsConfig { Syslog = SyslogFacility.Local2 }, path);
        log.Write(RecordedFlow());

        byte[] datagram = new byte[2048];
        string text = Encoding.UTF8.GetString(datagram, 0, socket.Receive(datagram));
        Assert.StartsWith("<150>Nov 20 23:18:15 conntrack-tools[", text, StringComparison.Ordinal);
        Assert.EndsWith("]: " + Recorded.Split('\t')[1], text, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_lines_all_arrive()
    {
        using (FlowLog log = Open(new StatsConfig { LogFile = LogPath }))
        {
            for (int line = 0; line < 5000; line++) log.Write(RecordedFlow());
        }

        string[] lines = File.ReadAllLines(LogPath);
        Assert.Equal(5000, lines.Length);
        Assert.All(lines, line => Assert.Equal(Recorded, line));
    }

    [Fact]
    public void A_line_costs_no_memory()
    {
        using FlowLog log = Open(new StatsConfig { LogFile = LogPath });
        PackedFlow flow = RecordedFlow();
        log.Write(in flow);
        log.Flush();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int line = 0; line < 100; line++) log.Write(in flow);
        log.Flush();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_file_that_has_grown_is_rotated_between_lines_and_so_many_are_kept()
    {
        uint limit = (uint)(Recorded.Length + 1) * 3;
        using (FlowLog log = Open(new StatsConfig { LogFile = LogPath, LogFileSize = limit, LogFileKeep = 2 }))
        {
            for (int line = 0; line < 10; line++)
            {
                log.Write(RecordedFlow());
                log.Flush();
            }
        }

        Assert.Equal([1, 3, 3], new[] { "", ".1", ".2" }.Select(end => File.ReadAllLines(LogPath + end).Length));
        Assert.False(File.Exists(LogPath + ".3"));
    }

    [Fact]
    public void After_somebody_else_has_rotated_it_the_file_is_made_anew()
    {
        using FlowLog log = Open(new StatsConfig { LogFile = LogPath });
        log.Write(RecordedFlow());
        log.Flush();
        File.Move(LogPath, LogPath + ".1");
        Assert.Null(log.Reopen());
        log.Write(RecordedFlow());
        log.Flush();
        Assert.Single(File.ReadAllLines(LogPath));
    }

    [Fact]
    public void A_file_that_cannot_be_opened_is_named() =>
        Assert.Contains("can't open logfile `/tmp': ", Assert.Throws<StartException>(
            () => Open(new StatsConfig { LogFile = "/tmp" })).Message, StringComparison.Ordinal);

    public void Dispose() => _folder.Delete(recursive: true);

    private static FlowLog Open(StatsConfig config, string syslogPath = "/nonexistent") =>
        FlowLog.Open(config, new RecordedTime(), syslogPath);

    // tcp 6 TIME_WAIT src=10.82.0.2 dst=10.82.1.2 sport=39008 dport=80 packets=6 bytes=325 src=10.82.1.2 ...
    private static PackedFlow RecordedFlow()
    {
        var flow = new PackedFlow
        {
            Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.TcpState
                | FlowFields.CountersOriginal | FlowFields.CountersReply,
            Status = FlowStatus.SeenReply | FlowStatus.Assured,
            TcpState = (byte)TcpState.TimeWait,
            CountersOriginal = new FlowCounters(6, 325),
            CountersReply = new FlowCounters(4, 221),
        };
        flow.Original = Tuple("10.82.0.2", 39008, "10.82.1.2", 80);
        flow.Reply = Tuple("10.82.1.2", 80, "10.82.0.2", 39008);
        return flow;
    }

    private static FlowTuple Tuple(string source, ushort sourcePort, string destination, ushort destinationPort) => new()
    {
        Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.SourcePort | TupleParts.DestinationPort,
        Family = TwinTrack.Conntrack.AddressFamily.IPv4,
        Protocol = IpProtocol.Tcp,
        Source = Address.Read(IPAddress.Parse(source).GetAddressBytes()),
        Destination = Address.Read(IPAddress.Parse(destination).GetAddressBytes()),
        SourcePort = sourcePort,
        DestinationPort = destinationPort,
    };

    private sealed class RecordedTime : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 20, 23, 18, 15, TimeSpan.Zero);
    }
}
