using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class FlowStoreTests : IDisposable
{
    private readonly EntrySlabs _slabs = new();
    private readonly FlowStore _store;

    public FlowStoreTests() => _store = new FlowStore(_slabs, seed: 99);

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void A_flow_reads_back_as_it_was_written(bool isExternal, int seed)
    {
        var random = new Random(seed);
        var written = new List<(uint Handle, PackedFlow Flow)>();
        for (int number = 0; number < 3000; number++)
        {
            PackedFlow flow = RandomFlows.Draw(random, isExternal);
            written.Add((Add(in flow), flow));
        }

        PackedFlow read = default;
        foreach ((uint handle, PackedFlow flow) in written)
        {
            _store.Read(handle, ref read);
            RandomFlows.AssertSame(in flow, in read);
            Assert.Equal(handle, _store.Find(new FlowKey(in flow)));
        }
    }

    [Fact]
    public void A_replaced_flow_knows_nothing_of_the_one_before()
    {
        var random = new Random(6);
        for (int number = 0; number < 1000; number++)
        {
            bool isExternal = number % 2 == 0;
            PackedFlow first = RandomFlows.Draw(random, isExternal);
            PackedFlow second = RandomFlows.DrawAgain(random, isExternal, in first);
            uint handle = Add(in first);
            _store.Replace(handle, in second, EntryState.New, nowSeconds: 5);
            PackedFlow read = default;
            _store.Read(handle, ref read);
            RandomFlows.AssertSame(in second, in read);
            Assert.Equal(5u, _store[handle].CreatedAt);
            _store.Remove(handle);
        }

        AssertEmpty();
    }

    [Fact]
    public void A_helper_whose_name_found_no_room_is_unknown_and_not_that_of_another_flow()
    {
        PackedFlow flow = default;
        uint handle = 0;
        for (int number = 0; number < 1100; number++)
        {
            flow = Flows.Tcp(number);
            Flows.SetHelper(ref flow, "h" + number);
            handle = Add(in flow);
        }

        PackedFlow read = Flows.Tcp(0);
        Flows.SetHelper(ref read, "leftover");
        _store.Read(handle, ref read);
        Assert.Equal(flow.Fields & ~FlowFields.Helper, read.Fields);
        _store.Merge(handle, in flow, nowSeconds: 2);
        _store.Read(handle, ref read);
        Assert.Equal(flow.Fields & ~FlowFields.Helper, read.Fields);
    }

    [Theory]
    [InlineData("zone")]
    [InlineData("zone of the original direction")]
    [InlineData("protocol")]
    [InlineData("source port")]
    [InlineData("destination port")]
    [InlineData("source")]
    [InlineData("destination")]
    public void Flows_that_differ_in_one_part_of_the_key_are_two(string part)
    {
        PackedFlow first = Flows.Tcp(1);
        PackedFlow second = first;
        switch (part)
        {
            case "zone":
                second.Zone = 3;
                second.Fields |= FlowFields.Zone;
                break;
            case "zone of the original direction":
                second.Original.Zone = 3;
                second.Original.Parts |= TupleParts.Zone;
                break;
            case "protocol":
                second.Original.Protocol = IpProtocol.Udp;
                break;
            case "source port":
                second.Original.SourcePort++;
                break;
            case "destination port":
                second.Original.DestinationPort++;
                break;
            case "source":
                second.Original.Source = Flows.Host("10.9.9.9");
                break;
            default:
                second.Original.Destination = Flows.Host("10.9.9.9");
                break;
        }

        uint one = Add(in first);
        Assert.Equal(0u, _store.Find(new FlowKey(in second)));
        uint two = Add(in second);
        Assert.Equal(one, _store.Find(new FlowKey(in first)));
        Assert.Equal(two, _store.Find(new FlowKey(in second)));
    }

    [Fact]
    public void An_IPv4_address_is_not_the_IPv6_address_of_the_same_bytes()
    {
        PackedFlow four = Flows.Udp("1.2.3.4", "5.6.7.8");
        PackedFlow six = Flows.Udp("102:304::", "506:708::");
        Add(in four);
        Assert.Equal(0u, _store.Find(new FlowKey(in six)));
    }

    [Theory]
    [InlineData(false, 7)]
    [InlineData(true, 8)]
    public void Churn_leaves_nothing_behind(bool isExternal, int seed)
    {
        var random = new Random(seed);
        var present = new List<(uint Handle, PackedFlow Flow)>();
        for (int step = 0; step < 20_000; step++)
        {
            int choice = random.Next(100);
            if (present.Count == 0 || choice < 45)
            {
                PackedFlow flow = RandomFlows.Draw(random, isExternal);
                present.Add((Add(in flow), flow));
                continue;
            }

            int which = random.Next(present.Count);
            (uint handle, PackedFlow known) = present[which];
            if (choice < 70)
            {
                Assert.Equal(handle, _store.Find(new FlowKey(in known)));
                _store.Remove(handle);
                present.RemoveAt(which);
            }
            else
            {
                PackedFlow change = RandomFlows.DrawAgain(random, isExternal, in known);
                if (choice < 85) _store.Replace(handle, in change, EntryState.Alive, 0);
                else _store.Merge(handle, in change, 0);
            }

            Assert.Equal(present.Count, _store.Count);
        }

        foreach ((uint handle, _) in present) _store.Remove(handle);
        AssertEmpty();
    }

    [Fact]
    public void A_walk_meets_every_flow_that_stays_exactly_once_while_others_come_and_go()
    {
        var random = new Random(9);
        var staying = new HashSet<uint>();
        var passing = new List<uint>();
        for (int number = 0; number < 2000; number++)
        {
            PackedFlow flow = RandomFlows.Draw(random, isExternal: false);
            uint handle = Add(in flow);
            if (number % 2 == 0) staying.Add(handle);
            else passing.Add(handle);
        }

        var met = new HashSet<uint>();
        ulong cursor = 0;
        while (_store.Next(ref cursor) is var handle and not 0)
        {
            Assert.True(met.Add(handle), "met twice");
            if (passing.Count == 0) continue;
            if (passing.Remove(handle))
            {
                _store.Remove(handle);
                met.Remove(handle);
            }
            else if (random.Next(2) == 0)
            {
                PackedFlow flow = RandomFlows.Draw(random, isExternal: false);
                Add(in flow);
            }
        }

        Assert.Superset(staying, met);
        Assert.Equal(0u, _store.Next(ref cursor));
    }

    [Fact]
    public void A_cleared_store_is_empty_and_works_on()
    {
        var random = new Random(10);
        for (int number = 0; number < 5000; number++)
        {
            PackedFlow flow = RandomFlows.Draw(random, isExternal: false);
            Add(in flow);
        }

        _store.Clear();
        AssertEmpty();
        ulong cursor = 0;
        Assert.Equal(0u, _store.Next(ref cursor));
        PackedFlow again = RandomFlows.Draw(random, isExternal: false);
        Assert.Equal(Add(in again), _store.Find(new FlowKey(in again)));
    }

    [Fact]
    public void A_flow_takes_a_record_of_100_or_148_bytes()
    {
        Assert.Equal(100, FlowRecord.SizeIPv4);
        Assert.Equal(148, FlowRecord.SizeIPv6);
        unsafe
        {
            Assert.Equal(FlowRecord.FixedSize, sizeof(FlowRecord));
        }
    }

    public void Dispose()
    {
        _store.Dispose();
        _slabs.Dispose();
    }

    private uint Add(in PackedFlow flow) => _store.Add(new FlowKey(in flow), in flow, EntryState.New, nowSeconds: 1);

    private void AssertEmpty()
    {
        Assert.Equal(0, _store.Count);
        Assert.Equal(0u, _store.Records);
        Assert.Equal(0u, _store.Extras);
    }
}
