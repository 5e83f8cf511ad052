using System.Text;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Statistics as conntrackd prints them: one method per block, each ending with an empty line.</summary>
/// <remarks>
/// Scripts cut these texts by column, so every tab and blank counts. Counters that the original has but never counts
/// are printed as 0.
/// </remarks>
public static class StatisticsText
{
    /// <summary>The length of a queue without limit.</summary>
    public const uint Unlimited = int.MaxValue;

    /// <summary>-s ct and -s expect: a cache.</summary>
    /// <param name="text">Takes the block.</param>
    /// <param name="name"><c>internal</c>, <c>external</c> or <c>stats</c>.</param>
    /// <param name="cache">Its counters.</param>
    public static StringBuilder AppendCache(this StringBuilder text, string name, in CacheStats cache) => text
        .Append($"cache {name}:\n")
        .Append($"current active connections:\t{cache.Active,12}\n")
        .AppendCounted("created:\t", cache.Created, cache.CreateFailed)
        .AppendCounted("updated:\t", cache.Updated, 0)
        .AppendCounted("destroyed:\t", cache.Destroyed, 0)
        .Append('\n');

    /// <summary>-s ct and -s cache, in place of the internal cache when it is disabled.</summary>
    public static StringBuilder AppendBypass(this StringBuilder text, in BypassStats bypass) => text
        .Append("internal bypass:\n")
        .Append($"connections new:\t\t{bypass.New,12}\n")
        .Append($"connections updated:\t\t{bypass.Updated,12}\n")
        .Append($"connections destroyed:\t\t{bypass.Destroyed,12}\n")
        .Append('\n');

    /// <summary>-s ct and -s cache, in place of the external cache when it is disabled.</summary>
    public static StringBuilder AppendInject(this StringBuilder text, in InjectStats inject) => text
        .Append("external inject:\n")
        .AppendCounted("created:\t", inject.Created, inject.CreateFailed)
        .AppendCounted("updated:\t", inject.Updated, inject.UpdateFailed)
        .AppendCounted("destroyed:\t", inject.Destroyed, inject.DestroyFailed)
        .Append('\n');

    /// <summary>-s ct: sums over the flows that ended.</summary>
    public static StringBuilder AppendTraffic(this StringBuilder text, ulong bytes, ulong packets) => text
        .Append("traffic processed:\n")
        .Append($"{bytes,20} Bytes      {packets,20} Pckts\n")
        .Append('\n');

    /// <summary>-s ct and -s network: the link in use.</summary>
    public static StringBuilder AppendActiveLink(this StringBuilder text, in LinkReport link)
    {
        text.Append($"{KindWord(link.Kind)} traffic (active device={link.Device})");
        if (link.Kind == LinkKind.Tcp)
        {
            text.Append($" server={ConnectionWord(link.IsServerConnected)}")
                .Append($" client={ConnectionWord(link.IsClientConnected)}");
        }

        return text.Append(":\n").AppendLinkStats(in link);
    }

    /// <summary>-s ct: what went wrong between the peers.</summary>
    public static StringBuilder AppendMessages(this StringBuilder text, in SyncStats stats) => text
        .Append("message tracking:\n")
        .Append($"{stats.Malformed,20} Malformed msgs {stats.Lost,20} Lost msgs\n")
        .Append('\n');

    /// <summary>-s ct: the caches, or what stands in place of a disabled one, and all that follows.</summary>
    public static StringBuilder AppendFlowStatistics(
        this StringBuilder text, in SyncStats stats, in LinkReport activeLink, SyncOptions options) => (
            options.DisableInternalCache
                ? text.AppendBypass(in stats.Bypass)
                : text.AppendCache("internal", in stats.Internal))
        .AppendExternal(in stats, options)
        .AppendTraffic(stats.TrafficBytes, stats.TrafficPackets)
        .AppendActiveLink(in activeLink)
        .AppendMessages(in stats);

    /// <summary>-s ct in statistics mode.</summary>
    public static StringBuilder AppendStatistics(this StringBuilder text, in SyncStats stats) => text
        .AppendCache("stats", in stats.Internal)
        .AppendTraffic(stats.TrafficBytes, stats.TrafficPackets);

    /// <summary>-s expect: the words are those of flows.</summary>
    public static StringBuilder AppendExpectationStatistics(
        this StringBuilder text, in SyncStats stats, in LinkReport activeLink, SyncOptions options) => (
            options.DisableInternalCache
                ? text.AppendBypass(BypassOfExpectations(in stats))
                : text.AppendCache("internal", in stats.InternalExpectations))
        .AppendExternalExpectations(in stats, options)
        .AppendTraffic(stats.TrafficBytes, stats.TrafficPackets)
        .AppendActiveLink(in activeLink)
        .AppendMessages(in stats);

