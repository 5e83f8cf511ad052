using TwinTrack.Conntrack;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>PollSecs: no events are listened to, the table is read every few seconds.</summary>
[Trait("needs", "root")]
public sealed class PollTests
{
    private const int Many = 3000;

    [Theory]
    [MemberData(nameof(Pairings))]
    public void What_changes_is_found_by_reading_the_table(Make sender, Make receiver)
    {
        using Pair pair = Start(sender, receiver);
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Many);
        Eventually.Equals(Many, () => pair.First.Counts().Internal, "internal cache");
        pair.WaitUntilEqual();
        FlowGenerator.Delete(home, Many / 2);
        PackedFlow marked = FlowKinds.Find("mark");
        pair.First.Create(marked);
        pair.First.WithKernel(client =>
        {
            marked.Mark = 77;
            client.Update(in marked).ThrowIfFailed("change a mark");
        });
        Eventually.Equals((Many / 2) + 1, () => pair.First.Counts().Internal, "internal cache");
        Eventually.Holds(() => pair.Second.Do("-e").Contains("mark=77", StringComparison.Ordinal) ? null : "no mark");
        pair.WaitUntilEqual();
        Assert.Equal(0, pair.First.Count("runtime", "events received"));
        Assert.Contains("running in polling mode", pair.First.Log, StringComparison.Ordinal);
    }

    public static TheoryData<Make, Make> Pairings => Programs.Pairings;

    /// <summary>The original sends everything each time, and ends and begins flows of zones each time.</summary>
    [Fact]
    public void What_does_not_change_is_not_sent_again()
    {
        using Pair pair = Start(Make.Ours, Make.Ours);
        FlowKinds.GiveLabels(pair.First);
        pair.First.Create([.. FlowKinds.All(Make.Ours)]);
        KernelTable.WaitUntilEqual(pair.First);
        pair.WaitUntilEqual();
        string before = Changes(pair.First, "creation", "deletion");
        Thread.Sleep(TimeSpan.FromSeconds(3)); // three readings, and the greeting, in which everything is said twice
        string peerBefore = Changes(pair.Second, "creation", "deletion", "update");
        Thread.Sleep(TimeSpan.FromSeconds(2));
        Assert.Equal(before, Changes(pair.First, "creation", "deletion"));
        Assert.Equal(peerBefore, Changes(pair.Second, "creation", "deletion", "update"));
        pair.WaitUntilEqual();
    }

    private static string Changes(Node node, params string[] counters) => string.Join('\n', node.Do("-s", "cache")
        .Split('\n').Where(line => Array.Exists(counters, name => line.TrimStart().StartsWith(name, StringComparison.Ordinal))));

    private static Pair Start(Make sender, Make receiver) => Pair.Start(sender, receiver, config => config with
    {
        Protocols = [],
        GeneralLines = config.GeneralLines + "\nPollSecs 1",
    });
}
