using System.Text.Json.Nodes;
using TwinTrack.Conntrack;
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
            case "peer": return Peer(isJson);
            case "diff":
                CacheComparison comparison = Compare();
                return isJson ? comparison.DifferenceAsJson().ToJsonString() + "\n" : comparison.Difference();
            default: throw new RouterException($"[show conntrack-sync {string.Join(' ', words)}] is not a command");
        }
    }

    /// <summary><c>test conntrack-sync failover</c>.</summary>
    /// <exception cref="RouterException">The daemon does not answer.</exception>
    public string TestFailover(bool isJson)
    {
        CacheComparison comparison = Compare();
        int expectations = Expectations(isExternal: true).Count;
        return isJson
            ? comparison.FailoverTestAsJson(expectations).ToJsonString() + "\n"
            : comparison.FailoverTest(expectations);
    }

    private CacheComparison Compare() => new(
        Flows(isExternal: true),
        [.. KernelTable.Read(AddressFamily.IPv4), .. KernelTable.Read(AddressFamily.IPv6)]);

    private string Peer(bool isJson)
    {
        string answer = daemon.Ask(ControlRequest.NetworkStatistics, isJson: true);
        return isJson ? answer : PeerView.Text(JsonNode.Parse(answer)!.AsObject());
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
            ["daemon"] = Daemon(),
            ["link"] = Link(),
            ["config_in_sync"] = IsConfigInSync(),
        }.ToJsonString() + "\n";
    }

    private JsonObject Daemon()
    {
        bool isAnswering = daemon.Request(ControlRequest.RuntimeStatistics, out string runtime, isJson: true)
            == ControlResult.Done;
        return new()
        {
            ["running"] = isAnswering || daemon.Answers,
            ["pid"] = daemon.ProcessId,
            ["uptime_s"] = isAnswering ? JsonNode.Parse(runtime)!["uptime_seconds"]?.DeepClone() : null,
        };
    }

    private JsonObject? Link()
    {
        if (daemon.Request(ControlRequest.NetworkStatistics, out string network, isJson: true) != ControlResult.Done)
            return null;
        JsonNode? link = JsonNode.Parse(network)!["link"];
        return link is null ? null : new JsonObject
        {
            ["type"] = link["kind"]?.DeepClone(),
            ["device"] = link["device"]?.DeepClone(),
            ["status"] = link["status"]?.DeepClone(),
        };
    }

    // Whether the daemon's file is still as the configuration makes it.
    private bool IsConfigInSync() => FileStore.Read(paths.Daemon.Config)
        == new Applier(paths, _ => { }).Files(FileStore.ReadConfig(paths.Running), Machine.Read()).DaemonText;

    private string OldCache(bool isExternal, string which, bool isJson)
    {
        if (which == "expect" && !HasExpectations) throw NoExpectations();
        IReadOnlyList<CacheEntry> flows = which == "expect" ? [] : Flows(isExternal);
        IReadOnlyList<CacheEntry> expectations = which == "main" ? [] : Expectations(isExternal);
        if (isJson) return CacheAsJson(isExternal, which).ToJsonString() + "\n";
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
        if (isJson) return CacheAsJson(isExternal, which).ToJsonString() + "\n";
        return which == "expect" ? CacheView.NewExpectations(entries) : CacheView.New(entries);
    }

    // Ours tells more in JSON than in XML; the original's daemon knows XML only.
    private JsonArray CacheAsJson(bool isExternal, string which)
    {
        JsonArray all = [];
        if (which != "expect")
        {
            Add(all, isExternal ? ControlRequest.DumpExternalFlows : ControlRequest.DumpInternalFlows,
                () => Flows(isExternal));
        }

        if (which != "main" && HasExpectations)
        {
            Add(all, isExternal ? ControlRequest.DumpExternalExpectations : ControlRequest.DumpInternalExpectations,
                () => Expectations(isExternal));
        }

        return all;
    }

    private void Add(JsonArray all, ControlRequest request, Func<IReadOnlyList<CacheEntry>> asXml)
    {
        JsonArray some = daemon.Request(request, out string listing, isJson: true) == ControlResult.Done
            ? CacheJson.Read(listing)
            : Json.Entries(asXml());
        foreach (JsonNode? one in some) all.Add(one!.DeepClone());
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
        ulong? changes = LinkChanges();
        if (isJson)
            return new JsonObject { ["transitions"] = history, ["link_changes"] = changes }.ToJsonString() + "\n";
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

        return table + (changes is null ? "" : $"\nDedicated link changed: {changes} times since the daemon started\n");
    }

    // Null while no daemon answers.
    private ulong? LinkChanges()
    {
        if (daemon.Request(ControlRequest.LinkStatistics, out string text, isJson: true) != ControlResult.Done)
            return null;
        JsonArray? links = JsonNode.Parse(text)?["links"]?.AsArray();
        return links is null ? null : (ulong)links.Sum(link => (long)link!["times_chosen"]!);
    }

    private static RouterException NoExpectations() => new("O08: expect-sync is not configured");
}
