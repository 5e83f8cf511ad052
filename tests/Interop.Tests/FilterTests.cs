using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Conntrack.Tests;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// The same filter in ours and in the original, the same flows in both kernels: the same internal cache.
/// </summary>
[Trait("needs", "root")]
public sealed class FilterTests
{
    /// <summary>Filters without their place; @ stands for Accept, then for Ignore.</summary>
    public static TheoryData<string> Filters => new()
    {
        "Protocol @ { TCP SCTP }",
        "Protocol @ { ICMP IPv6-ICMP UDP gre udplite }",
        "Address @ { IPv4_address 10.81.2.2 }",
        "Address @ { IPv4_address 10.81.1.0/24 IPv4_address 10.81.2.0/24 }",
        "Address @ { IPv4_address 10.81.1.1 IPv6_address fd81:1::1 }",
        "Address @ { IPv6_address fd81::/16 }",
        "Address @ { IPv4_address 10.81.1.8/30 IPv4_address 10.81.2.2/31 IPv6_address fd81:1::/32 "
            + "IPv6_address fd81:2::2 }",
        "Address @ { IPv4_address 0.0.0.0/0 }",
        "State @ { ESTABLISHED for TCP }",
        "State @ { SYN_SENT SYN_RECV TIME_WAIT LAST_ACK CLOSE LISTEN for TCP }",
        "Protocol Accept { TCP UDP } Address @ { IPv4_address 10.81.1.2 IPv4_address 10.81.2.2 }",
        "Protocol Ignore { UDP } Address Ignore { IPv4_address 10.81.1.2 } State @ { ESTABLISHED CLOSE_WAIT for TCP }",
    };

    [Theory]
    [MemberData(nameof(Filters))]
    public void Events_pass_as_in_the_original(string filter)
    {
        foreach (string place in (string[])["Userspace", "Kernelspace"])
        {
            foreach (string action in (string[])["Accept", "Ignore"])
            {
                string chosen = filter.Replace("@", action, StringComparison.Ordinal);
                string text = $"Filter From {place} {{ {chosen} }}";
                using Pair pair = Pair.Start(Make.Ours, Make.Original, config => config with { Filter = text });
                PackedFlow[] flows = [.. FlowKinds.All(Make.Ours)];
                Node[] both = [pair.First, pair.Second];
                foreach (Node node in both)
                {
                    FlowKinds.GiveLabels(node);
                    node.Create(flows);
                }

                AssertEqual(pair, $"{text} after new flows");
                foreach (Node node in both) node.WithKernel(client => Change(client, flows));
                AssertEqual(pair, $"{text} after changes");
                foreach (Node node in both) node.WithKernel(client => Delete(client, flows));
                AssertEqual(pair, $"{text} after the end of some");
            }
        }
    }

