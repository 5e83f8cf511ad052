using System.Text.Json.Nodes;

namespace TwinTrack.Router.Views;

/// <summary>Holds the external cache against the kernel's table.</summary>
internal sealed class CacheComparison
{
    private readonly SortedDictionary<string, (int Both, int Cache, int Kernel)> _counts = new(StringComparer.Ordinal);
    private readonly List<CacheEntry> _clashing = [];

    /// <summary>Compares.</summary>
    /// <param name="cache">Flows of the external cache.</param>
    /// <param name="kernel">Flows of the kernel.</param>
    public CacheComparison(IReadOnlyList<CacheEntry> cache, IReadOnlyList<TableRow> kernel)
    {
        HashSet<string> own = [.. kernel.Select(Original)];
        HashSet<string> taken = [.. kernel.Select(Reply)];
        HashSet<string> told = [.. cache.Select(Original)];
        foreach (CacheEntry flow in cache)
        {
            bool isBoth = own.Contains(Original(flow));
            Count(flow.ProtocolName, isBoth ? 1 : 0, isBoth ? 0 : 1, 0);
            if (!isBoth && taken.Contains(Original(flow))) _clashing.Add(flow);
        }

        foreach (TableRow row in kernel.Where(row => !told.Contains(Original(row))))
            Count(row.ProtocolName, 0, 0, 1);
    }

    /// <summary><c>show conntrack-sync diff</c>.</summary>
    public string Difference()
    {
        var table = new SimpleTable("Protocol", "In both", "External cache only", "Kernel only");
        foreach ((string protocol, (int both, int cache, int kernel)) in _counts)
            table.Add(protocol, $"{both}", $"{cache}", $"{kernel}");
        return table.ToString();
    }

    /// <summary>The same as JSON.</summary>
    public JsonObject DifferenceAsJson()
    {
        var json = new JsonObject();
        foreach ((string protocol, (int both, int cache, int kernel)) in _counts)
        {
            json[protocol] = new JsonObject
            {
                ["both"] = both,
                ["external_only"] = cache,
                ["kernel_only"] = kernel,
            };
        }

        return json;
    }

    /// <summary><c>test conntrack-sync failover</c>: what the steps of a new master would do.</summary>
    /// <param name="expectations">Expectations in the external cache.</param>
    public string FailoverTest(int expectations)
    {
        var table = new SimpleTable("Step", "What it would do");
        table.Add("commit", $"{Sum(one => one.Cache)} flows made, {Sum(one => one.Both)} changed, "
            + $"{_clashing.Count} clash with another flow");
        table.Add("commit-expect", $"{expectations} expectations made");
        table.Add("flush-caches", $"{Sum(one => one.Both + one.Cache)} flows of the partner forgotten");
        int all = Sum(one => one.Both + one.Cache + one.Kernel) - _clashing.Count;
        table.Add("refill", $"{all} flows of the kernel read");
        table.Add("send-bulk", "all of them sent to the partner");
        return _clashing.Count == 0 ? table.ToString() : $"{table}\nClashing flows:\n{CacheView.New(_clashing)}";
    }

    /// <summary>The same as JSON.</summary>
    public JsonObject FailoverTestAsJson(int expectations) => new()
    {
        ["made"] = Sum(one => one.Cache),
        ["changed"] = Sum(one => one.Both),
        ["clashing"] = Json.Entries(_clashing),
        ["expectations"] = expectations,
    };

    private int Sum(Func<(int Both, int Cache, int Kernel), int> part) => _counts.Values.Sum(part);

    private void Count(string protocol, int both, int cache, int kernel)
    {
        (int Both, int Cache, int Kernel) now = _counts.GetValueOrDefault(protocol);
        _counts[protocol] = (now.Both + both, now.Cache + cache, now.Kernel + kernel);
    }

    private static string Original(CacheEntry flow) =>
        $"{flow.Protocol} {flow.Source} {flow.SourcePort} {flow.Destination} {flow.DestinationPort}";

    private static string Original(TableRow row) =>
        $"{row.Protocol} {row.Source} {row.SourcePort} {row.Destination} {row.DestinationPort}";

    private static string Reply(TableRow row) =>
        $"{row.Protocol} {row.ReplySource} {row.ReplySourcePort} {row.ReplyDestination} {row.ReplyDestinationPort}";
}
