using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Control;
using TwinTrack.Daemon.Helpers;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Statistics;

/// <summary>What the control socket's requests mean in statistics mode.</summary>
/// <remarks>What is about peers is accepted and has neither effect nor answer, as with the original.</remarks>
internal sealed class StatisticsRequests(
    SyncEngine engine, HelperPort? helpers, Func<Instant, RuntimeStats> runtime, Action stop)
{
    /// <summary>Carries a request out.</summary>
    public ControlAnswer? Handle(in ControlCall call)
    {
        switch (call.Request)
        {
            case ControlRequest.DumpInternalFlows:
                return List(isXml: false);
            case ControlRequest.DumpInternalFlowsXml:
                return List(isXml: true);
            case ControlRequest.Stop:
                stop();
                return ControlAnswer.UntilComplete;
        }

        if (CommandOf(call.Request) is { } command)
        {
            SyncReply reply = engine.OnCommand(call.Now, command, call.Ticket);
            return reply == SyncReply.Pending ? ControlAnswer.UntilComplete : ControlAnswer.Empty;
        }

        if (StatisticsOf(in call) is { } text) return ControlAnswer.FromText(text.ToString());
        return Enum.IsDefined(call.Request) ? ControlAnswer.Empty : null;
    }

    // There is one cache: to empty all of them and to empty the internal one is the same.
    private static SyncCommand? CommandOf(ControlRequest request) => request switch
    {
        ControlRequest.FlushCaches or ControlRequest.FlushFlowCaches or ControlRequest.FlushInternalCaches =>
            SyncCommand.FlushCaches,
        ControlRequest.FlushKernel or ControlRequest.FlushKernelFlows => SyncCommand.FlushKernelFlows,
        ControlRequest.ResyncKernel or ControlRequest.ResyncKernelFlows => SyncCommand.ResyncKernelFlows,
        _ => null,
    };

    private StringBuilder? StatisticsOf(in ControlCall call)
    {
        ref readonly SyncStats stats = ref engine.Stats;
        var text = new StringBuilder();
        return call.Request switch
        {
            ControlRequest.FlowStatistics => text.AppendStatistics(in stats).AppendHelpers(helpers),
            ControlRequest.CacheStatistics => text.AppendCacheDetail("stats", in stats.Internal),
            ControlRequest.RuntimeStatistics => text.AppendRuntime(runtime(call.Now)),
            ControlRequest.ProcessStatistics => text.AppendProcesses(),
            _ => null,
        };
    }

    private FlowListing List(bool isXml)
    {
        bool Read(ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times) =>
            engine.ReadNext(CacheKind.Internal, ref cursor, now, ref flow, out times);
        ulong nanoseconds = (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        return new FlowListing(
            Read, new FlowTextStyle(isXml ? FlowTextParts.Id : FlowTextParts.None, nanoseconds), isXml,
            cacheTimeoutSeconds: null);
    }
}