    /// <summary>Expectations in the terms of a disabled internal cache: each change is one that is sent.</summary>
    public static BypassStats BypassOfExpectations(in SyncStats stats)
    {
        ref readonly CacheStats cache = ref stats.InternalExpectations;
        return new BypassStats(cache.Created, cache.Updated, cache.Destroyed);
    }

    /// <summary>-s cache: a cache in detail.</summary>
    /// <param name="text">Takes the block.</param>
    /// <param name="name"><c>internal</c>, <c>external</c> or <c>stats</c>.</param>
    /// <param name="cache">Its counters.</param>
    public static StringBuilder AppendCacheDetail(this StringBuilder text, string name, in CacheStats cache) => text
        .Append($"cache:{name}\tactive objects:\t\t{cache.Objects,12}\n")
        .Append($"\tactive/total entries:\t\t{cache.Active,12}/{cache.Total,12}\n")
        .Append($"\tcreation OK/failed:\t\t{cache.Created,12}/{cache.CreateFailed,12}\n")
        .Append($"\t\tno memory available:\t{0,12}\n")
        .Append($"\t\tno space left in cache:\t{cache.CreateFailed,12}\n")
        .Append($"\tupdate OK/failed:\t\t{cache.Updated,12}/{0,12}\n")
        .Append($"\t\tentry not found:\t{0,12}\n")
        .Append($"\tdeletion created/failed:\t{cache.Destroyed,12}/{0,12}\n")
        .Append($"\t\tentry not found:\t{0,12}\n")
        .Append('\n');

    /// <summary>-s cache: both caches, or what stands in place of a disabled one.</summary>
    public static StringBuilder AppendCacheDetails(
        this StringBuilder text, in SyncStats stats, SyncOptions options)
    {
        if (options.DisableInternalCache) text.AppendBypass(in stats.Bypass);
        else text.AppendCacheDetail("internal", in stats.Internal);
        return options.DisableExternalCache
            ? text.AppendInject(in stats.Inject)
            : text.AppendCacheDetail("external", in stats.External);
    }

    /// <summary>-s network, without the link that follows it.</summary>
    public static StringBuilder AppendNetwork(this StringBuilder text, in SyncStats stats) => text
        .Append("network statistics:\n")
        .Append("\trecv:\n")
        .Append($"\t\tMalformed messages:\t{stats.Malformed,20}\n")
        .Append($"\t\tWrong protocol version:\t{stats.WrongVersion,20}\n")
        .Append($"\t\tMalformed header:\t{stats.MalformedHeader,20}\n")
        .Append($"\t\tMalformed payload:\t{stats.MalformedPayload,20}\n")
        .Append($"\t\tBad message type:\t{stats.BadType,20}\n")
        .Append($"\t\tTruncated message:\t{stats.Truncated,20}\n")
        .Append($"\t\tBad message size:\t{stats.BadSize,20}\n")
        .Append("\tsend:\n")
        .Append($"\t\tMalformed messages:\t{0,20}\n")
        .Append('\n')
        .Append("sequence tracking statistics:\n")
        .Append("\trecv:\n")
        .Append($"\t\tPackets lost:\t\t{stats.Lost,20}\n")
        .Append($"\t\tPackets before:\t\t{stats.Before,20}\n")
        .Append('\n');

    /// <summary>-s link: all links, in the order of the configuration.</summary>
    public static StringBuilder AppendLinks(this StringBuilder text, IEnumerable<LinkReport> links)
    {
        ArgumentNullException.ThrowIfNull(links);
        foreach (LinkReport link in links) text.AppendLink(in link);
        return text;
    }

    /// <summary>-s link: one link.</summary>
    public static StringBuilder AppendLink(this StringBuilder text, in LinkReport link) => text
        .Append($"{KindWord(link.Kind)} traffic device={link.Device} status={StatusWord(link.Status)} ")
        .Append($"role={(link.IsActive ? "ACTIVE" : "BACKUP")}:\n")
        .AppendLinkStats(in link);

    /// <summary>-s runtime.</summary>
    public static StringBuilder AppendRuntime(this StringBuilder text, in RuntimeStats stats) => text
        .Append("daemon uptime: ")
        .AppendDuration(stats.UptimeSeconds)
        .Append("\n\n")
        .Append("netlink stats:\n")
        .Append($"\tevents received:\t{stats.EventsReceived,20}\n")
        .Append($"\tevents filtered:\t{stats.EventsFiltered,20}\n")
        .Append($"\tevents unknown type:\t\t{stats.EventsUnknown,12}\n")
        .Append($"\tcatch event failed:\t\t{stats.EventErrors,12}\n")
        .Append($"\tdump unknown type:\t\t{stats.DumpUnknown,12}\n")
        .Append($"\tnetlink overrun:\t\t{stats.Overruns,12}\n")
        .Append($"\tflush kernel table:\t\t{stats.KernelFlushes,12}\n")
        .Append($"\tresync with kernel table:\t{stats.KernelResyncs,12}\n")
        .Append($"\tcurrent buffer size (in bytes):\t{stats.BufferSize,12}\n")
        .Append('\n')
        .Append("runtime stats:\n")
        .Append($"\tchild process failed:\t\t{stats.ChildrenFailed,12}\n")
        .Append($"\t\tchild process segfault:\t{stats.ChildrenCrashed,12}\n")
        .Append($"\t\tchild process termsig:\t{stats.ChildrenTerminated,12}\n")
        .Append($"\tselect failed:\t\t\t{stats.PollErrors,12}\n")
        .Append($"\twait failed:\t\t\t{stats.WaitErrors,12}\n")
        .Append($"\tlocal read failed:\t\t{stats.ControlReadErrors,12}\n")
        .Append($"\tlocal unknown request:\t\t{stats.ControlUnknown,12}\n")
        .Append('\n');

