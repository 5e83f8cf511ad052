using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class ConntrackClientTests
{
    private const string LabelRules =
        """
        table inet labels {
            chain forward {
                type filter hook forward priority 0;
                ct label set 127
            }
        }

        """;

    public static TheoryData<string> Protocols =>
        ["tcp", "tcp6", "udp", "udp6", "icmp", "icmp6", "sctp", "sctp6", "gre", "gre6"];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_created_flow_is_read_back_as_it_was_written(string protocol) => PrivateNetwork.Run(() =>
    {
        PrivateNetwork.LoadRules(LabelRules);
        using var client = new ConntrackClient();
        PackedFlow flow = Make(protocol, 4000);
        flow.Mark = 0xcafe0042;
        flow.Zone = 7;
        flow.Labels = new(1UL << 40 | 1, 1UL << 63);
        flow.Fields |= FlowFields.Mark | FlowFields.Zone | FlowFields.Labels;

        Assert.Equal(NetlinkError.Success, client.Create(in flow));

        PackedFlow found = default;
        Assert.Equal(NetlinkError.Success, client.Get(in flow, ref found));
        Assert.Equal(flow.Original, found.Original);
        Assert.Equal(flow.Reply, found.Reply);
        Assert.Equal(flow.Mark, found.Mark);
        Assert.Equal(flow.Zone, found.Zone);
        Assert.Equal(flow.Labels, found.Labels);
        Assert.Equal(flow.Status, found.Status & flow.Status);
        Assert.InRange(found.Timeout, 298u, 300u);
        Assert.True(found.Has(FlowFields.Id | FlowFields.Use));
        if (flow.Has(FlowFields.TcpState))
        {
            Assert.Equal(flow.TcpState, found.TcpState);
            Assert.Equal(flow.TcpFlagsOriginal, found.TcpFlagsOriginal);
            Assert.Equal(flow.TcpFlagsReply, found.TcpFlagsReply);
        }

        if (flow.Has(FlowFields.SctpState))
        {
            Assert.Equal(flow.SctpState, found.SctpState);
            Assert.Equal(flow.SctpTagOriginal, found.SctpTagOriginal);
            Assert.Equal(flow.SctpTagReply, found.SctpTagReply);
        }
    });

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_flow_is_created_changed_and_deleted_once(string protocol) => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow flow = Make(protocol, 4000);
        Assert.Equal(Errno.None, client.Create(in flow).Code);
        Assert.Equal(Errno.Exists, client.Create(in flow).Code);

        flow.Timeout = 20;
        flow.Mark = 9;
        flow.Fields |= FlowFields.Mark;
        Assert.Equal(Errno.None, client.Update(in flow).Code);

        PackedFlow found = default;
        int count = 0;
        Assert.Equal(Errno.None, client.Dump((in PackedFlow entry) =>
        {
            found = entry;
            count++;
        }).Code);
        Assert.Equal(1, count);
        Assert.Equal(flow.Original, found.Original);
        Assert.Equal(9u, found.Mark);
        Assert.InRange(found.Timeout, 18u, 20u);

        Assert.Equal(Errno.None, client.Delete(in flow).Code);
        Assert.Equal(Errno.NotFound, client.Delete(in flow).Code);
        Assert.Equal(Errno.NotFound, client.Get(in flow, ref found).Code);
        Assert.Equal(Errno.NotFound, client.Update(in flow).Code);
    });

    [Theory]
    [InlineData("10.83.0.1", "10.83.0.2", "192.0.2.10", "198.51.100.20")]
    [InlineData("fd83::1", "fd83::2", "2001:db8::10", "2001:db8::20")]
    public void A_requested_translation_shows_in_the_reply_tuple(
        string from, string to, string source, string target) =>
        PrivateNetwork.Run(() =>
        {
            using var client = new ConntrackClient();
            PackedFlow flow = Flows.Ports(from, to, IpProtocol.Tcp, 4000);
            flow.SourceNat = new NatRange { First = Flows.Address(source), FirstPort = 1025, LastPort = 1025 };
            flow.DestinationNat = new NatRange { First = Flows.Address(target), FirstPort = 8080, LastPort = 8080 };
            flow.Fields |= FlowFields.SourceNat | FlowFields.SourceNatPort
                | FlowFields.DestinationNat | FlowFields.DestinationNatPort;

            Assert.Equal(Errno.None, client.Create(in flow).Code);

            PackedFlow found = default;
            PackedFlow key = Flows.Ports(from, to, IpProtocol.Tcp, 4000);
            Assert.Equal(Errno.None, client.Get(in key, ref found).Code);
            Assert.Equal(Flows.Address(target), found.Reply.Source);
            Assert.Equal(Flows.Address(source), found.Reply.Destination);
            Assert.Equal(8080, found.Reply.SourcePort);
            Assert.Equal(1025, found.Reply.DestinationPort);
            Assert.True(found.Status.HasFlag(FlowStatus.SourceNat | FlowStatus.DestinationNat));
        });

    [Fact]
    public void A_flow_with_its_master_counts_as_expected() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow master = Flows.Tcp(21);
        PackedFlow flow = Flows.Tcp(2021);
        flow.Master = master.Original;
        flow.Fields |= FlowFields.Master;
        Assert.Equal(Errno.NotFound, client.Create(in flow).Code);

        Assert.Equal(Errno.None, client.Create(in master).Code);
        Assert.Equal(Errno.None, client.Create(in flow).Code);

        PackedFlow found = default;
        Assert.Equal(Errno.None, client.Get(in flow, ref found).Code);
        Assert.Equal(master.Original, found.Master);
        Assert.True(found.Status.HasFlag(FlowStatus.Expected));
    });

    [Fact]
    public void Zones_of_one_direction_are_kept() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow flow = Flows.Udp(1);
        flow.Reply.Zone = 12;
        flow.Reply.Parts |= TupleParts.Zone;
        Assert.Equal(Errno.None, client.Create(in flow).Code);

        PackedFlow found = default;
        Assert.Equal(Errno.None, client.Get(in flow, ref found).Code);
        Assert.Equal(flow.Reply, found.Reply);
        Assert.Equal(flow.Original, found.Original);
    });

    [Fact]
    public void Another_id_than_the_flows_deletes_nothing() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow flow = Flows.Udp(1);
        client.Create(in flow);
        PackedFlow found = default;
        client.Get(in flow, ref found);

        found.Id ^= 1;
        Assert.Equal(Errno.NotFound, client.Delete(in found).Code);
        found.Id ^= 1;
        Assert.Equal(Errno.None, client.Delete(in found).Code);
    });

    [Fact]
    public void A_flush_of_one_family_leaves_the_other() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow v4 = Flows.Udp(1);
        PackedFlow v6 = Flows.Udp6(1);
        client.Create(in v4);
        client.Create(in v6);

        Assert.Equal(Errno.None, client.Flush(AddressFamily.IPv4).Code);
        PackedFlow found = default;
        Assert.Equal(Errno.NotFound, client.Get(in v4, ref found).Code);
        Assert.Equal(Errno.None, client.Get(in v6, ref found).Code);

        Assert.Equal(Errno.None, client.Flush().Code);
        Assert.Equal(Errno.None, client.Count(out TableSize size).Code);
        Assert.Equal(0u, size.Entries);
        Assert.NotEqual(0u, size.Limit);
    });

    [Fact]
    public void A_dump_of_many_datagrams_is_complete() => PrivateNetwork.Run(() =>
    {
        using var queue = new RequestQueue();
        for (ushort port = 1; port <= 2000; port++)
        {
            PackedFlow flow = (port & 1) == 0 ? Flows.Tcp(port) : Flows.Tcp6(port);
            queue.Create(port, in flow);
            if (queue.IsFull || port == 2000)
            {
                queue.Send();
                while (queue.TryReadAnswer(out RequestAnswer answer)) Assert.True(answer.Error.IsSuccess);
            }
        }

        var seen = new HashSet<ushort>();
        using var dump = new FlowDump();
        Assert.True(dump.Start().IsSuccess);
        Assert.Equal(Errno.Busy, dump.Start().Code);
        PackedFlow entry = default;
        DumpStatus status;
        while ((status = dump.Read(ref entry)) is DumpStatus.Flow or DumpStatus.WouldBlock)
        {
            if (status == DumpStatus.Flow) seen.Add(entry.Original.SourcePort);
            else Assert.True(dump.Wait(1000));
        }

        Assert.Equal(DumpStatus.End, status);
        Assert.Equal(2000, seen.Count);
        Assert.Equal(0ul, dump.Malformed);

        Assert.True(dump.Start(AddressFamily.IPv6).IsSuccess);
        int count = 0;
        while ((status = dump.Read(ref entry)) is DumpStatus.Flow or DumpStatus.WouldBlock)
        {
            if (status == DumpStatus.Flow) count++;
        }

        Assert.Equal(1000, count);
    });

    [Fact]
    public void A_dump_that_was_given_up_does_not_keep_the_next_one_out() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        for (ushort port = 1; port <= 1000; port++)
        {
            PackedFlow flow = Flows.Udp(port);
            Assert.True(client.Create(in flow).IsSuccess);
        }

        Assert.Throws<InvalidOperationException>(() =>
            client.Dump((in PackedFlow _) => throw new InvalidOperationException("enough")));
        int count = 0;
        Assert.Equal(NetlinkError.Success, client.Dump((in PackedFlow _) => count++));
        Assert.Equal(1000, count);
    });

    private static PackedFlow Make(string protocol, ushort number) => protocol switch
    {
        "tcp" => Flows.Tcp(number),
        "tcp6" => Flows.Tcp6(number),
        "udp" => Flows.Udp(number),
        "udp6" => Flows.Udp6(number),
        "icmp" => Flows.Icmp(number),
        "icmp6" => Flows.Icmp6(number),
        "sctp" => Flows.Sctp(number),
        "sctp6" => Flows.Sctp6(number),
        "gre" => Flows.Gre(number),
        _ => Flows.Gre6(number),
    };
}
