using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Every kind of flow goes from kernel to kernel.</summary>
[Trait("needs", "root")]
public sealed class FlowKindTests
{
    [Theory]
    [InlineData(Make.Ours, Make.Ours, false)]
    [InlineData(Make.Ours, Make.Original, false)]
    [InlineData(Make.Original, Make.Ours, false)]
    [InlineData(Make.Original, Make.Original, false)]
    [InlineData(Make.Ours, Make.Ours, true)]
    [InlineData(Make.Ours, Make.Original, true)]
    [InlineData(Make.Original, Make.Ours, true)]
    public void Flows_of_every_kind_go_from_kernel_to_kernel(Make sender, Make receiver, bool tracksWindows)
    {
        using Pair pair = Pair.Start(sender, receiver, config => tracksWindows
            ? config with { SyncLines = "Options {\n TCPWindowTracking On\n}" }
            : config);
        FlowKinds.GiveLabels(pair.First);
        FlowKinds.GiveLabels(pair.Second);

        pair.First.Create([.. FlowKinds.All(sender)]);
        pair.WaitUntilEqual();

        pair.First.WithKernel(Change);
        pair.WaitUntilEqual();

        pair.First.WithKernel(client => Delete(client, sender));
        pair.WaitUntilEqual();

        pair.Second.Do("-c");
        IReadOnlyList<string> unexplained =
            KernelComparison.Compare(pair.First.Table(), pair.Second.Table(), sender, receiver, tracksWindows);
        if (unexplained.Count > 0) Assert.Fail(string.Join('\n', unexplained));
    }

    // The first packet's answer, a handshake that goes on, a mark by a rule: each changes other attributes.
    internal static void Change(ConntrackClient client)
    {
        PackedFlow begun = FlowKinds.Find("tcp SYN_SENT");
        begun.TcpState = (byte)TcpState.Established;
        begun.Status |= FlowStatus.SeenReply | FlowStatus.Assured;
        begun.Timeout = 432_000;
        client.Update(in begun).ThrowIfFailed("establish");

        PackedFlow marked = FlowKinds.Find("mark");
        marked.Mark = 7;
        client.Update(in marked).ThrowIfFailed("mark");

        PackedFlow answered = FlowKinds.Find("udp unreplied");
        answered.Status |= FlowStatus.SeenReply;
        client.Update(in answered).ThrowIfFailed("answer");
        answered.Timeout = 222;
        client.Update(in answered).ThrowIfFailed("prolong");

        PackedFlow labelled = FlowKinds.Find("labels");
        labelled.Labels = new(1UL << 37 | 1, 1UL << 63);
        client.Update(in labelled).ThrowIfFailed("label");

        PackedFlow translated = FlowKinds.Find("udp snat and dnat with ports");
        translated.Timeout = 500;
        client.Update(in translated).ThrowIfFailed("prolong a translated flow");
    }

    internal static void Delete(ConntrackClient client, Make sender)
    {
        List<string> names =
            ["tcp SYN_RECV", "icmp snat", "tcp snat with port", "zone 8", "udp over IPv6", "esp", "labels"];
        // What the original sends of these does not tell one from the other: both would go.
        if (sender != Make.Original) names.AddRange(["udplite 2", "gre 2"]);
        foreach (string name in names)
        {
            PackedFlow flow = FlowKinds.Find(name);
            client.Delete(in flow).ThrowIfFailed($"delete {name}");
        }
    }
}
