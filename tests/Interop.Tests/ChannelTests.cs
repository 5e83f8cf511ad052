using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Flows go from kernel to kernel over every kind of dedicated link.</summary>
[Trait("needs", "root")]
public sealed class ChannelTests
{
    private const int Flows = 1000;
    private const int FewFlows = 100;

    /// <summary>Sender, receiver, kind of link, and whether it is over IPv6.</summary>
    public static TheoryData<Make, Make, SyncChannel, bool> Cells
    {
        get
        {
            var cells = new TheoryData<Make, Make, SyncChannel, bool>();
            foreach ((SyncChannel channel, bool isIPv6) in ((SyncChannel, bool)[])
            [
                (SyncChannel.Udp, true), (SyncChannel.Multicast, false), (SyncChannel.Multicast, true),
                (SyncChannel.Tcp, false), (SyncChannel.Tcp, true),
            ])
            {
                cells.Add(Make.Ours, Make.Ours, channel, isIPv6);
                cells.Add(Make.Ours, Make.Original, channel, isIPv6);
                cells.Add(Make.Original, Make.Ours, channel, isIPv6);
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Flows_of_every_kind_go_from_kernel_to_kernel(
        Make sender, Make receiver, SyncChannel channel, bool isIPv6)
    {
        using Pair pair = Pair.Build(sender, receiver, channel, isIPv6).Start();
        FlowKinds.GiveLabels(pair.First);
        FlowKinds.GiveLabels(pair.Second);

        pair.First.Create([.. FlowKinds.All(sender)]);
        pair.WaitUntilEqual();
        pair.Second.Do("-c");

        IReadOnlyList<string> unexplained = KernelComparison.Compare(
            pair.First.Table(), pair.Second.Table(), sender, receiver, tracksWindows: false);
        if (unexplained.Count > 0) Assert.Fail(string.Join('\n', unexplained));
        AssertCounted(pair.First, channel);
        AssertCounted(pair.Second, channel);
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Many_flows_and_a_restart_of_either_side_are_replicated(
        Make sender, Make receiver, SyncChannel channel, bool isIPv6)
    {
        // What its socket takes only a part of, an original loses, and the stream with it.
        int flows = channel == SyncChannel.Tcp && sender == Make.Original ? FewFlows : Flows;
        using Pair pair = Pair.Build(sender, receiver, channel, isIPv6).Start();
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, flows);
        pair.WaitUntilEqual();

        pair.Second.Daemon.Kill();
        FlowGenerator.Delete(home, flows / 2);
        pair.Second.Config = pair.Second.Config with { ModeLines = "StartupResync On" };
        pair.Second.Start();
        pair.WaitUntilEqual();

        pair.First.Daemon.Kill();
        pair.First.Start();
        FlowGenerator.Create(home, flows / 2);
        pair.WaitUntilEqual();
        Assert.Equal(flows, pair.Second.Counts().External);
    }

    // KIND traffic (active device=sync0) ...: and three lines of numbers. Each side says something every second.
    private static void AssertCounted(Node node, SyncChannel channel)
    {
        string kind = channel switch
        {
            SyncChannel.Multicast => "multicast",
            SyncChannel.Tcp => "TCP",
            _ => "UDP",
        };
        Eventually.Holds(() =>
        {
            string[] lines = node.Do("-s").Split('\n');
            int at = Array.FindIndex(
                lines, line => line.StartsWith($"{kind} traffic (active device=sync0)", StringComparison.Ordinal));
            if (at < 0) return $"no line of a {kind} link";
            if (lines[at + 1].Contains(" 0 Bytes", StringComparison.Ordinal)) return lines[at + 1];
            return lines[at + 3].EndsWith(" 0 Error recv", StringComparison.Ordinal) ? null : lines[at + 3];
        });
    }
}