    /// <summary>-s queue.</summary>
    /// <param name="text">Takes the text.</param>
    /// <param name="allocated">Control messages and error buffers in memory.</param>
    /// <param name="queues">In the order txqueue, errorq, and with FT-FW rsqueue.</param>
    public static StringBuilder AppendQueues(
        this StringBuilder text, uint allocated, params ReadOnlySpan<QueueReport> queues)
    {
        text.Append($"allocated queue nodes:\t\t{allocated,12}\n\n");
        foreach (QueueReport queue in queues)
        {
            text.Append($"queue {queue.Name}:\n")
                .Append($"current elements:\t\t{queue.Length,12}\n")
                .Append($"maximum elements:\t\t{queue.Limit,12}\n")
                .Append($"not enough space errors:\t{queue.Overflows,12}\n")
                .Append('\n');
        }

        return text;
    }

    /// <summary>-s rsqueue: the elements that wait for an acknowledgement, oldest first.</summary>
    public static StringBuilder AppendResendQueue(
        this StringBuilder text, IReadOnlyCollection<ResendQueueElement> elements)
    {
        text.Append($"resent queue (len={elements.Count})\n");
        foreach (ResendQueueElement element in elements)
        {
            text.Append(element.IsControl ? "control" : "object").Append($" -> seq:{element.Sequence.Value}");
            if (element.IsControl) text.Append($" flags:{element.Flags}");
            text.Append('\n');
        }

        return text;
    }

    /// <summary>-s process: nothing when no process works for the daemon.</summary>
    public static StringBuilder AppendProcesses(this StringBuilder text, params ReadOnlySpan<ProcessReport> processes)
    {
        foreach (ProcessReport process in processes) text.Append($"PID={process.ProcessId} type={process.Type}\n");
        return text;
    }

    private static StringBuilder AppendCounted(this StringBuilder text, string what, uint succeeded, uint failed) =>
        text.Append($"connections {what}\t{succeeded,12}\tfailed:\t{failed,12}\n");

    private static StringBuilder AppendExternal(
        this StringBuilder text, in SyncStats stats, SyncOptions options) => options.DisableExternalCache
        ? text.AppendInject(in stats.Inject)
        : text.AppendCache("external", in stats.External);

    private static StringBuilder AppendExternalExpectations(
        this StringBuilder text, in SyncStats stats, SyncOptions options) => options.DisableExternalCache
        ? text.AppendInject(in stats.ExpectationInject)
        : text.AppendCache("external", in stats.ExternalExpectations);

    private static StringBuilder AppendLinkStats(this StringBuilder text, in LinkReport link) => text
        .Append($"{link.Stats.BytesSent,20} Bytes sent {link.Stats.BytesReceived,20} Bytes recv\n")
        .Append($"{link.Stats.PacketsSent,20} Pckts sent {link.Stats.PacketsReceived,20} Pckts recv\n")
        .Append($"{link.Stats.SendErrors,20} Error send {link.Stats.ReceiveErrors,20} Error recv\n")
        .Append('\n');

    private static StringBuilder AppendDuration(this StringBuilder text, ulong seconds)
    {
        const ulong minute = 60, hour = 60 * minute, day = 24 * hour;
        if (seconds >= day) text.Append($"{seconds / day} {(seconds < 2 * day ? "day" : "days")} ");
        ulong hours = seconds / hour % 24;
        if (hours > 0) text.Append($"{hours} h ");
        return text.Append($"{seconds / minute % 60} min");
    }

    private static string KindWord(LinkKind kind) => kind switch
    {
        LinkKind.Multicast => "multicast",
        LinkKind.Udp => "UDP",
        _ => "TCP",
    };

    private static string StatusWord(LinkStatus status) => status switch
    {
        LinkStatus.Running => "RUNNING",
        LinkStatus.NoCarrier => "NO-CARRIER",
        _ => "DOWN",
    };

    private static string ConnectionWord(bool isConnected) => isConnected ? "connected" : "disconnected";
}
