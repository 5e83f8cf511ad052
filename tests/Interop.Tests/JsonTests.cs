using System.Text.Json;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>What can be read can be read as JSON, with the same numbers.</summary>
[Trait("needs", "root")]
public sealed class JsonTests
{
    private const int Flows = 300;

    [Fact]
    public void Every_form_of_statistics_is_an_object_with_the_numbers_of_the_text()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();
        Node node = pair.First;

        JsonElement flows = Read(node, "-s", "ct");
        Assert.Equal(Flows, flows.GetProperty("caches").GetProperty("internal").GetProperty("active").GetInt32());
        Assert.Equal(0, flows.GetProperty("caches").GetProperty("external").GetProperty("active").GetInt32());
        Assert.Equal("sync0", flows.GetProperty("link").GetProperty("device").GetString());
        Assert.True(flows.GetProperty("messages").GetProperty("sent").GetInt32() >= Flows);
        Assert.Equal(
            node.Count("runtime", "current buffer size (in bytes)"),
            Read(node, "-s", "runtime").GetProperty("kernel").GetProperty("buffer_bytes").GetInt64());
        Assert.Equal("udp", Read(node, "-s", "link").GetProperty("links")[0].GetProperty("kind").GetString());
        Assert.Equal(3, Read(node, "-s", "queue").GetProperty("queues").GetArrayLength());
        JsonElement network = Read(node, "-s", "network");
        Assert.Equal(0, network.GetProperty("malformed").GetProperty("total").GetInt32());
        Assert.Equal(0, network.GetProperty("sequence").GetProperty("jumps_refused").GetInt32());
        Assert.Equal(0, network.GetProperty("peers").GetProperty("hellos_refused").GetInt32());
        Assert.Equal(0, network.GetProperty("peers").GetProperty("given_up").GetInt32());
        Assert.Equal(Flows, Read(node, "-s", "cache").GetProperty("caches").GetProperty("internal")
            .GetProperty("created").GetInt32());
        Assert.Equal(0, Read(node, "-s", "process").GetProperty("processes").GetArrayLength());
        Assert.Equal(JsonValueKind.Array, Read(node, "-s", "rsqueue").GetProperty("elements").ValueKind);
    }

    [Fact]
    public void A_cache_is_listed_with_every_flow_once()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours);
        Assert.Equal(0, Read(pair.First, "-i").GetProperty("flows").GetArrayLength());
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();

        foreach (JsonElement cache in (JsonElement[])[Read(pair.First, "-i"), Read(pair.Second, "-e")])
        {
            JsonElement[] flows = [.. cache.GetProperty("flows").EnumerateArray()];
            Assert.Equal(Flows, flows.Length);
            Assert.All(flows, entry => Assert.InRange(entry.GetProperty("age_seconds").GetInt32(), 0, 60));
            Assert.Distinct(flows.Select(entry => entry.GetProperty("flow").GetProperty("original").ToString()),
                StringComparer.Ordinal);
        }
    }

    [Fact]
    public void Without_internal_cache_the_kernels_table_is_listed_as_in_the_text()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with
        {
            Mode = "NOTRACK",
            ModeLines = "DisableInternalCache On",
        });
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        JsonElement[] flows = [.. Read(pair.First, "-i").GetProperty("flows").EnumerateArray()];
        Assert.Equal(Flows, flows.Length);
        Assert.Equal(Flows, pair.First.Do("-i").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All(flows, entry => Assert.True(entry.GetProperty("flow").GetProperty("timeout").GetInt32() > 0));
        Assert.Distinct(
            flows.Select(entry => entry.GetProperty("flow").GetProperty("original").ToString()), StringComparer.Ordinal);
    }

    [Fact]
    public void Expectations_have_the_same_forms()
    {
        using Pair pair = Pair.Start(
            Make.Ours, Make.Ours, config => config with { SyncLines = "Options { ExpectationSync on }" });
        Assert.Equal(0, Read(pair.First, "-i", "expect").GetProperty("expectations").GetArrayLength());
        Assert.Equal(0, Read(pair.First, "-s", "expect").GetProperty("caches").GetProperty("internal")
            .GetProperty("active").GetInt32());
    }

    [Fact]
    public void JSON_of_a_daemon_that_does_not_know_it_is_an_error()
    {
        using Pair pair = Pair.Start(Make.Original, Make.Ours);
        CommandResult result = Command.Run(
            ProgramFinder.Ours(), ["-C", pair.First.Daemon.ConfigPath, "-s", "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("does not know JSON", result.Errors, StringComparison.Ordinal);
    }

    private static JsonElement Read(Node node, params string[] command) =>
        JsonDocument.Parse(node.Do([.. command, "--json"])).RootElement;
}
