using System.Text.RegularExpressions;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Control;

public sealed partial class NoticeTextTests
{
    private const int NoSuchEntry = 2; // ENOENT

    [Theory]
    [InlineData(SyncNoticeKind.CommitStarted, "[notice] committing all external caches")]
    [InlineData(SyncNoticeKind.FlushingCaches, "[notice] flushing caches")]
    [InlineData(SyncNoticeKind.FlushingInternal, "[notice] flushing internal cache")]
    [InlineData(SyncNoticeKind.FlushingExternal, "[notice] flushing external cache")]
    [InlineData(SyncNoticeKind.FlushingKernel, "[notice] flushing kernel conntrack table")]
    [InlineData(SyncNoticeKind.PurgingKernel, "[notice] flushing kernel conntrack table (scheduled)")]
    [InlineData(SyncNoticeKind.PurgeScheduled, "[notice] flushing conntrack table in 60 secs")]
    [InlineData(SyncNoticeKind.ResyncingKernel, "[notice] resync with master conntrack table")]
    [InlineData(SyncNoticeKind.SendingBulk, "[notice] sending bulk update")]
    [InlineData(SyncNoticeKind.ResyncRequested, "[notice] resync requested")]
    [InlineData(SyncNoticeKind.ResyncRequestedByPeer, "[notice] resync requested by other node")]
    public void A_command_gives_a_line_that_the_original_logged(SyncNoticeKind kind, string expected)
    {
        SyncNotice notice = new() { Kind = kind, Value = 60 };
        Assert.Equal([expected], Lines(in notice, null));
        Assert.Contains(expected, RecordedLines());
    }

    [Theory]
    [InlineData(SyncNoticeKind.CommitBusy, "[notice] commit already in progress, skipping")]
    [InlineData(SyncNoticeKind.FlushRefused, "[ERROR] ignoring flush command, commit still in progress")]
    [InlineData(SyncNoticeKind.InternalCacheFull,
        "[warning] internal cache is full (60 flows), new flows are not replicated")]
    [InlineData(SyncNoticeKind.ExternalCacheFull,
        "[warning] external cache is full (60 flows), new flows of the peer are not kept")]
    [InlineData(SyncNoticeKind.ResendQueueFull,
        "[warning] resend queue is full (60 elements), the oldest cannot be repeated any more")]
    [InlineData(SyncNoticeKind.RepairStarted, "[warning] events were lost, comparing with the kernel table")]
    [InlineData(SyncNoticeKind.RepairDone, "[notice] comparison with the kernel table done, 60 differences sent")]
    [InlineData(SyncNoticeKind.KernelFlushDone, "[ERROR] can't flush kernel conntrack table: Device not a stream")]
    public void Trouble_gives_one_line(SyncNoticeKind kind, string expected)
    {
        SyncNotice notice = new() { Kind = kind, Value = 60 }; // as an errno: ENOSTR
        Assert.Equal([expected], Lines(in notice, null));
    }

    [Theory]
    [InlineData(SyncNoticeKind.KernelFlushDone)]
    [InlineData(SyncNoticeKind.KernelResyncDone)]
    public void The_good_end_of_a_command_is_silent(SyncNoticeKind kind)
    {
        SyncNotice notice = new() { Kind = kind };
        Assert.Empty(Lines(in notice, null));
    }

    [Fact]
    public void A_commit_of_flows_alone_says_so()
    {
        SyncNotice notice = new() { Kind = SyncNoticeKind.CommitStarted };
        Assert.Equal(["[notice] committing conntrack cache"], Lines(in notice, ControlRequest.CommitFlows));
    }

    [Fact]
    public void The_end_of_a_commit_counts_and_times()
    {
        SyncNotice notice = new()
        {
            Kind = SyncNoticeKind.CommitDone,
            Value = 9,
            Microseconds = 12_000_198,
        };
        Assert.Equal(
            ["[notice] Committed 9 new entries", "[notice] commit has taken 12.000198 seconds"],
            Lines(in notice, null));
        notice.Value2 = 1;
        Assert.Equal("[notice] 1 entries can't be committed", Lines(in notice, null)[1]);
        Assert.Contains("[notice] 1 entries can't be committed", RecordedLines());
    }