    [Theory]
    [InlineData("Userspace", 1000)]
    [InlineData("Kernelspace", 0)]
    public void A_filter_in_the_kernel_cuts_the_events_that_are_read(string place, int unwanted)
    {
        const int wanted = 100;
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with
        {
            Filter = $"Filter From {place} {{ Protocol Accept {{ TCP }} }}",
        });
        PackedFlow[] noise = [.. Enumerable.Range(2000, 1000).Select(port => Flows.Udp((ushort)port))];
        PackedFlow[] flows = [.. Enumerable.Range(2000, wanted).Select(port => Flows.Tcp((ushort)port))];
        pair.First.Create(noise);
        pair.First.Create(flows);
        Eventually.Equals(wanted, () => pair.First.Counts().Internal, "internal cache");
        pair.WaitUntilEqual();
        long received = pair.First.Count("runtime", "events received");
        long filtered = pair.First.Count("runtime", "events filtered");
        Assert.Equal((unwanted + wanted, unwanted), (received, Math.Min(filtered, unwanted)));
        Assert.Contains(
            $"using {place.Replace("space", "", StringComparison.Ordinal).ToLowerInvariant()}-space event filtering",
            pair.First.Log, StringComparison.Ordinal);
    }

    /// <summary>The original keeps it for ever: the event of the end tells a state that is not accepted.</summary>
    [Theory]
    [InlineData("Userspace", Make.Ours, 0)]
    [InlineData("Kernelspace", Make.Ours, 0)]
    [InlineData("Userspace", Make.Original, 1)]
    [InlineData("Kernelspace", Make.Original, 1)]
    public void A_flow_that_ends_in_another_state_leaves_the_cache(string place, Make make, int left)
    {
        using Pair pair = Pair.Start(make, Make.Ours, config => config with
        {
            Filter = $"Filter From {place} {{ State Accept {{ ESTABLISHED for TCP }} }}",
        });
        PackedFlow flow = FlowKinds.Find("tcp ESTABLISHED");
        pair.First.Create(flow);
        Eventually.Equals(1, () => CountMadeUp(pair.First), "flows");
        pair.First.WithKernel(client =>
        {
            flow.TcpState = (byte)TcpState.TimeWait;
            client.Update(in flow).ThrowIfFailed("change the flow");
            client.Delete(in flow).ThrowIfFailed("end the flow");
            PackedFlow last = FlowKinds.Find("udp assured");
            client.Create(in last).ThrowIfFailed("create another");
        });
        Eventually.Equals(left + 1, () => CountMadeUp(pair.First), "flows");
    }

    [Theory]
    [InlineData("Filter From Kernelspace { Address Accept { IPv4_address 10.81.1.2 IPv4_address 10.81.2.0/24 } }")]
    [InlineData("Filter From Kernelspace { Address Ignore { IPv4_address 10.81.1.1 IPv6_address fd81:1::2 } }")]
    [InlineData("Filter From Userspace { Address Accept { IPv4_address 10.81.1.2 } Protocol Ignore { UDP } }")]
    [InlineData("Filter From Kernelspace { State Ignore { SYN_SENT CLOSE for TCP } Protocol Ignore { gre } }")]
    public void Dumps_are_filtered_like_events(string filter)
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with { Filter = filter });
        Node node = pair.First;
        FlowKinds.GiveLabels(node);
        node.Create([.. FlowKinds.All(Make.Ours)]);
        pair.WaitUntilEqual();
        List<string> byEvents = Tuples(node);
        Assert.InRange(byEvents.Count, 5, FlowKinds.All(Make.Ours).Count() - 1);
        node.Do("-R");
        Assert.Equal(byEvents, Tuples(node));
        node.Daemon.Stop();
        node.Start();
        Assert.Equal(byEvents, Tuples(node));
    }

    private static List<string> Tuples(Node node) =>
        [.. node.Internal().Where(IsMadeUp).Select(line => line.Original).Order(StringComparer.Ordinal)];

    private static int CountMadeUp(Node node) => node.Internal().Count(IsMadeUp);

    private static bool IsMadeUp(FlowLine line) => line.Original.Contains("src=10.81.", StringComparison.Ordinal)
        || line.Original.Contains("src=fd81:", StringComparison.Ordinal);

    private static void AssertEqual(Pair pair, string when)
    {
        Eventually.Holds(
            () =>
            {
                HashSet<FlowLine> ours = [.. pair.First.Internal().Where(line => !IsConfused(when, line))];
                HashSet<FlowLine> theirs = [.. pair.Second.Internal().Where(line => !IsConfused(when, line))];
                return ours.SetEquals(theirs)
                    ? null
                    : $"{when}: only ours {string.Join("; ", ours.Except(theirs))}, "
                        + $"only theirs {string.Join("; ", theirs.Except(ours))}";
            });
    }

    // In the kernel the original takes a flow of another family for one of the address 0.0.0.0, or for listed.
    private static bool IsConfused(string filter, FlowLine line)
    {
        if (!filter.Contains("From Kernelspace", StringComparison.Ordinal)) return false;
        bool isIPv6 = line.Original.Contains(':', StringComparison.Ordinal);
        bool listsIPv4 = filter.Contains("IPv4_address", StringComparison.Ordinal);
        if (filter.Contains("Address Accept", StringComparison.Ordinal)) return isIPv6 == listsIPv4;
        return isIPv6 && filter.Contains("Address Ignore { IPv4_address 0.0.0.0/0", StringComparison.Ordinal);
    }

    // Marks for all, and for every fourth TCP flow another state.
    private static void Change(ConntrackClient client, PackedFlow[] flows)
    {
        for (int i = 0; i < flows.Length; i++)
        {
            PackedFlow change = flows[i];
            change.Fields = FlowFields.Original | FlowFields.Mark | (flows[i].Fields & FlowFields.Zone);
            change.Mark = (uint)i + 1;
            if (i % 4 == 0 && flows[i].Has(FlowFields.TcpState))
            {
                change.TcpState = (byte)TcpState.LastAck;
                change.Fields |= FlowFields.TcpState;
            }

            client.Update(in change).ThrowIfFailed("change a flow");
        }
    }

    // None whose state has changed: the original does not take an event of an unwanted state for an end.
    private static void Delete(ConntrackClient client, PackedFlow[] flows)
    {
        for (int i = 1; i < flows.Length; i += 4) client.Delete(in flows[i]).ThrowIfFailed("delete a flow");
    }
}
