using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class ExpectationClientTests
{
    [Fact]
    public void An_expectation_is_created_read_and_deleted_and_its_events_arrive() => PrivateNetwork.Run(() =>
    {
        using var events = new EventStream(EventGroups.Expectations);
        using var client = new ExpectationClient();
        Expectation wanted = Wanted(CreateMaster(helper: "ftp"), 5555);
        Assert.Equal(NetlinkError.Success, client.Create(in wanted.Packed));
        Assert.Equal(Errno.Exists, client.Create(in wanted.Packed).Code);

        PackedExpectation found = default;
        Assert.Equal(Errno.None, client.Get(in wanted.Packed, ref found).Code);
        Assert.Equal(wanted.Tuple, found.Tuple);
        Assert.Equal(wanted.Mask, found.Mask);
        Assert.Equal(wanted.Master, found.Master);
        Assert.Equal("ftp", new Expectation(in found).Helper);

        int count = 0;
        client.Dump((in PackedExpectation one) => count += one.Tuple == wanted.Tuple ? 1 : 0);
        Assert.Equal(1, count);

        Assert.Equal(Errno.None, client.Delete(in wanted.Packed).Code);
        Assert.Equal(Errno.NotFound, client.Delete(in wanted.Packed).Code);

        PackedFlow flow = default;
        foreach (EventKind kind in (EventKind[])[EventKind.ExpectationNew, EventKind.ExpectationDestroy])
        {
            Assert.Equal(EventStatus.Expectation, events.Read(ref flow));
            Assert.Equal(kind, events.Kind);
            Assert.Equal(client.PortId, events.Header.PortId);
            Assert.True(ExpectationCodec.TryRead(events.Message, ref found));
            Assert.Equal(wanted.Tuple, found.Tuple);
        }

        Assert.Equal(EventStatus.Empty, events.Read(ref flow));
    });

    [Fact]
    public void A_flush_by_helper_deletes_that_helpers_expectations() => PrivateNetwork.Run(() =>
    {
        using var client = new ExpectationClient();
        Expectation wanted = Wanted(CreateMaster(helper: "ftp"), 5555);
        client.Create(in wanted.Packed);

        Assert.Equal(Errno.None, client.Flush("tftp").Code);
        PackedExpectation found = default;
        Assert.Equal(Errno.None, client.Get(in wanted.Packed, ref found).Code);
        Assert.Equal(Errno.None, client.Flush("ftp").Code);
        Assert.Equal(Errno.NotFound, client.Get(in wanted.Packed, ref found).Code);
        Assert.Equal(Errno.None, client.Flush().Code);
    });

    [Fact]
    public void A_master_must_exist_and_have_a_helper() => PrivateNetwork.Run(() =>
    {
        using var client = new ExpectationClient();
        Expectation orphan = Wanted(FlowTuple.Of(IpProtocol.Tcp, "10.9.9.9", 1, "10.9.9.8", 21), 5555);
        Assert.Equal(Errno.NotFound, client.Create(in orphan.Packed).Code);

        Expectation unhelped = Wanted(CreateMaster(helper: null), 5555);
        Assert.Equal(Errno.NotSupported, client.Create(in unhelped.Packed).Code);
    });

    [Fact]
    public void Each_cpu_has_its_counters() => PrivateNetwork.Run(() =>
    {
        using var client = new ExpectationClient();
        Assert.Equal(Errno.None, client.ReadCpuStats(out IReadOnlyList<ExpectationCpuStats> stats).Code);
        Assert.NotEmpty(stats);
        Assert.Equal(0, stats[0].Cpu);
    });

    private static FlowTuple CreateMaster(string? helper)
    {
        using var flows = new ConntrackClient();
        var master = new Flow(FlowTuple.Of(IpProtocol.Tcp, "10.83.0.1", 40000, "10.83.0.2", 21))
        {
            Timeout = 300,
            Status = FlowStatus.SeenReply | FlowStatus.Assured,
            TcpState = TcpState.Established,
            Helper = helper,
        };
        Assert.Equal(Errno.None, flows.Create(in master.Packed).Code);
        return master.Original!.Value;
    }

    private static Expectation Wanted(FlowTuple master, ushort port) => new()
    {
        Master = master,
        Tuple = FlowTuple.Of(IpProtocol.Tcp, "10.83.0.2", 0, "10.83.0.1", port),
        Mask = FlowTuple.Of(IpProtocol.Tcp, "255.255.255.255", 0, "255.255.255.255", 65535),
        Timeout = 100,
    };
}
