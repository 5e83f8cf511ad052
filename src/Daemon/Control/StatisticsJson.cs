using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Statistics as members of a JSON object. The names of the members stay as they are.</summary>
internal static class StatisticsJson
{
    /// <summary>What a cache holds and has seen.</summary>
    public static void PutCache(
        ref JsonText json, ref LineWriter line, ReadOnlySpan<byte> name, in CacheStats cache)
    {
        json.Open(ref line, name);
        json.PutNumber(ref line, "active"u8, cache.Active);
        json.PutNumber(ref line, "objects"u8, cache.Objects);
        json.PutNumber(ref line, "total"u8, cache.Total);
        json.PutNumber(ref line, "created"u8, cache.Created);
        json.PutNumber(ref line, "create_failed"u8, cache.CreateFailed);
        json.PutNumber(ref line, "updated"u8, cache.Updated);
        json.PutNumber(ref line, "destroyed"u8, cache.Destroyed);
        json.Close(ref line);
    }

    /// <summary>In place of the internal cache when it is disabled.</summary>
    public static void PutBypass(ref JsonText json, ref LineWriter line, in BypassStats bypass)
    {
        json.Open(ref line, "internal_bypass"u8);
        json.PutNumber(ref line, "new"u8, bypass.New);
        json.PutNumber(ref line, "updated"u8, bypass.Updated);
        json.PutNumber(ref line, "destroyed"u8, bypass.Destroyed);
        json.Close(ref line);
    }

    /// <summary>In place of the external cache when it is disabled.</summary>
    public static void PutInject(ref JsonText json, ref LineWriter line, in InjectStats inject)
    {
        json.Open(ref line, "external_inject"u8);
        json.PutNumber(ref line, "created"u8, inject.Created);
        json.PutNumber(ref line, "create_failed"u8, inject.CreateFailed);
        json.PutNumber(ref line, "updated"u8, inject.Updated);
        json.PutNumber(ref line, "update_failed"u8, inject.UpdateFailed);
        json.PutNumber(ref line, "destroyed"u8, inject.Destroyed);
        json.PutNumber(ref line, "destroy_failed"u8, inject.DestroyFailed);
        json.Close(ref line);
    }

    /// <summary>Sums over the flows that ended, and what went wrong between the peers.</summary>
    public static void PutTotals(ref JsonText json, ref LineWriter line, in SyncStats stats, bool hasPeers)
    {
        json.Open(ref line, "traffic"u8);
        json.PutNumber(ref line, "bytes"u8, stats.TrafficBytes);
        json.PutNumber(ref line, "packets"u8, stats.TrafficPackets);
        json.Close(ref line);
        if (!hasPeers) return;
        json.Open(ref line, "messages"u8);
        json.PutNumber(ref line, "malformed"u8, stats.Malformed);
        json.PutNumber(ref line, "lost"u8, stats.Lost);
        json.PutNumber(ref line, "sent"u8, stats.MessagesSent);
        json.PutNumber(ref line, "dense_sent"u8, stats.DenseSent);
        json.PutNumber(ref line, "accepted"u8, stats.MessagesAccepted);
        json.Close(ref line);
    }

    /// <summary>What arrived from peers that was no good, in which order it came, and what was refused.</summary>
    public static void PutNetwork(ref JsonText json, ref LineWriter line, in SyncStats stats)
    {
        json.Open(ref line, "malformed"u8);
        json.PutNumber(ref line, "total"u8, stats.Malformed);
        json.PutNumber(ref line, "wrong_version"u8, stats.WrongVersion);
        json.PutNumber(ref line, "header"u8, stats.MalformedHeader);
        json.PutNumber(ref line, "payload"u8, stats.MalformedPayload);
        json.PutNumber(ref line, "type"u8, stats.BadType);
        json.PutNumber(ref line, "truncated"u8, stats.Truncated);
        json.PutNumber(ref line, "size"u8, stats.BadSize);
        json.Close(ref line);
        json.Open(ref line, "sequence"u8);
        json.PutNumber(ref line, "lost"u8, stats.Lost);
        json.PutNumber(ref line, "before"u8, stats.Before);
        json.PutNumber(ref line, "jumps_refused"u8, stats.JumpsRefused);
        json.Close(ref line);
        json.Open(ref line, "peers"u8);
        json.PutNumber(ref line, "hellos_refused"u8, stats.HellosRefused);
        json.PutNumber(ref line, "given_up"u8, stats.PeersGivenUp);
        json.Close(ref line);
    }

