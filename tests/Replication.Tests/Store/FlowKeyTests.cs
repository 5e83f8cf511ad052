using System.Numerics;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class FlowKeyTests
{
    [Fact]
    public void What_is_absent_counts_as_zero_whatever_is_left_there()
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.Original.Parts &= ~TupleParts.Ports;
        flow.Zone = 9;
        var key = new FlowKey(in flow);
        Assert.Equal((0, 0, 0), (key.SourcePort, key.DestinationPort, key.Zone));
    }

    [Fact]
    public void ICMP_is_told_apart_by_id_type_and_code()
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.Original.Protocol = IpProtocol.Icmp;
        flow.Original.Parts =
            TupleParts.Addresses | TupleParts.Protocol | TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        (flow.Original.IcmpId, flow.Original.IcmpType, flow.Original.IcmpCode) = (0x1234, 8, 5);
        var key = new FlowKey(in flow);
        Assert.Equal((0x1234, 0x0805), (key.SourcePort, key.DestinationPort));
    }

    [Fact]
    public void A_hash_depends_on_the_seed()
    {
        var random = new Random(1);
        int equal = 0;
        for (int number = 0; number < 1000; number++)
        {
            PackedFlow flow = RandomFlows.Draw(random, isExternal: true);
            var key = new FlowKey(in flow);
            if (key.Hash(1) == key.Hash(2)) equal++;
        }

        Assert.InRange(equal, 0, 1);
    }

    /// <summary>Sets of neighbouring flows, as real traffic makes them.</summary>
    [Theory]
    [InlineData("ports of one client")]
    [InlineData("clients of one network")]
    [InlineData("IPv6 clients of one network")]
    public void Neighbouring_flows_spread_over_the_table(string neighbours)
    {
        const int count = 1 << 14;
        var home = new int[count];
        for (int number = 0; number < count; number++)
        {
            PackedFlow flow = Flows.Tcp(1);
            ref FlowTuple tuple = ref flow.Original;
            if (neighbours.StartsWith("ports", StringComparison.Ordinal)) tuple.SourcePort = (ushort)number;
            else if (neighbours.StartsWith("clients", StringComparison.Ordinal))
                tuple.Source = Address.FromIPv4((uint)(10 | (number << 16)));
            else (tuple.Source, tuple.Family) = (new Address(0xb80d0120, (ulong)number << 48), AddressFamily.IPv6);
            home[new FlowKey(in flow).Hash(77) & (count - 1)]++;
        }

        // Thrown at random, 63 % of the slots are hit and none by more than about eight.
        Assert.InRange(home.Count(hits => hits > 0) / (double)count, 0.61, 0.65);
        Assert.InRange(home.Max(), 4, 10);
    }

    [Fact]
    public void Every_bit_of_a_key_reaches_half_of_the_hash()
    {
        PackedFlow flow = Flows.Udp("2001:db8::1", "2001:db8::2");
        uint plain = new FlowKey(in flow).Hash(5);
        double flipped = 0;
        for (int bit = 0; bit < 64; bit++)
        {
            PackedFlow other = flow;
            other.Original.Source = new Address(flow.Original.Source.First ^ (1UL << bit), flow.Original.Source.Second);
            flipped += BitOperations.PopCount(plain ^ new FlowKey(in other).Hash(5));
            other.Original.Source = new Address(flow.Original.Source.First, flow.Original.Source.Second ^ (1UL << bit));
            flipped += BitOperations.PopCount(plain ^ new FlowKey(in other).Hash(5));
        }

        Assert.InRange(flipped / 128, 14, 18);
    }
}
