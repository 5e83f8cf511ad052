using System.Text.Json.Nodes;
using TwinTrack.Daemon.Control;
using TwinTrack.Router.Live;
using TwinTrack.Router.Sync;
using TwinTrack.Router.Views;

namespace TwinTrack.Router.Shell;

/// <summary><c>show conntrack-sync</c>.</summary>
internal sealed class SyncViews(RouterPaths paths, SyncSettings sync, DaemonControl daemon, TextWriter errors)
{
    private bool HasExpectations => sync.Expectations.Count > 0;

    /// <summary>The text to show.</summary>
    /// <exception cref="RouterException">There is none.</exception>
    public string Show(List<string> words, bool isJson)
    {
        string second = words.ElementAtOrDefault(1) ?? "";
        switch (words.FirstOrDefault())
        {
            case "statistics": return Statistics(second, words.Contains("raw", StringComparer.Ordinal), isJson);
            case "status": return Status(words.Contains("old", StringComparer.Ordinal), isJson);
            case "internal-cache": return OldCache(isExternal: false, second, isJson);
            case "external-cache": return OldCache(isExternal: true, second, isJson);
            case "cache" when second is "internal" or "external":
                return NewCache(second == "external", words.ElementAtOrDefault(2) ?? "main", isJson);
            case "link": return Told(ControlRequest.LinkStatistics, isJson);
            case "queue": return Told(ControlRequest.QueueStatistics, isJson);
            case "runtime": return Told(ControlRequest.RuntimeStatistics, isJson);
            case "history": return History(isJson);
            default: throw new RouterException($"[show conntrack-sync {string.Join(' ', words)}] is not a command");
        }
    }

    private string Told(ControlRequest request, bool isJson) => StatisticsView.Expand(daemon.Ask(request, isJson));

    private string Statistics(string which, bool isRaw, bool isJson)
    {
        string main = daemon.Ask(ControlRequest.FlowStatistics);
        string? expect = HasExpectations ? daemon.Ask(ControlRequest.ExpectationStatistics) : null;
        if (isJson) return StatisticsAsJson.Make(main, expect).ToJsonString() + "\n";
        if (which == "expect" && expect is null) throw NoExpectations();
        if (which is "main" or "expect")
        {
            string block = which == "main" ? main : expect!;
            return isRaw ? block : StatisticsView.Expand(block);
        }

        return isRaw ? StatisticsView.Raw(main, expect) : StatisticsView.Text(main, expect);
    }

    private string Status(bool isOld, bool isJson)
    {
        string mechanism = sync.VrrpGroup is null ? "cluster" : "vrrp";
        string group = sync.VrrpGroup ?? sync.ClusterGroup ?? "";
        string? transition = FileStore.Read(paths.State);
        string[] interfaces = [.. sync.Links.Select(link => link.Name)];
        if (!isJson) return StatusView.Text(interfaces, mechanism, group, transition, sync.Expectations, isOld);

        JsonNode? last = Hook.History(paths).FirstOrDefault();
        return new JsonObject
        {
            ["sync_interface"] = Json.List(interfaces),
            ["failover_mechanism"] = mechanism,
            ["group"] = group,
            ["last_transition"] = transition?.Split('\n')[0],
            ["state"] = last?["state"]?.DeepClone(),
            ["since"] = last?["since"]?.DeepClone(),
            ["sync_protocols"] = Json.List(sync.Expectations),
            ["daemon"] = new JsonObject { ["running"] = daemon.Answers },
        }.ToJsonString() + "\n";
    }

    private string OldCache(bool isExternal, string which, bool isJson)
    {
        if (which == "expect" && !HasExpectations) throw NoExpectations();
        IReadOnlyList<CacheEntry> flows = which == "expect" ? [] : Flows(isExternal);
        IReadOnlyList<CacheEntry> expectations = which == "main" ? [] : Expectations(isExternal);
        if (isJson) return Json.Entries([.. flows, .. expectations]).ToJsonString() + "\n";
        return which switch
        {
            "main" => CacheView.Old(flows),
            "expect" => CacheView.Old(expectations),
            _ => CacheView.OldBoth(flows, expectations),
        };
    }

    private string NewCache(bool isExternal, string which, bool isJson)
    {
        if (which == "expect" && !HasExpectations) throw NoExpectations();
        IReadOnlyList<CacheEntry> entries = which == "expect" ? Expectations(isExternal) : Flows(isExternal);
        if (isJson) return Json.Entries(entries).ToJsonString() + "\n";
        return which == "expect" ? CacheView.NewExpectations(entries) : CacheView.New(entries);
    }

    private IReadOnlyList<CacheEntry> Flows(bool isExternal) => Read(
        isExternal, isExternal ? ControlRequest.DumpExternalFlowsXml : ControlRequest.DumpInternalFlowsXml);

    private IReadOnlyList<CacheEntry> Expectations(bool isExternal) => !HasExpectations ? [] : Read(
        isExternal,
        isExternal ? ControlRequest.DumpExternalExpectationsXml : ControlRequest.DumpInternalExpectationsXml);

    private IReadOnlyList<CacheEntry> Read(bool isExternal, ControlRequest request)
    {
        if (!isExternal || !sync.DisableExternalCache) return CacheEntry.Read(daemon.Ask(request));
        errors.WriteLine("N2: the external cache is switched off: flows go straight into the kernel's table");
        return [];
    }

    private string History(bool isJson)
    {
        JsonArray history = Hook.History(paths);
        if (isJson) return history.ToJsonString() + "\n";
        var table = new SimpleTable("Since", "State", "Group", "Failed steps");
        foreach (JsonNode? one in history)
        {
            IEnumerable<string> failed = one!["steps"]!.AsArray()
                .Where(step => (string?)step!["result"] != nameof(ControlResult.Done))
                .Select(step => (string)step!["step"]!);
            table.Add(
                (string?)one["since"] ?? "", (string?)one["state"] ?? "", (string?)one["group"] ?? "",
                (bool?)one["overtaken"] == true ? "(overtaken by the next)" : string.Join(", ", failed));
        }

        return table.ToString();
    }

    private static RouterException NoExpectations() => new("O08: expect-sync is not configured");
}
