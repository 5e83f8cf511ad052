using TwinTrack.Conntrack;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Nodes without a cache between ours and the original, in both roles.</summary>
[Trait("needs", "root")]
public sealed class CachelessTests
{
    private const int Count = 300;

    /// <summary>The mode, what the sender has for internal cache, and both makes.</summary>
    public static TheoryData<string, bool, Make, Make> Cells
    {
        get
        {
            var rows = new TheoryData<string, bool, Make, Make>();
            (string, bool)[] variants = [("FTFW", false), ("NOTRACK", false), ("NOTRACK", true)];
            foreach ((string mode, bool isCacheless) in variants)
            {
                rows.Add(mode, isCacheless, Make.Ours, Make.Ours);
                rows.Add(mode, isCacheless, Make.Ours, Make.Original);
                rows.Add(mode, isCacheless, Make.Original, Make.Ours);
            }

            // The original has an external cache in mode ALARM whether one wants it or not.
            rows.Add("ALARM", false, Make.Ours, Make.Ours);
            rows.Add("ALARM", false, Make.Original, Make.Ours);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Flows_go_straight_into_the_kernel_of_the_peer(string mode, bool isCacheless, Make sender, Make receiver)
    {
        using Pair pair = Start(mode, isCacheless, sender, receiver);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        WaitForKernel(pair);
        Assert.Empty(pair.Second.External());
        Assert.Equal("", pair.Second.Do("-c"));

        FlowGenerator.Delete(pair.First.Firewall.Namespace, Count / 3);
        WaitForKernel(pair);
        Assert.Equal(Count - (Count / 3), pair.Second.Table().Count(IsGenerated));
    }

    [Theory]
    [InlineData("FTFW")]
    [InlineData("NOTRACK")]
    public void Flows_of_every_kind_are_injected_as_they_would_be_committed(string mode)
    {
        using Pair pair = Start(mode, isCacheless: false, Make.Ours, Make.Ours);
        FlowKinds.GiveLabels(pair.First);
        FlowKinds.GiveLabels(pair.Second);
        pair.First.Create([.. FlowKinds.All(Make.Ours)]);
        Eventually.Holds(() => Difference(pair));
    }

    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    [InlineData(Make.Original, Make.Ours)]
    public void A_node_without_internal_cache_sends_its_kernels_table_when_it_is_asked(Make sender, Make receiver)
    {
        using Pair pair = Start("NOTRACK", isCacheless: true, sender, receiver, injects: false);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        Eventually.Equals(Count, () => pair.Second.Counts().External, "flows told");
        pair.Second.Do("-f", "external");
        pair.Second.Do("-n");
        Eventually.Equals(Count, () => pair.Second.Counts().External, "flows told again");
        pair.Second.Do("-f", "external");
        pair.First.Do("-B");
        Eventually.Equals(Count, () => pair.Second.Counts().External, "flows told unasked");
        Assert.Equal(
            Count,
            pair.First.Do("-i").Split('\n').Count(line => line.Contains("ESTABLISHED", StringComparison.Ordinal)));
    }

    [Fact]
    public void Emptying_caches_that_are_not_there_spares_the_kernel()
    {
        using Pair pair = Start("NOTRACK", isCacheless: true, Make.Ours, Make.Ours);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Count);
        pair.First.Do("-f");
        pair.First.Do("-f", "internal");
        Assert.Equal(Count, pair.First.Table().Count(IsGenerated));
    }

    [Fact]
    public void The_texts_of_the_statistics_are_the_originals()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Original, config => config with
        {
            Mode = "NOTRACK",
            ModeLines = "DisableInternalCache On\nDisableExternalCache On",
        });
        pair.First.Do("-R");
        Assert.Contains("resync is unsupported in this mode", pair.First.Log, StringComparison.Ordinal);
        foreach (string what in (string[])["ct", "cache"])
            Assert.Equal(WithoutNumbers(pair.Second.Do("-s", what)), WithoutNumbers(pair.First.Do("-s", what)));
    }

    private static string WithoutNumbers(string text) =>
        string.Concat(text.Where(character => !char.IsAsciiDigit(character) && character != ' '));

    private static string? Difference(Pair pair)
    {
        List<PackedFlow> sent = pair.First.Table();
        List<PackedFlow> injected = pair.Second.Table();
        if (injected.Count < sent.Count) return $"{injected.Count} flows of {sent.Count}";
        IReadOnlyList<string> differences =
            KernelComparison.Compare(sent, injected, Make.Ours, Make.Ours, tracksWindows: false);
        return differences.Count == 0 ? null : string.Join('\n', differences);
    }

    private static bool IsGenerated(PackedFlow flow) =>
        flow.Original.Protocol == IpProtocol.Tcp && flow.Original.DestinationPort == 80;

    private static void WaitForKernel(Pair pair) => Eventually.Holds(() =>
    {
        HashSet<FlowTuple> wanted = [.. pair.First.Table().Where(IsGenerated).Select(flow => flow.Original)];
        HashSet<FlowTuple> found = [.. pair.Second.Table().Where(IsGenerated).Select(flow => flow.Original)];
        return wanted.SetEquals(found) ? null : $"{found.Count} flows in the kernel of {wanted.Count}";
    });

    private static Pair Start(string mode, bool isCacheless, Make first, Make second, bool injects = true)
    {
        Pair pair = Pair.Build(first, second);
        try
        {
            string internalLine = isCacheless ? "DisableInternalCache On" : "";
            pair.First.Config = pair.First.Config with { Mode = mode, ModeLines = internalLine };
            pair.Second.Config = pair.Second.Config with
            {
                Mode = mode,
                ModeLines = injects ? "DisableExternalCache On" : "",
            };
            pair.First.Start();
            pair.Second.Start();
            return pair;
        }
        catch
        {
            pair.Dispose();
            throw;
        }
    }
}
