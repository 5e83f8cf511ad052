using System.Runtime.InteropServices;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Notices of the engine as the log lines of conntrackd, which monitoring looks for.</summary>
/// <remarks>Of full caches and repairs the original says nothing; those lines are ours.</remarks>
public static class NoticeText
{
    /// <summary>Adds the lines of a notice: none, one, or several.</summary>
    /// <param name="lines">Takes the lines.</param>
    /// <param name="notice">What the engine said.</param>
    /// <param name="cause">The request that started the commit; null: all caches.</param>
    public static void Append(ICollection<LogLine> lines, in SyncNotice notice, ControlRequest? cause)
    {
        switch (notice.Kind)
        {
            case SyncNoticeKind.CommitCreateFailed:
                AppendFailure(lines, "commit-create", in notice);
                break;
            case SyncNoticeKind.CommitDeleteFailed:
                AppendFailure(lines, "commit-destroy", in notice);
                break;
            case SyncNoticeKind.InjectFailed:
                AppendFailure(lines, notice.Value2 > 1 ? $"inject ({notice.Value2} failed)" : "inject", in notice);
                break;
            case SyncNoticeKind.ExpectationCommitCreateFailed:
                AppendExpectationFailure(lines, "commit-create", in notice);
                break;
            case SyncNoticeKind.ExpectationCommitDeleteFailed:
                AppendExpectationFailure(lines, "commit-destroy", in notice);
                break;
            case SyncNoticeKind.CommitDone:
                AppendCommitDone(lines, in notice, "entries");
                break;
            case SyncNoticeKind.ExpectationCommitDone:
                AppendCommitDone(lines, in notice, "expectations");
                break;
            default:
                string text = Text(in notice, cause);
                if (text.Length > 0) lines.Add(new LogLine(Level(in notice), text));
                break;
        }
    }

    /// <summary>Says that a client asked for what it may not have.</summary>
    public static void WriteDenied(this Log log, ControlCall call) => log.Warning(
        $"control request {(int)call.Request} of user {call.Peer.UserId} (pid={call.Peer.ProcessId}) refused: "
        + "it is for root and the user the daemon runs as");

    private static string Text(in SyncNotice notice, ControlRequest? cause) => notice.Kind switch
    {
        SyncNoticeKind.CommitStarted => cause switch
        {
            ControlRequest.CommitFlows => "committing conntrack cache",
            ControlRequest.CommitExpectations => "committing expectation cache",
            _ => "committing all external caches",
        },
        SyncNoticeKind.CommitBusy => "commit already in progress, skipping",
        SyncNoticeKind.FlushingCaches => "flushing caches",
        SyncNoticeKind.FlushingInternal => "flushing internal cache",
        SyncNoticeKind.FlushingExternal => "flushing external cache",
        SyncNoticeKind.FlushRefused => "ignoring flush command, commit still in progress",
        SyncNoticeKind.FlushingKernel => "flushing kernel conntrack table",
        SyncNoticeKind.FlushingKernelExpectations => "flushing kernel expect table",
        SyncNoticeKind.PurgingKernel => "flushing kernel conntrack table (scheduled)",
        SyncNoticeKind.KernelFlushDone when notice.Value != 0 =>
            $"can't flush kernel conntrack table: {ErrorText(notice.Value)}",
        SyncNoticeKind.PurgeScheduled => $"flushing conntrack table in {notice.Value} secs",
        SyncNoticeKind.ResyncingKernel => "resync with master conntrack table",
        SyncNoticeKind.ResyncingKernelExpectations => "resync with master expect table",
        SyncNoticeKind.SendingBulk => "sending bulk update",
        SyncNoticeKind.ResyncRequested => "resync requested",
        SyncNoticeKind.ResyncRequestedByPeer => "resync requested by other node",
        SyncNoticeKind.InternalCacheFull =>
            $"internal cache is full ({notice.Value} flows), new flows are not replicated",
        SyncNoticeKind.ExternalCacheFull =>
            $"external cache is full ({notice.Value} flows), new flows of the peer are not kept",
        SyncNoticeKind.InternalExpectationsFull =>
            $"internal cache is full ({notice.Value} expectations), new expectations are not replicated",
        SyncNoticeKind.ExternalExpectationsFull =>
            $"external cache is full ({notice.Value} expectations), new expectations of the peer are not kept",
        SyncNoticeKind.ResendQueueFull =>
            $"resend queue is full ({notice.Value} elements), the oldest cannot be repeated any more",
        SyncNoticeKind.ResyncFlood =>
            "a peer asks for everything again and again, it is answered every few seconds at most",
        SyncNoticeKind.HelloFlood =>
            "a peer says again and again that it has started, it is believed every few seconds at most",
        SyncNoticeKind.NumbersJump =>
            "the numbers of a peer jump, what it says is ignored unless nothing else comes for a while",
        SyncNoticeKind.ResyncUnsupported => "resync is unsupported in this mode",
        SyncNoticeKind.BypassFull => "the link takes too little, events are not replicated",
        SyncNoticeKind.RepairStarted => "events were lost, comparing with the kernel table",
        SyncNoticeKind.RepairDone => $"comparison with the kernel table done, {notice.Value} differences sent",
        _ => "",
    };

