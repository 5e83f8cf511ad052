using System.Text.Json;
using System.Text.Json.Nodes;
using TwinTrack.Router.Sync;
using TwinTrack.Router.Views;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Outputs of operational commands, byte for byte.</summary>
public sealed class ViewTests
{
    public static TheoryData<string> Statistics => Golden("statistics", ".raw.txt");

    public static TheoryData<string> Statuses => Golden("status", ".json");

    public static TheoryData<string> Tables => Golden("table", ".json");

    [Theory]
    [MemberData(nameof(Statistics))]
    public void Statistics_are_shown_as_the_documents_show_them(string name)
    {
        string raw = Samples.Text("golden", "statistics", $"{name}.raw.txt");
        string[] parts = raw.Split("\nExpect Table Statistics:\n\n");
        string main = parts[0]["\nMain Table Statistics:\n\n".Length..^1];
        string text = StatisticsView.Text(main, parts.Length > 1 ? parts[1][..^1] : null);
        Assert.Equal(Samples.Text("golden", "statistics", $"{name}.txt"), text);
    }

    [Theory]
    [MemberData(nameof(Statistics))]
    public void Statistics_as_json_have_every_number(string name)
    {
        string[] parts = Samples.Text("golden", "statistics", $"{name}.raw.txt")
            .Split("\nExpect Table Statistics:\n\n");
        JsonNode made = StatisticsAsJson.Make(parts[0], parts.Length > 1 ? parts[1] : null);
        JsonNode expected = JsonNode.Parse(Samples.Text("golden", "statistics", $"{name}.json"))!;
        foreach ((string? _, JsonNode? block) in expected.AsObject())
        {
            foreach (string cache in (string[])["internal", "external"])
            {
                foreach (string verb in (string[])["created", "updated", "destroyed"])
                    block![cache]!.AsObject().TryAdd($"{verb}_failed", 0);
            }
        }

        Assert.True(JsonNode.DeepEquals(expected, made), made.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(Statuses))]
    public void Status_is_shown_in_both_layouts(string name)
    {
        JsonElement status = Samples.Json("golden", "status", $"{name}.json");
        string Text(bool isOld) => StatusView.Text(
            Strings(status.GetProperty("interfaces")), status.GetProperty("mechanism").GetString()!,
            status.GetProperty("group").GetString()!, status.GetProperty("state_file").GetString(),
            Strings(status.GetProperty("expect_sync")), isOld);
        Assert.Equal(Samples.Text("golden", "status", $"{name}.txt"), Text(isOld: false));
        Assert.Equal(Samples.Text("golden", "status", $"{name}.old.txt"), Text(isOld: true));
    }

    [Theory]
    [InlineData("old-main.txt")]
    [InlineData("old-expect.txt")]
    [InlineData("old-both.txt")]
    [InlineData("old-empty.txt")]
    [InlineData("new-main.txt")]
    [InlineData("new-expect.txt")]
    [InlineData("new-empty.txt")]
    public void Caches_are_shown_in_both_layouts(string name)
    {
        IReadOnlyList<CacheEntry> flows = CacheEntry.Read(Samples.Text("golden", "cache", "main.xml"));
        IReadOnlyList<CacheEntry> expectations = CacheEntry.Read(Samples.Text("golden", "cache", "expect.xml"));
        string text = name switch
        {
            "old-main.txt" => CacheView.Old(flows),
            "old-expect.txt" => CacheView.Old(expectations),
            "old-both.txt" => CacheView.OldBoth(flows, expectations),
            "old-empty.txt" => CacheView.Old([]),
            "new-main.txt" => CacheView.New(flows),
            "new-expect.txt" => CacheView.NewExpectations(expectations),
            _ => CacheView.New([]),
        };
        Assert.Equal(Samples.Text("golden", "cache", name), text);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Tables_are_shown_as_the_documents_show_them(string name)
    {
        List<TableRow> rows =
            [.. Samples.Json("golden", "table", $"{name}.json").EnumerateArray().Select(Row)];
        bool isIPv6 = name.EndsWith("ipv6", StringComparison.Ordinal);
        Assert.Equal(Samples.Text("golden", "table", $"{name}.txt"), TableView.Text(rows, isIPv6));
        string wide = Path.Combine(Samples.Root, "golden", "table", $"{name}.wide.txt");
        if (File.Exists(wide)) Assert.Equal(File.ReadAllText(wide), TableView.Wide(rows, hasCounters: false));
    }

    [Fact]
    public void Counters_of_the_kernel_are_a_row_for_each_processor() => Assert.Equal(
        Samples.Text("golden", "conntrack-statistics", "own.txt"),
        CounterView.Text(Samples.Text("golden", "conntrack-statistics", "input.txt")));

    [Fact]
    public void The_hook_stands_in_the_block_of_its_group()
    {
        string text = KeepalivedText.Make(
            Samples.Configuration(
                "set high-availability vrrp sync-group edge member lan\n"
                + "set high-availability vrrp sync-group edge member wan"),
            "edge", "/usr/libexec/ctsync/vrrp-hook");
        Assert.EndsWith(Samples.Text("golden", "keepalived", "sync-group.conf"), text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_has_the_hook_among_the_resources_of_its_group()
    {
        var cluster = ClusterText.Make(
            Samples.Configuration(Samples.Text("01-old-cluster-multicast", "set.txt")), "EDGE", "/bin/hook", "/state")!;
        Assert.Equal("r1 IPaddr2::203.0.113.1/24/eth0 ctsync-cluster\n", cluster.Resources);
        Assert.Equal(
            "keepalive 5000ms\ndeadtime 20000ms\ndeadping 20000ms\ncrm off\nmcast eth1 239.251.252.253 694 1 0\n"
            + "auto_failback on\nnode r1\nnode r2\n",
            cluster.Settings);
        Assert.Equal("auth 1\n1 sha1 sample-key\n", cluster.Keys);
        Assert.Contains("exec /bin/hook \"$1\" EDGE", cluster.Script, StringComparison.Ordinal);
    }

    private static TableRow Row(JsonElement row)
    {
        JsonElement? Get(string name) =>
            row.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
        return new()
        {
            Id = row.GetProperty("id").GetUInt32(),
            Protocol = row.GetProperty("proto").GetByte(),
            ProtocolName = row.GetProperty("protoname").GetString()!,
            Source = row.GetProperty("src").GetString()!,
            SourcePort = Get("sport")?.GetUInt16(),
            Destination = row.GetProperty("dst").GetString()!,
            DestinationPort = Get("dport")?.GetUInt16(),
            ReplySource = Get("reply_src")?.GetString(),
            ReplySourcePort = Get("reply_sport")?.GetUInt16(),
            ReplyDestination = Get("reply_dst")?.GetString(),
            ReplyDestinationPort = Get("reply_dport")?.GetUInt16(),
            State = Get("state")?.GetString(),
            Timeout = Get("timeout")?.GetUInt32(),
            Mark = Get("mark")?.GetUInt32(),
            Zone = Get("zone")?.GetUInt16(),
        };
    }

    private static string[] Strings(JsonElement list) => [.. list.EnumerateArray().Select(one => one.GetString()!)];

    private static TheoryData<string> Golden(string folder, string end) =>
    [
        .. Directory.GetFiles(Path.Combine(Samples.Root, "golden", folder), $"*{end}")
            .Select(path => Path.GetFileName(path)[..^end.Length]).Order(StringComparer.Ordinal),
    ];
}
