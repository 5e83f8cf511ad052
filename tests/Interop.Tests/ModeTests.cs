using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The modes NOTRACK and ALARM between ours and the original, in both roles.</summary>
[Trait("needs", "root")]
public sealed class ModeTests
{
    private const int Count = 500;

    public static TheoryData<string, Make, Make> Cells
    {
        get
        {
            var rows = new TheoryData<string, Make, Make>();
            foreach (string mode in (string[])["NOTRACK", "ALARM"])
            {
                rows.Add(mode, Make.Ours, Make.Ours);
                rows.Add(mode, Make.Ours, Make.Original);
                rows.Add(mode, Make.Original, Make.Ours);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Flows_of_every_kind_go_from_kernel_to_kernel(string mode, Make sender, Make receiver)
    {
        using Pair pair = Start(mode, sender, receiver);
        FlowKinds.GiveLabels(pair.First);
        FlowKinds.GiveLabels(pair.Second);

        pair.First.Create([.. FlowKinds.All(sender)]);
        pair.WaitUntilEqual();

        pair.Second.Do("-c");
        IReadOnlyList<string> unexplained =
            KernelComparison.Compare(pair.First.Table(), pair.Second.Table(), sender, receiver, tracksWindows: false);
        if (unexplained.Count > 0) Assert.Fail(string.Join('\n', unexplained));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Changes_and_ends_arrive(string mode, Make sender, Make receiver)
    {
        using Pair pair = Start(mode, sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        pair.WaitUntilEqual();
        FlowGenerator.Delete(pair.First.Firewall.Namespace, Count / 2);
        pair.WaitUntilEqual();
        Assert.Equal(Count - (Count / 2), pair.Second.Counts().External);
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_backup_that_was_restarted_gets_everything_again(string mode, Make sender, Make receiver)
    {
        using Pair pair = Start(mode, sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        pair.WaitUntilEqual();

        Assert.Equal(0, pair.Second.Daemon.Stop());
        pair.Second.Start();
        if (mode == "NOTRACK") pair.Second.Do("-n");
        pair.WaitUntilEqual();
        Assert.Equal(Count, pair.Second.Counts().External);
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_primary_that_was_restarted_tells_its_flows_when_it_is_told_to(string mode, Make sender, Make receiver)
    {
        using Pair pair = Start(mode, sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        Assert.Equal(0, pair.First.Daemon.Stop());
        pair.Second.Do("-f", "external");
        pair.First.Start();
        if (mode == "NOTRACK") pair.First.Do("-B");
        pair.WaitUntilEqual();
        Assert.Equal(Count, pair.Second.Counts().External);
    }

    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    [InlineData(Make.Original, Make.Ours)]
    public void In_mode_NOTRACK_a_node_that_starts_may_ask_for_everything(Make sender, Make receiver)
    {
        using Pair pair = Start("NOTRACK", sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        pair.WaitUntilEqual();
        pair.Second.Config = pair.Second.Config with { ModeLines = "StartupResync On" };
        Assert.Equal(0, pair.Second.Daemon.Stop());
        pair.Second.Start();
        pair.WaitUntilEqual();
        Assert.Equal(Count, pair.Second.Counts().External);
    }

    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Original, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    public void In_mode_ALARM_what_is_not_repeated_expires(Make sender, Make receiver)
    {
        using Pair pair = Start("ALARM", sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        pair.WaitUntilEqual();
        Assert.Contains("[expires in ", pair.Second.Do("-e"), StringComparison.Ordinal);
        pair.First.Daemon.Kill();
        Eventually.Equals(0, () => pair.Second.Counts().External, "entries of a dead peer");
    }

    [Theory]
    [InlineData("NOTRACK")]
    [InlineData("ALARM")]
    public void The_texts_of_the_statistics_are_the_originals(string mode)
    {
        using Pair pair = Start(mode, Make.Ours, Make.Original);
        foreach (string what in (string[])["queue", "rsqueue", "cache", "network"])
        {
            Assert.Equal(
                WithoutNumbers(pair.Second.Do("-s", what)), WithoutNumbers(pair.First.Do("-s", what)));
        }

        Assert.Equal(WithoutNumbers(pair.Second.Do("-s")), WithoutNumbers(pair.First.Do("-s")));
    }

    private static string WithoutNumbers(string text) =>
        string.Concat(text.Where(character => !char.IsAsciiDigit(character) && character != ' '));

    private static Pair Start(string mode, Make first, Make second) => Pair.Start(first, second, config => config with
    {
        Mode = mode,
        ModeLines = mode == "ALARM" ? "RefreshTime 2\nCacheTimeout 6" : "",
    });
}