    private static LogLevel Level(in SyncNotice notice) => notice.Kind switch
    {
        SyncNoticeKind.FlushRefused or SyncNoticeKind.KernelFlushDone => LogLevel.Error,
        SyncNoticeKind.InternalCacheFull or SyncNoticeKind.ExternalCacheFull or SyncNoticeKind.ResendQueueFull
            or SyncNoticeKind.RepairStarted or SyncNoticeKind.BypassFull or SyncNoticeKind.ResyncFlood
            or SyncNoticeKind.HelloFlood or SyncNoticeKind.NumbersJump
            or SyncNoticeKind.InternalExpectationsFull or SyncNoticeKind.ExternalExpectationsFull => LogLevel.Warning,
        _ => LogLevel.Notice,
    };

    private static void AppendCommitDone(ICollection<LogLine> lines, in SyncNotice notice, string what)
    {
        lines.Add(new LogLine(LogLevel.Notice, $"Committed {notice.Value} new {what}"));
        if (notice.Value2 > 0) lines.Add(new LogLine(LogLevel.Notice, $"{notice.Value2} {what} can't be committed"));

        if (notice.Value3 > 0)
        {
            lines.Add(new LogLine(
                LogLevel.Notice, $"{notice.Value3} entries are not committed, their time was over before"));
        }

        (long seconds, long microseconds) = Math.DivRem(notice.Microseconds, 1_000_000);
        lines.Add(new LogLine(LogLevel.Notice, $"commit has taken {seconds}.{microseconds:D6} seconds"));
    }

    // The second line shows the flow as it is in the cache, with the timeout it was to get.
    private static void AppendFailure(ICollection<LogLine> lines, string what, in SyncNotice notice)
    {
        Span<byte> buffer = stackalloc byte[FlowText.MaxLength];
        LineWriter flow = new(buffer);
        FlowText.Write(ref flow, in notice.Flow, new FlowTextStyle(FlowTextParts.Timeout));
        lines.Add(new LogLine(LogLevel.Error, $"{what}: {ErrorText(notice.Value)}"));
        lines.Add(new LogLine(LogLevel.Error, Encoding.UTF8.GetString(flow.Written), IsFlow: true));
    }

    private static void AppendExpectationFailure(ICollection<LogLine> lines, string what, in SyncNotice notice)
    {
        Span<byte> buffer = stackalloc byte[ExpectationText.MaxLength];
        LineWriter text = new(buffer);
        ExpectationText.Write(ref text, in notice.Expectation, new FlowTextStyle(FlowTextParts.Timeout));
        lines.Add(new LogLine(LogLevel.Error, $"{what}: {ErrorText(notice.Value)}"));
        lines.Add(new LogLine(LogLevel.Error, Encoding.UTF8.GetString(text.Written), IsFlow: true));
    }

    private static string ErrorText(long errno) => Marshal.GetPInvokeErrorMessage((int)errno);
}
