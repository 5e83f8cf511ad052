using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
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
                PackedFlow[] flows = [.. FlowKinds.All()];
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
            },
            TimeSpan.FromSeconds(3));
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
