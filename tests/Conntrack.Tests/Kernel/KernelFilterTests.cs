using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class KernelFilterTests
{
    private const FlowAddresses Sources = FlowAddresses.OriginalSource | FlowAddresses.ReplySource;

    private static readonly AddressPrefix[] Two =
    [
        new(AddressFamily.IPv4, Flows.Address("10.83.0.0"), 30), new(AddressFamily.IPv6, Flows.Address("fd83::"), 126),
    ];

    public static TheoryData<string, string> Cases => new()
    {
        { "accept all", "icmp sctp tcp tcp-far tcp-syn tcp6 tcp6-far udp" },
        { "accept tcp and udp", "tcp tcp-far tcp-syn tcp6 tcp6-far udp" },
        { "ignore tcp and udp", "icmp sctp" },
        { "accept no protocol", "" },
        { "accept near", "icmp sctp tcp tcp-syn tcp6 udp" },
        { "ignore near", "tcp-far tcp6-far" },
        { "accept near of IPv4", "icmp sctp tcp tcp-syn udp" },
        { "ignore near of IPv4", "tcp-far tcp6 tcp6-far" },
        { "accept one host by its 33rd bit", "tcp6" },
        { "accept original destination", "tcp-far" },
        { "accept everything of IPv6", "tcp6 tcp6-far" },
        { "accept syn", "icmp sctp tcp-syn udp" },
        { "ignore syn", "icmp sctp tcp tcp-far tcp6 tcp6-far udp" },
        { "accept tcp, near, established", "tcp tcp6" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Only_events_that_pass_the_filter_arrive(string description, string expected) =>
        PrivateNetwork.Run(() =>
        {
            using var events = new EventStream(EventGroups.New);
            Assert.Equal(NetlinkError.Success, Filter(description).AttachTo(events));
            Dictionary<FlowTuple, string> names = CreateFlows();

            List<string> seen = [];
            PackedFlow flow = default;
            while (events.Read(ref flow) == EventStatus.Flow) seen.Add(names[flow.Original]);
            Assert.Equal(expected, string.Join(' ', seen.Order(StringComparer.Ordinal)));
        });

    [Fact]
    public void A_state_filter_lets_the_end_of_a_flow_pass() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Destroy);
        Assert.True(new KernelFilter().TcpStates(FilterMode.Accept, [TcpState.SynSent]).AttachTo(events).IsSuccess);
        using var client = new ConntrackClient();
        PackedFlow flow = Flows.Tcp(1);
        client.Create(in flow);
        client.Delete(in flow);
        Assert.Equal(EventStatus.Flow, events.Read(ref flow));
    });

    [Fact]
    public void Expectations_pass_every_filter_of_flows() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Expectations);
        Assert.True(new KernelFilter().Protocols(FilterMode.Accept, []).AttachTo(events).IsSuccess);
        using var flows = new ConntrackClient();
        var master = new Flow(FlowTuple.Of(IpProtocol.Tcp, "10.83.0.1", 40000, "10.83.0.2", 21))
        {
            Timeout = 300,
            TcpState = TcpState.Established,
            Helper = "ftp",
        };
        flows.Create(in master.Packed);
        using var client = new ExpectationClient();
        var expectation = new Expectation
        {
            Master = master.Original,
            Tuple = FlowTuple.Of(IpProtocol.Tcp, "10.83.0.2", 0, "10.83.0.1", 99),
            Mask = FlowTuple.Of(IpProtocol.Tcp, "255.255.255.255", 0, "255.255.255.255", 65535),
            Timeout = 100,
        };
        Assert.True(client.Create(in expectation.Packed).IsSuccess);
        PackedFlow flow = default;
        Assert.Equal(EventStatus.Expectation, events.Read(ref flow));
    });

    [Fact]
    public void Far_jumps_of_a_long_list_arrive_and_a_list_too_long_is_refused() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.New);
        AddressPrefix[] many =
        [
            .. Enumerable.Range(0, 300).Select(i =>
                new AddressPrefix(AddressFamily.IPv6, Flows.Address($"fd99::{i:x}"), 128)),
            new(AddressFamily.IPv6, Flows.Address("fd83::1"), 128),
        ];
        KernelFilter filter = new KernelFilter().Addresses(FilterMode.Accept, FlowAddresses.OriginalSource, many);
        Assert.InRange(filter.Length, 2500, KernelFilter.InstructionLimit);
        Assert.Equal(NetlinkError.Success, filter.AttachTo(events));
        CreateFlows();
        PackedFlow flow = default;
        Assert.Equal(EventStatus.Flow, events.Read(ref flow));
        Assert.Equal(Flows.Address("fd83::1"), flow.Original.Source);
        Assert.Equal(EventStatus.Empty, events.Read(ref flow));

        filter.Addresses(FilterMode.Accept, FlowAddresses.ReplySource, many);
        Assert.Equal(Errno.OutOfRange, filter.AttachTo(events).Code);
    });

    private static KernelFilter Filter(string description)
    {
        var filter = new KernelFilter();
        AddressPrefix far = new(AddressFamily.IPv4, Flows.Address("10.84.0.2"), 32);
        return description switch
        {
            "accept tcp and udp" => filter.Protocols(FilterMode.Accept, [IpProtocol.Tcp, IpProtocol.Udp]),
            "ignore tcp and udp" => filter.Protocols(FilterMode.Ignore, [IpProtocol.Tcp, IpProtocol.Udp]),
            "accept no protocol" => filter.Protocols(FilterMode.Accept, []),
            "accept near" => filter.Addresses(FilterMode.Accept, Sources, Two),
            "ignore near" => filter.Addresses(FilterMode.Ignore, Sources, Two),
            "accept near of IPv4" => filter.Addresses(FilterMode.Accept, Sources, [Two[0]]),
            "ignore near of IPv4" => filter.Addresses(FilterMode.Ignore, Sources, [Two[0]]),
            "accept one host by its 33rd bit" => filter.Addresses(
                FilterMode.Accept,
                FlowAddresses.OriginalSource,
                [
                    new(AddressFamily.IPv6, Flows.Address("fd83::8000:1"), 96),
                    new(AddressFamily.IPv6, Flows.Address("fd83:0:7fff::"), 33),
                ]),
            "accept original destination" => filter.Addresses(
                FilterMode.Accept, FlowAddresses.OriginalDestination, [far]),
            "accept everything of IPv6" => filter.Addresses(
                FilterMode.Accept, FlowAddresses.ReplyDestination, [new(AddressFamily.IPv6, default, 0)]),
            "accept syn" => filter.TcpStates(FilterMode.Accept, [TcpState.SynSent, TcpState.SynReceived]),
            "ignore syn" => filter.TcpStates(FilterMode.Ignore, [TcpState.SynSent, TcpState.SynReceived]),
            "accept tcp, near, established" => filter
                .Protocols(FilterMode.Accept, [IpProtocol.Tcp])
                .Addresses(FilterMode.Accept, Sources, Two)
                .TcpStates(FilterMode.Accept, [TcpState.Established]),
            _ => filter,
        };
    }

    private static Dictionary<FlowTuple, string> CreateFlows()
    {
        using var client = new ConntrackClient();
        Dictionary<FlowTuple, string> names = [];
        void Add(string name, PackedFlow flow)
        {
            names.Add(flow.Original, name);
            Assert.Equal(Errno.None, client.Create(in flow).Code);
        }

        Add("tcp", Flows.Tcp(1));
        Add("tcp6", Flows.Tcp6(1));
        Add("udp", Flows.Udp(1));
        Add("icmp", Flows.Icmp(1));
        Add("sctp", Flows.Sctp(1));
        PackedFlow syn = Flows.Tcp(2);
        syn.TcpState = (byte)TcpState.SynSent;
        Add("tcp-syn", syn);
        Add("tcp-far", Far("10.84.0.1", "10.84.0.2"));
        Add("tcp6-far", Far("fd83:0:ffff::1", "fd84::2"));
        return names;
    }

    private static PackedFlow Far(string from, string to)
    {
        PackedFlow flow = Flows.Tcp(1);
        PackedFlow addresses = Flows.Ports(from, to, IpProtocol.Tcp, 1);
        flow.Original = addresses.Original;
        flow.Reply = addresses.Reply;
        return flow;
    }
}
