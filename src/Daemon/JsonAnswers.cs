using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Daemon.Helpers;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>What requests that read are answered with when the client wants JSON.</summary>
/// <remarks>An object comes in any case; what the mode does not have is not in it.</remarks>
internal sealed class JsonAnswers(
    DaemonConfig config,
    SyncEngine engine,
    LinkPort? link,
    HelperPort? helpers,
    Func<Instant, RuntimeStats> runtime)
{
    private const int UsualLength = 8 * 1024;
    private const int LongestElement = 64;
    private const int LongestFlow = 4096;
    private const int LongestTimes = 64;

    /// <summary>Answers a request that reads; null for others.</summary>
    public ControlAnswer? Handle(in ControlCall call) => call.Request switch
    {
        ControlRequest.DumpInternalFlows when engine.Options.DisableInternalCache => ListKernel(),
        ControlRequest.DumpInternalFlows => ListFlows(CacheKind.Internal),
        ControlRequest.DumpExternalFlows => ListFlows(CacheKind.External),
        ControlRequest.DumpInternalExpectations => ListExpectations(CacheKind.Internal),
        ControlRequest.DumpExternalExpectations => ListExpectations(CacheKind.External),
        _ when ControlAccess.IsRead(call.Request) => Statistics(call.Request, call.Now),
        _ => null,
    };

    private JsonListing ListFlows(CacheKind cache)
    {
        ulong nanoseconds = (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        var style = new FlowTextStyle(FlowTextParts.None, nanoseconds);
        PackedFlow flow = default;
        ulong cursor = 0;
        bool Write(Instant now, ref LineWriter line)
        {
            if (!engine.ReadNext(cache, ref cursor, now, ref flow, out EntryTimes times)) return false;
            JsonText json = default;
            PutTimes(ref json, ref line, cache, times);
            line.Write(",\"flow\":"u8);
            FlowJson.Write(ref line, in flow, in style);
            json.Close(ref line);
            return true;
        }

        return new JsonListing("flows", LongestFlow, Write);
    }

    // As the text: without internal cache the kernel's table is what this node has. Its flows have no age in a cache.
    private static JsonListing ListKernel()
    {
        var table = new TableReader();
        var style = new FlowTextStyle(FlowTextParts.Timeout | FlowTextParts.Counters | FlowTextParts.Use);
        PackedFlow flow = default;
        bool Write(Instant now, ref LineWriter line)
        {
            if (!table.Read(ref flow)) return false;
            line.Write("{\"flow\":"u8);
            FlowJson.Write(ref line, in flow, in style);
            line.Write((byte)'}');
            return true;
        }

        return new JsonListing("flows", LongestFlow, Write, table);
    }

    private JsonListing ListExpectations(CacheKind cache)
    {
        PackedExpectation expectation = default;
        ulong cursor = 0;
        bool Write(Instant now, ref LineWriter line)
        {
            if (!engine.ReadNextExpectation(cache, ref cursor, now, ref expectation, out EntryTimes times))
                return false;
            JsonText json = default;
            PutTimes(ref json, ref line, cache, times);
            line.Write(",\"expectation\":"u8);
            ExpectationJson.Write(ref line, in expectation, default);
            json.Close(ref line);
            return true;
        }

        return new JsonListing("expectations", ExpectationJson.MaxLength + LongestTimes, Write);
    }

    // Opens the object of an entry.
    private void PutTimes(ref JsonText json, ref LineWriter line, CacheKind cache, EntryTimes times)
    {
        bool expires = cache == CacheKind.External && engine.Options.Mode == SyncModeKind.Alarm;
        json.Open(ref line);
        json.PutNumber(ref line, "age_seconds"u8, times.AgeSeconds);
        long left = expires ? (long)engine.Options.CacheTimeoutSeconds - times.IdleSeconds : 0;
        if (expires) json.PutSigned(ref line, "expires_seconds"u8, left);
    }

    private ControlAnswer Statistics(ControlRequest request, Instant now)
    {
        IReadOnlyList<ResendQueueElement> elements =
            request == ControlRequest.ResendQueueStatistics ? engine.ReadResendQueue() : [];
        int helperBytes = (helpers?.Helpers.Count ?? 0) * HelperReport.LongestObject;
        byte[] buffer = new byte[UsualLength + (elements.Count * LongestElement) + helperBytes];
        LineWriter line = new(buffer);
        JsonText json = default;
        json.Open(ref line);
        Put(ref json, ref line, request, now, elements);
        json.Close(ref line);
        line.Write((byte)'\n');
        return ControlAnswer.FromBytes(buffer.AsMemory(0, line.Length));
    }

    private void Put(
        ref JsonText json, ref LineWriter line, ControlRequest request, Instant now,
        IReadOnlyList<ResendQueueElement> elements)
    {
        ref readonly SyncStats stats = ref engine.Stats;
        switch (request)
        {
            case ControlRequest.FlowStatistics:
                PutCaches(ref json, ref line, in stats);
                StatisticsJson.PutTotals(ref json, ref line, in stats, hasPeers: link is not null);
                if (link is not null) StatisticsJson.PutLink(ref json, ref line, link.Active, "link"u8);
                HelperReport.PutHelpers(ref json, ref line, helpers);
                break;
            case ControlRequest.ExpectationStatistics when config.Sync is { SyncExpectations: true }:
                PutExpectationCaches(ref json, ref line, in stats);
                break;
            case ControlRequest.CacheStatistics:
                PutCaches(ref json, ref line, in stats);
                break;
            case ControlRequest.NetworkStatistics when link is not null:
                StatisticsJson.PutNetwork(ref json, ref line, in stats);
                StatisticsJson.PutLink(ref json, ref line, link.Active, "link"u8);
                PutPeers(ref json, ref line, link.Peers, now);
                break;
            case ControlRequest.LinkStatistics when link is not null:
                json.OpenList(ref line, "links"u8);
                foreach (LinkReport report in link.Reports) StatisticsJson.PutLink(ref json, ref line, in report);
                json.CloseList(ref line);
                break;
            case ControlRequest.RuntimeStatistics:
                StatisticsJson.PutRuntime(ref json, ref line, runtime(now));
                break;
            case ControlRequest.QueueStatistics when link is not null:
                PutQueues(ref json, ref line, in stats);
                break;
            case ControlRequest.ResendQueueStatistics when engine.Options.Mode == SyncModeKind.Ftfw:
                PutElements(ref json, ref line, elements);
                break;
            case ControlRequest.ProcessStatistics:
                json.OpenList(ref line, "processes"u8);
                json.CloseList(ref line);
                break;
        }
    }

    private void PutPeers(ref JsonText json, ref LineWriter line, IReadOnlyList<PeerNode> peers, Instant now)
    {
        byte family = config.Sync!.Links[0].Remote.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? AddressFamily.IPv4
            : AddressFamily.IPv6;
        json.OpenList(ref line, "nodes"u8);
        foreach (PeerNode peer in peers)
        {
            json.Open(ref line);
            json.PutText(ref line, "address"u8, Encoding.ASCII.GetBytes(peer.Name.ToText(family)));
            if (peer.HeardAt.Microseconds > 0)
            {
                long microseconds = now.Microseconds - peer.HeardAt.Microseconds;
                json.PutNumber(ref line, "heard_ms_ago"u8, (ulong)microseconds / 1000);
                json.PutNumber(ref line, "last_sequence"u8, peer.LastNumber.Value);
            }

            json.Close(ref line);
        }

        json.CloseList(ref line);
    }

    private void PutCaches(ref JsonText json, ref LineWriter line, in SyncStats stats)
    {
        json.Open(ref line, "caches"u8);
        if (link is null)
        {
            StatisticsJson.PutCache(ref json, ref line, "stats"u8, in stats.Internal);
            json.Close(ref line);
            return;
        }

        SyncOptions options = engine.Options;
        if (options.DisableInternalCache) StatisticsJson.PutBypass(ref json, ref line, in stats.Bypass);
        else StatisticsJson.PutCache(ref json, ref line, "internal"u8, in stats.Internal);
        if (options.DisableExternalCache) StatisticsJson.PutInject(ref json, ref line, in stats.Inject);
        else StatisticsJson.PutCache(ref json, ref line, "external"u8, in stats.External);
        json.Close(ref line);
    }

    private void PutExpectationCaches(ref JsonText json, ref LineWriter line, in SyncStats stats)
    {
        SyncOptions options = engine.Options;
        json.Open(ref line, "caches"u8);
        if (options.DisableInternalCache)
            StatisticsJson.PutBypass(ref json, ref line, StatisticsText.BypassOfExpectations(in stats));
        else
            StatisticsJson.PutCache(ref json, ref line, "internal"u8, in stats.InternalExpectations);
        if (options.DisableExternalCache) StatisticsJson.PutInject(ref json, ref line, in stats.ExpectationInject);
        else StatisticsJson.PutCache(ref json, ref line, "external"u8, in stats.ExternalExpectations);
        json.Close(ref line);
    }

    private void PutQueues(ref JsonText json, ref LineWriter line, in SyncStats stats)
    {
        json.PutNumber(ref line, "control_elements"u8, stats.ControlElements);
        json.PutNumber(ref line, "unannounced"u8, stats.Unannounced);
        json.OpenList(ref line, "queues"u8);
        foreach (QueueReport queue in SyncRequests.Queues(config.Sync!, engine.Options, in stats))
            StatisticsJson.PutQueue(ref json, ref line, in queue);
        json.CloseList(ref line);
    }

    private static void PutElements(
        ref JsonText json, ref LineWriter line, IReadOnlyList<ResendQueueElement> elements)
    {
        json.OpenList(ref line, "elements"u8);
        foreach (ResendQueueElement element in elements)
        {
            json.Open(ref line);
            json.PutNumber(ref line, "sequence"u8, element.Sequence.Value);
            if (element.IsControl) json.PutNumber(ref line, "control_flags"u8, element.Flags);
            json.Close(ref line);
        }

        json.CloseList(ref line);
    }
}
