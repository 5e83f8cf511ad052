using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>Compares what two firewalls hold.</summary>
internal static class FlowSets
{
    // "tcp 6 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1024 dport=80": an external cache prints no reply tuple.
    private static readonly string[] LastOfTuple = ["dport=", "id=", "dstkey="];

    /// <summary>What differs between the primary's internal and the backup's external cache.</summary>
    /// <returns>Null if nothing does, else a sentence with an example.</returns>
    public static string? CompareCaches(DaemonProcess primary, DaemonProcess backup) => Compare(
        "the primary's internal cache", Keys(primary.RequireControl("-i").Output),
        "the backup's external cache", Keys(backup.RequireControl("-e").Output));

    /// <summary>
    /// The same over announceable flows: of a TCP connection that is over the backup need
    /// not have heard.
    /// </summary>
    /// <returns>Null if nothing does, else a sentence with an example.</returns>
    public static string? CompareAnnounceable(DaemonProcess primary, DaemonProcess backup)
    {
        HashSet<string> held = Keys(primary.RequireControl("-i").Output);
        HashSet<string> told = Keys(backup.RequireControl("-e").Output);
        held.RemoveWhere(key => !told.Contains(key) && IsOver(key));
        return Compare("the primary's internal cache", held, "the backup's external cache", told);
    }

    // "tcp      6 TIME_WAIT src=..."
    private static bool IsOver(string key) => key.Split(' ')[2] is "LAST_ACK" or "TIME_WAIT" or "CLOSE";

    /// <summary>What differs between the tables of two kernels: tuples of both directions, status, TCP state.</summary>
    /// <returns>Null if nothing does, else a sentence.</returns>
    public static string? CompareKernels(NetNamespace primary, NetNamespace backup) => Compare(
        "the primary's kernel", KernelFlows(primary), "the backup's kernel", KernelFlows(backup));

    /// <summary>Protocol, state and original tuple of each line of a listing.</summary>
    private static HashSet<string> Keys(string listing)
    {
        HashSet<string> keys = new(StringComparer.Ordinal);
        foreach (string line in listing.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            int last = Array.FindIndex(
                words, word => Array.Exists(LastOfTuple, end => word.StartsWith(end, StringComparison.Ordinal)));
            string assured = line.Contains("[ASSURED]", StringComparison.Ordinal) ? " assured" : "";
            keys.Add(string.Join(' ', words[..(last < 0 ? words.Length : last + 1)]) + assured);
        }

        return keys;
    }

    private static HashSet<(FlowTuple Original, FlowTuple Reply, FlowStatus Status, byte State)> KernelFlows(
        NetNamespace home) => home.Run(() =>
    {
        // Bits that belong to the entry's place in this kernel, not to the flow.
        const FlowStatus Local = FlowStatus.Confirmed | FlowStatus.Dying;
        HashSet<(FlowTuple, FlowTuple, FlowStatus, byte)> flows = [];
        using var client = new ConntrackClient();
        client.Dump((in PackedFlow flow) => flows.Add((flow.Original, flow.Reply, flow.Status & ~Local, flow.TcpState)))
            .ThrowIfFailed("read the table");
        return flows;
    });

    private static string? Compare<T>(string firstName, HashSet<T> first, string secondName, HashSet<T> second)
    {
        if (first.SetEquals(second)) return null;

        T[] missing = [.. first.Where(flow => !second.Contains(flow))];
        T[] extra = [.. second.Where(flow => !first.Contains(flow))];
        string example = missing.Length > 0 ? $"{missing[0]} is missing" : $"{extra[0]} is too much";
        return $"{secondName} lacks {missing.Length} of {first.Count} flows of {firstName} "
            + $"and has {extra.Length} others ({example})";
    }
}
