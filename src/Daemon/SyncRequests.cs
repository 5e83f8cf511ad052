using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Daemon.Helpers;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>What the control socket's requests mean in synchronisation mode.</summary>
internal sealed class SyncRequests(
    DaemonConfig config,
    SyncEngine engine,
    LinkPort link,
    HelperPort? helpers,
    Func<Instant, RuntimeStats> runtime,
    Action stop)
{
    /// <summary>The request that started the last commit: its log lines differ.</summary>
    public ControlRequest? CommitCause { get; private set; }

    /// <summary>Carries a request out.</summary>
    public ControlAnswer? Handle(in ControlCall call)
    {
        switch (call.Request)
        {
            case ControlRequest.DumpInternalFlows:
                return List(CacheKind.Internal, isXml: false);
            case ControlRequest.DumpInternalFlowsXml:
                return List(CacheKind.Internal, isXml: true);
            case ControlRequest.DumpExternalFlows:
                return List(CacheKind.External, isXml: false);
            case ControlRequest.DumpExternalFlowsXml:
                return List(CacheKind.External, isXml: true);
            case ControlRequest.Stop:
                stop();
                return ControlAnswer.UntilComplete;
        }

        if (IsExpectation(call.Request) && config.Sync is not { SyncExpectations: true }) return ControlAnswer.Empty;
        if (ExpectationsOf(call.Request) is { } listing) return listing;
        if (CommandOf(call.Request) is { } command)
        {
            if (command is SyncCommand.Commit or SyncCommand.CommitFlows or SyncCommand.CommitExpectations)
                CommitCause = call.Request;
            SyncReply reply = engine.OnCommand(call.Now, command, call.Ticket);
            return reply == SyncReply.Pending ? ControlAnswer.UntilComplete : ControlAnswer.Empty;
        }

        if (call.Request == ControlRequest.ResendQueueStatistics && config.Sync!.Mode != SyncModeKind.Ftfw)
            return ControlAnswer.Empty;
        return StatisticsOf(in call) is { } text ? ControlAnswer.FromText(text.ToString()) : null;
    }

    private ExpectationListing? ExpectationsOf(ControlRequest request) => request switch
    {
        ControlRequest.DumpInternalExpectations => ListExpectations(CacheKind.Internal, isXml: false),
        ControlRequest.DumpInternalExpectationsXml => ListExpectations(CacheKind.Internal, isXml: true),
        ControlRequest.DumpExternalExpectations => ListExpectations(CacheKind.External, isXml: false),
        ControlRequest.DumpExternalExpectationsXml => ListExpectations(CacheKind.External, isXml: true),
        _ => null,
    };

    private ExpectationListing ListExpectations(CacheKind cache, bool isXml)
    {
        bool Read(ref ulong cursor, Instant now, ref PackedExpectation expectation, out EntryTimes times) =>
            engine.ReadNextExpectation(cache, ref cursor, now, ref expectation, out times);
        return new ExpectationListing(Read, isXml, TimeoutOf(cache));
    }

    private static SyncCommand? CommandOf(ControlRequest request) => request switch
    {
        ControlRequest.Commit => SyncCommand.Commit,
        ControlRequest.CommitFlows => SyncCommand.CommitFlows,
        ControlRequest.CommitExpectations => SyncCommand.CommitExpectations,
        ControlRequest.FlushCaches or ControlRequest.FlushFlowCaches => SyncCommand.FlushCaches,
        ControlRequest.FlushInternalCaches => SyncCommand.FlushInternalCache,
        ControlRequest.FlushExternalCaches => SyncCommand.FlushExternalCache,
        ControlRequest.FlushKernel => SyncCommand.FlushKernel,
        ControlRequest.FlushKernelFlows => SyncCommand.FlushKernelFlows,
        ControlRequest.FlushKernelExpectations => SyncCommand.FlushKernelExpectations,
        ControlRequest.ResyncKernel => SyncCommand.ResyncKernel,
        ControlRequest.ResyncKernelFlows => SyncCommand.ResyncKernelFlows,
        ControlRequest.ResyncKernelExpectations => SyncCommand.ResyncKernelExpectations,
        ControlRequest.SendBulk => SyncCommand.SendBulk,
        ControlRequest.RequestResync => SyncCommand.RequestResync,
        ControlRequest.Purge => SyncCommand.Purge,
        _ => null,
    };

    // Without ExpectationSync these are accepted and have no effect and no answer, as with the original.
    private static bool IsExpectation(ControlRequest request) => request
        is ControlRequest.ExpectationStatistics or ControlRequest.FlushKernelExpectations
        or ControlRequest.ResyncKernelExpectations or ControlRequest.DumpInternalExpectations
        or ControlRequest.DumpExternalExpectations or ControlRequest.CommitExpectations
        or ControlRequest.DumpInternalExpectationsXml or ControlRequest.DumpExternalExpectationsXml;

    private StringBuilder? StatisticsOf(in ControlCall call)
    {
        ref readonly SyncStats stats = ref engine.Stats;
        var text = new StringBuilder();
        return call.Request switch
        {
            ControlRequest.FlowStatistics =>
                text.AppendFlowStatistics(in stats, link.Active, engine.Options).AppendHelpers(helpers),
            ControlRequest.CacheStatistics => text.AppendCacheDetails(in stats, engine.Options),
            ControlRequest.ExpectationStatistics =>
                text.AppendExpectationStatistics(in stats, link.Active, engine.Options),
            ControlRequest.NetworkStatistics => text.AppendNetwork(in stats).AppendActiveLink(link.Active),
            ControlRequest.LinkStatistics => text.AppendLinks(link.Reports),
            ControlRequest.RuntimeStatistics => text.AppendRuntime(runtime(call.Now)),
            ControlRequest.ResendQueueStatistics => text.AppendResendQueue(engine.ReadResendQueue()),
            ControlRequest.QueueStatistics =>
                text.AppendQueues(stats.ControlElements, Queues(config.Sync!, engine.Options, in stats)),
            ControlRequest.ProcessStatistics => text.AppendProcesses(),
            _ => null,
        };
    }

    /// <summary>The queues of a mode, in the order of the original.</summary>
    public static QueueReport[] Queues(SyncConfig sync, SyncOptions options, in SyncStats stats)
    {
        QueueReport transmit = new("txqueue", stats.TransmitQueue, StatisticsText.Unlimited, 0);
        QueueReport errors = new("errorq", 0, sync.ErrorQueueLength, 0);
        if (sync.Mode != SyncModeKind.Ftfw) return [transmit, errors];
        QueueReport resend =
            new("rsqueue", stats.ResendQueue, (uint)options.ResendQueueSize, stats.ResendQueueOverflows);
        return [transmit, errors, resend];
    }

    private ControlAnswer List(CacheKind cache, bool isXml)
    {
        if (cache == CacheKind.Internal && engine.Options.DisableInternalCache) return new KernelListing();
        bool Read(ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times) =>
            engine.ReadNext(cache, ref cursor, now, ref flow, out times);
        FlowTextParts parts = isXml && cache == CacheKind.Internal ? FlowTextParts.Id : FlowTextParts.None;
        ulong nanoseconds = (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        return new FlowListing(Read, new FlowTextStyle(parts, nanoseconds), isXml, TimeoutOf(cache));
    }

    private uint? TimeoutOf(CacheKind cache) =>
        cache == CacheKind.External && config.Sync!.Mode == SyncModeKind.Alarm
            ? engine.Options.CacheTimeoutSeconds
            : null;
}