    /// <summary>A dedicated link; without a name an item of a list.</summary>
    public static void PutLink(
        ref JsonText json, ref LineWriter line, in LinkReport link, ReadOnlySpan<byte> name = default)
    {
        json.Open(ref line, name);
        json.PutText(ref line, "kind"u8, Lower(link.Kind.ToString()));
        json.PutText(ref line, "device"u8, Encoding.UTF8.GetBytes(link.Device));
        json.PutText(ref line, "status"u8, link.Status switch
        {
            LinkStatus.Running => "running"u8,
            LinkStatus.NoCarrier => "no_carrier"u8,
            _ => "down"u8,
        });
        json.PutFlag(ref line, "active"u8, link.IsActive);
        if (link.Kind == Config.LinkKind.Tcp)
        {
            json.PutFlag(ref line, "server_connected"u8, link.IsServerConnected);
            json.PutFlag(ref line, "client_connected"u8, link.IsClientConnected);
        }

        json.PutNumber(ref line, "times_chosen"u8, link.TimesChosen);
        json.PutNumber(ref line, "bytes_sent"u8, link.Stats.BytesSent);
        json.PutNumber(ref line, "bytes_received"u8, link.Stats.BytesReceived);
        json.PutNumber(ref line, "packets_sent"u8, link.Stats.PacketsSent);
        json.PutNumber(ref line, "packets_received"u8, link.Stats.PacketsReceived);
        json.PutNumber(ref line, "send_errors"u8, link.Stats.SendErrors);
        json.PutNumber(ref line, "receive_errors"u8, link.Stats.ReceiveErrors);
        json.Close(ref line);
    }

    /// <summary>The daemon itself.</summary>
    public static void PutRuntime(ref JsonText json, ref LineWriter line, in RuntimeStats stats)
    {
        json.PutNumber(ref line, "uptime_seconds"u8, stats.UptimeSeconds);
        json.Open(ref line, "kernel"u8);
        json.PutNumber(ref line, "events_received"u8, stats.EventsReceived);
        json.PutNumber(ref line, "events_filtered"u8, stats.EventsFiltered);
        json.PutNumber(ref line, "events_unknown"u8, stats.EventsUnknown);
        json.PutNumber(ref line, "event_errors"u8, stats.EventErrors);
        json.PutNumber(ref line, "dump_unknown"u8, stats.DumpUnknown);
        json.PutNumber(ref line, "overruns"u8, stats.Overruns);
        json.PutNumber(ref line, "flushes"u8, stats.KernelFlushes);
        json.PutNumber(ref line, "resyncs"u8, stats.KernelResyncs);
        json.PutNumber(ref line, "buffer_bytes"u8, stats.BufferSize);
        json.Close(ref line);
        json.Open(ref line, "control"u8);
        json.PutNumber(ref line, "read_failed"u8, stats.ControlReadErrors);
        json.Close(ref line);
    }

    /// <summary>A queue, an item of a list.</summary>
    public static void PutQueue(ref JsonText json, ref LineWriter line, in QueueReport queue)
    {
        json.Open(ref line);
        json.PutText(ref line, "name"u8, Encoding.UTF8.GetBytes(queue.Name));
        json.PutNumber(ref line, "length"u8, queue.Length);
        if (queue.Limit != StatisticsText.Unlimited) json.PutNumber(ref line, "limit"u8, queue.Limit);
        json.PutNumber(ref line, "overflows"u8, queue.Overflows);
        json.Close(ref line);
    }

    private static byte[] Lower(string text) => Encoding.ASCII.GetBytes(text.ToLowerInvariant());
}
