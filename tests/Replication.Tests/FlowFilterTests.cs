using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class FlowFilterTests
{
    // The flows of the bench that the original's filters were tried on, by a short name.
    private static readonly Dictionary<string, PackedFlow> Bench = new(StringComparer.Ordinal)
    {
        ["established"] = Tcp("10.82.0.2", "10.82.1.2", 80, TcpState.Established),
        ["time-wait"] = Tcp("10.82.0.2", "10.82.1.2", 8080, TcpState.TimeWait),
        ["syn"] = Tcp("10.82.0.2", "10.82.1.99", 81, TcpState.SynSent),
        ["ipv6"] = Tcp("fd82::2", "fd82:1::2", 8006, TcpState.Established),
        ["udp"] = Flows.Udp("10.82.0.2", "10.82.1.2"),
        ["icmp"] = Icmp("10.82.0.2", "10.82.1.2"),
    };

    /// <summary>Filters as they were tried on the original, and the flows that it let pass.</summary>
    public static TheoryData<string, string> Tried => new()
    {
        { "", "established time-wait syn ipv6 udp icmp" },
        { "protocol accept 6", "established time-wait syn ipv6" },
        { "protocol ignore 6 17", "icmp" },
        { "address accept 10.82.1.2", "established time-wait udp icmp" },
        { "address accept 10.82.1.0/24", "established time-wait syn udp icmp" },
        { "address accept 10.82.0.2", "established time-wait syn udp icmp" },
        { "address ignore 10.82.1.2 fd82:1::/64", "syn" },
        { "address accept ::1", "" },
        { "address ignore 0.0.0.0/0", "ipv6" },
        { "address ignore ::/0", "established time-wait syn udp icmp" },
        { "address ignore 10.82.0.0/8", "ipv6" },
        { "address accept 0.0.0.0/0 ::/0", "established time-wait syn ipv6 udp icmp" },
        { "state accept Established", "established ipv6 udp icmp" },
        { "state ignore SynSent SynReceived TimeWait", "established ipv6 udp icmp" },
        { "protocol accept 6; address ignore 10.82.1.99", "established time-wait ipv6" },
        { "protocol accept 6 17; state accept Established; address accept 10.82.0.0/15", "established udp" },
    };

    [Theory]
    [MemberData(nameof(Tried))]
    public void A_filter_lets_pass_what_it_let_pass_in_the_original(string filter, string passing)
    {
        FlowFilter made = Make(filter);
        string[] passed = [.. Bench.Where(flow => made.Accepts(flow.Value, isDestroy: false)).Select(flow => flow.Key)];
        Assert.Equal(passing, string.Join(' ', passed));
    }

    [Fact]
    public void A_flow_that_ends_passes_the_state_set_whatever_its_state()
    {
        FlowFilter filter = Make("state accept Established");
        Assert.False(filter.Accepts(Bench["time-wait"], isDestroy: false));
        Assert.True(filter.Accepts(Bench["time-wait"], isDestroy: true));
    }

    [Fact]
    public void A_flow_that_ends_still_has_to_pass_the_other_sets()
    {
        Assert.False(Make("protocol ignore 6").Accepts(Bench["time-wait"], isDestroy: true));
        Assert.False(Make("address ignore 10.82.1.2").Accepts(Bench["time-wait"], isDestroy: true));
    }

    [Fact]
    public void The_address_set_looks_at_the_server_behind_a_translation()
    {
        PackedFlow flow = Tcp("10.82.0.2", "203.0.113.1", 80, TcpState.Established);
        FlowFilter filter = Make("address ignore 10.82.1.2");
        Assert.True(filter.Accepts(in flow, isDestroy: false));
        flow.Reply.Source = Flows.Host("10.82.1.2");
        Assert.False(filter.Accepts(in flow, isDestroy: false));
    }

    [Theory]
    [InlineData("address accept 10.82.0.0/24 10.82.1.2", "established time-wait udp icmp")]
    [InlineData("address accept 10.82.0.2", "")]                 // both addresses have to be listed
    [InlineData("address accept 10.82.0.0/15 fd82::/64", "established time-wait syn udp icmp")]
    [InlineData("address accept fd82::/64 fd82:1::/64", "ipv6")]
    [InlineData("address ignore 10.82.1.2", "syn ipv6")]
    [InlineData("address ignore 10.82.0.2 fd82:1::2", "")]
    [InlineData("address ignore 192.0.2.1", "established time-wait syn ipv6 udp icmp")]
    public void In_the_kernel_both_addresses_of_the_original_tuple_are_asked(string filter, string passing)
    {
        FlowFilter made = Make(filter, FilterPlaces.OriginalTuple);
        string[] passed = [.. Bench.Where(flow => made.Accepts(flow.Value, isDestroy: false)).Select(flow => flow.Key)];
        Assert.Equal(passing, string.Join(' ', passed));
    }

    [Fact]
    public void In_the_kernel_the_server_behind_a_translation_is_not_asked()
    {
        PackedFlow flow = Tcp("10.82.0.2", "203.0.113.1", 80, TcpState.Established);
        flow.Reply.Source = Flows.Host("10.82.1.2");
        Assert.True(Make("address ignore 10.82.1.2", FilterPlaces.OriginalTuple).Accepts(in flow, isDestroy: false));
        Assert.False(Make("address ignore 203.0.113.1", FilterPlaces.OriginalTuple).Accepts(in flow, isDestroy: false));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.128.0.0/9", "10.127.255.255", false)]
    [InlineData("10.128.0.0/9", "10.128.0.0", true)]
    [InlineData("192.0.2.7/31", "192.0.2.6", true)]
    [InlineData("192.0.2.7/31", "192.0.2.8", false)]
    [InlineData("192.0.2.7/32", "192.0.2.7", true)]
    [InlineData("192.0.2.7/32", "192.0.2.6", false)]
    [InlineData("2001:db8::/63", "2001:db8:0:1::1", true)]
    [InlineData("2001:db8::/63", "2001:db8:0:2::1", false)]
    [InlineData("2001:db8::/65", "2001:db8::7fff:0:0:1", true)]
    [InlineData("2001:db8::/65", "2001:db8::8000:0:0:1", false)]
    [InlineData("2001:db8::1/128", "2001:db8::1", true)]
    [InlineData("2001:db8::1/128", "2001:db8::", false)]
    public void A_network_holds_the_addresses_of_its_prefix(string network, string address, bool isIn)
    {
        PackedFlow flow = Flows.Udp(address, address);
        Assert.Equal(isIn, Make("address accept " + network).Accepts(in flow, isDestroy: false));
    }

    [Fact]
    public void A_filter_tells_what_it_was_made_of()
    {
        FlowFilter filter = Make("protocol accept 6; address ignore 10.0.0.0/8; state ignore TimeWait");
        Assert.False(filter.AcceptsAll);
        Assert.True(FlowFilter.AcceptAll.AcceptsAll);
        Assert.True(filter.ListsProtocol(6));
        Assert.False(filter.ListsProtocol(17));
        Assert.True(filter.ListsState(TcpState.TimeWait));
        Assert.False(filter.ListsState(TcpState.Established));
        Assert.Equal(8, Assert.Single(filter.Networks).PrefixLength);
    }

    private static PackedFlow Tcp(string source, string destination, ushort port, TcpState state)
    {
        PackedFlow flow = Flows.Udp(source, destination, 40_000, port);
        flow.Original.Protocol = flow.Reply.Protocol = IpProtocol.Tcp;
        flow.TcpState = (byte)state;
        flow.Fields |= FlowFields.TcpState;
        return flow;
    }

    private static PackedFlow Icmp(string source, string destination)
    {
        PackedFlow flow = Flows.Udp(source, destination);
        flow.Original.Protocol = flow.Reply.Protocol = IpProtocol.Icmp;
        flow.Original.Parts = flow.Reply.Parts =
            TupleParts.Addresses | TupleParts.Protocol | TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        return flow;
    }

    // "protocol accept 6 17; address ignore 10.0.0.0/8; state accept Established"
    private static FlowFilter Make(string text, FilterPlaces places = FilterPlaces.Ends)
    {
        var words = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (string clause in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = clause.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            words.Add(parts[0], parts[1..]);
        }

        return new FlowFilter(
            ActionOf("protocol"), Items("protocol").Select(byte.Parse),
            ActionOf("address"), Items("address").Select(Network),
            ActionOf("state"), Items("state").Select(Enum.Parse<TcpState>), places);

        FilterAction ActionOf(string set) => !words.TryGetValue(set, out string[]? parts) ? FilterAction.None
            : string.Equals(parts[0], "accept", StringComparison.Ordinal) ? FilterAction.Accept : FilterAction.Ignore;
        string[] Items(string set) => words.TryGetValue(set, out string[]? parts) ? parts[1..] : [];
    }

    private static FilterNetwork Network(string text)
    {
        string[] parts = text.Split('/');
        Assert.True(Address.TryParse(parts[0], out Address address, out byte family));
        int most = family == AddressFamily.IPv4 ? 32 : 128;
        return new FilterNetwork(family, address, parts.Length > 1 ? int.Parse(parts[1]) : most);
    }
}
