using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Helpers;

namespace TwinTrack.Daemon.Helpers;

/// <summary>The counters of the helpers as text and as members of a JSON object.</summary>
internal static class HelperReport
{
    /// <summary>Bytes of one helper in JSON at most.</summary>
    public const int LongestObject = 1024;

    /// <summary>Appends a block for each helper.</summary>
    public static StringBuilder AppendHelpers(this StringBuilder text, HelperPort? helpers)
    {
        if (helpers is null) return text;
        foreach (HelperQueue queue in helpers.Queues)
        {
            foreach (RunningHelper helper in queue.Helpers) Append(text, queue, helper);
            text.Append($"queue {queue.Number}:\n")
                .Append($"packets not inspected:\t\t{queue.Unseen,12}\tverdicts refused:\t{queue.Refused,12}\n\n");
        }

        return text;
    }

    /// <summary>Writes a list of the helpers.</summary>
    public static void PutHelpers(ref JsonText json, ref LineWriter line, HelperPort? helpers)
    {
        if (helpers is null) return;
        json.OpenList(ref line, "helpers"u8);
        foreach (HelperQueue queue in helpers.Queues)
        {
            foreach (RunningHelper helper in queue.Helpers)
            {
                HelperStats stats = helper.Work.Stats;
                json.Open(ref line);
                json.PutText(ref line, "name"u8, Encoding.UTF8.GetBytes(helper.Config.Name));
                json.PutText(ref line, "family"u8, FlowNames.Family(helper.Config.Family));
                json.PutNumber(ref line, "protocol_number"u8, helper.Config.Protocol);
                json.PutNumber(ref line, "queue"u8, queue.Number);
                json.PutNumber(ref line, "packets"u8, stats.Packets);
                json.PutNumber(ref line, "bytes"u8, stats.Bytes);
                json.PutNumber(ref line, "expected"u8, stats.Expected);
                json.PutNumber(ref line, "rewritten"u8, stats.Rewritten);
                json.PutNumber(ref line, "failed"u8, stats.Failed);
                json.Open(ref line, "refused"u8);
                foreach (HelperRefusal reason in Enum.GetValues<HelperRefusal>())
                    json.PutNumber(ref line, Name(reason), stats[reason]);
                json.Close(ref line);
                json.Close(ref line);
            }
        }

        json.CloseList(ref line);
    }

    private static void Append(StringBuilder text, HelperQueue queue, RunningHelper helper)
    {
        HelperStats stats = helper.Work.Stats;
        string family = helper.Config.Family == AddressFamily.IPv4 ? "inet" : "inet6";
        string protocol = helper.Config.Protocol == IpProtocol.Tcp ? "tcp" : "udp";
        text.Append($"helper {helper.Config.Name} {family} {protocol} (queue {queue.Number}):\n")
            .Append($"packets inspected:\t\t{stats.Packets,12}\tbytes:\t{stats.Bytes,20}\n")
            .Append($"expectations made:\t\t{stats.Expected,12}\tpackets rewritten:\t{stats.Rewritten,12}\n")
            .Append("announcements refused:\t");
        foreach (HelperRefusal reason in Enum.GetValues<HelperRefusal>())
            text.Append($" {Encoding.ASCII.GetString(Name(reason))} {stats[reason]}");
        text.Append($"\ninspections failed:\t\t{stats.Failed,12}\n");
    }

    private static ReadOnlySpan<byte> Name(HelperRefusal reason) => reason switch
    {
        HelperRefusal.Address => "address"u8,
        HelperRefusal.Port => "port"u8,
        HelperRefusal.State => "state"u8,
        HelperRefusal.Split => "split"u8,
        HelperRefusal.Rate => "rate"u8,
        _ => "kernel"u8,
    };
}