    [Fact]
    public void A_flow_that_could_not_be_created_is_shown_as_the_original_showed_it()
    {
        string[] log = GoldenFiles.Read("outputs/commit-errors/log-node2.log").Split('\n');
        int error = Array.FindIndex(log, line => line.Contains("commit-create", StringComparison.Ordinal));
        string flow = log[error + 1][(log[error + 1].IndexOf('\t', StringComparison.Ordinal) + 1)..];

        SyncNotice notice = new() { Kind = SyncNoticeKind.CommitCreateFailed, Value = NoSuchEntry, Flow = Related() };
        List<LogLine> lines = [];
        NoticeText.Append(lines, in notice, null);
        Assert.EndsWith("[ERROR] " + lines[0].Text, log[error], StringComparison.Ordinal);
        Assert.Equal(new LogLine(LogLevel.Error, flow, IsFlow: true), lines[1]);

        notice.Kind = SyncNoticeKind.CommitDeleteFailed;
        Assert.Equal("[ERROR] commit-destroy: No such file or directory", Lines(in notice, null)[0]);
    }

    [Fact]
    public void A_commit_of_expectations_reads_like_the_original_one()
    {
        string[] log = GoldenFiles.Read("outputs/ftfw-multicast/log-node2.log").Split('\n');
        SyncNotice notice = new() { Kind = SyncNoticeKind.CommitStarted };
        string[] lines = Lines(in notice, ControlRequest.CommitExpectations);
        notice = new SyncNotice { Kind = SyncNoticeKind.ExpectationCommitDone, Value = 1, Microseconds = 24 };
        lines = [.. lines, .. Lines(in notice, null)];
        notice.Kind = SyncNoticeKind.FlushingKernelExpectations;
        lines = [.. lines, .. Lines(in notice, null)];
        notice.Kind = SyncNoticeKind.ResyncingKernelExpectations;
        Assert.Equal(["[notice] resync with master expect table"], Lines(in notice, null));
        foreach (string line in lines)
            Assert.Contains(log, logged => logged.EndsWith(line, StringComparison.Ordinal));
        Assert.Equal(4, lines.Length);
    }

    [Fact]
    public void An_expectation_that_could_not_be_created_is_shown()
    {
        SyncNotice notice = new()
        {
            Kind = SyncNoticeKind.ExpectationCommitCreateFailed,
            Value = NoSuchEntry,
            Expectation = new Expectation
            {
                Tuple = FlowTuple.Of(IpProtocol.Tcp, "10.82.0.2", 0, "10.82.1.2", 41739),
                Timeout = 60,
            }.Packed,
        };
        List<LogLine> lines = [];
        NoticeText.Append(lines, in notice, null);
        Assert.Equal("commit-create: No such file or directory", lines[0].Text);
        Assert.Equal(
            new LogLine(LogLevel.Error, "60 proto=6 src=10.82.0.2 dst=10.82.1.2 sport=0 dport=41739", IsFlow: true),
            lines[1]);
    }

    private static PackedFlow Related()
    {
        PackedFlow flow = default;
        _ = Address.TryParse("10.82.0.2", out flow.Original.Source, out flow.Original.Family);
        _ = Address.TryParse("10.82.1.2", out flow.Original.Destination, out flow.Original.Family);
        flow.Original.Protocol = IpProtocol.Tcp;
        flow.Original.SourcePort = 52008;
        flow.Original.DestinationPort = 41739;
        flow.Original.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
        flow.TcpState = (byte)TcpState.CloseWait;
        flow.Timeout = 60;
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured;
        flow.Fields = FlowFields.Original | FlowFields.TcpState | FlowFields.Timeout | FlowFields.Status;
        return flow;
    }

    private static string[] Lines(in SyncNotice notice, ControlRequest? cause)
    {
        List<LogLine> lines = [];
        NoticeText.Append(lines, in notice, cause);
        return [.. lines.Select(line => $"[{Word(line.Level)}] {line.Text}")];
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Error => "ERROR",
        LogLevel.Warning => "warning",
        _ => "notice",
    };

    private static HashSet<string> RecordedLines() =>
    [
        .. GoldenFiles.Below("outputs", "log-node*.log", "daemon.log")
            .SelectMany(path => GoldenFiles.Read(path).Split('\n'))
            .Select(line => Prefix().Replace(line, "")),
    ];

    [GeneratedRegex(@"^\[[^\]]+\] \(pid=\d+\) ", RegexOptions.None, 1000)]
    private static partial Regex Prefix();
}
