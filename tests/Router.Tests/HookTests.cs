using System.Text.Json.Nodes;
using TwinTrack.Router.Live;
using TwinTrack.Router.Shell;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Transitions and restarts that meet others; no daemon runs.</summary>
public sealed class HookTests : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("tt-router-").FullName;
    private readonly RouterPaths _paths;

    public HookTests() => _paths = RouterPaths.In(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_transition_that_another_overtakes_before_its_turn_is_left_out()
    {
        Task<int> first;
        Task<int> second;
        using (Gate.Enter(_paths.Gate))
        {
            first = Start("fault");
            await WaitForState("FAULT");
            second = Start("master");
            await WaitForState("MASTER"); // the state is told while others are still inside
        }

        await Task.WhenAll(first, second).WaitAsync(_patience, TestContext.Current.CancellationToken);
        JsonArray past = Hook.History(_paths);
        Assert.Equal(2, past.Count);
        JsonNode left = past.First(one => (string?)one!["state"] == "FAULT")!;
        JsonNode done = past.First(one => (string?)one!["state"] == "MASTER")!;
        Assert.True((bool)left["overtaken"]!);
        Assert.Empty(left["steps"]!.AsArray());
        Assert.False((bool)done["overtaken"]!);
        Assert.Equal(
            "commit commit-expect flush-caches refill send-bulk",
            string.Join(' ', done["steps"]!.AsArray().Select(step => (string?)step!["step"])));
    }

    [Fact]
    public void A_restart_is_refused_while_a_commit_is_in_progress()
    {
        FileStore.Write(_paths.Running, "set service conntrack-sync interface eth0\n");
        var errors = new StringWriter();
        using Gate commit = Gate.Enter(_paths.Gate, isCommit: true);
        Assert.Equal(1, Operations.Run(["restart", "conntrack-sync"], _paths, TextWriter.Null, errors));
        Assert.Contains("O03", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_state_is_noted_and_refused()
    {
        Assert.Equal(1, new Hook(_paths, _ => { }).Run("sideways", "edge"));
        Assert.StartsWith("UNKNOWN at ", FileStore.Read(_paths.State), StringComparison.Ordinal);
        Assert.Empty(Hook.History(_paths));
    }

    private Task<int> Start(string state) => Task.Factory.StartNew(
        () => new Hook(_paths, _ => { }).Run(state, "edge"), CancellationToken.None,
        TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private async Task WaitForState(string word)
    {
        using var limit = new CancellationTokenSource(_patience);
        while (FileStore.Read(_paths.State)?.StartsWith(word, StringComparison.Ordinal) != true)
            await Task.Delay(10, limit.Token);
    }
}
