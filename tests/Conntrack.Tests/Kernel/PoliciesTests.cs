using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests.Kernel;

[Trait("needs", "root")]
public sealed class PoliciesTests
{
    [Fact]
    public void A_timeout_policy_is_created_replaced_listed_and_deleted() => PrivateNetwork.Run(() =>
    {
        using var policies = new TimeoutPolicies();
        var policy = new TimeoutPolicy { Name = "slow", Family = AddressFamily.IPv4, Protocol = IpProtocol.Tcp };
        Assert.Equal(NetlinkError.Success, policies.Create(policy.Set("ESTABLISHED", 100)));
        Assert.Equal(Errno.Exists, policies.Create(policy).Code);
        Assert.Equal(Errno.None, policies.Create(policy.Set("CLOSE", 5), replace: true).Code);

        Assert.Equal(Errno.None, policies.Get("slow", out TimeoutPolicy? found).Code);
        Assert.Equal((100u, 5u), (found!.Seconds[3], found.Seconds[8]));
        Assert.Equal(Errno.NotFound, policies.Get("fast", out TimeoutPolicy? missing).Code);
        Assert.Null(missing);
        Assert.Equal(Errno.None, policies.GetAll(out IReadOnlyList<TimeoutPolicy> all).Code);
        Assert.Equal("slow", Assert.Single(all).Name);

        Assert.Equal(Errno.None, policies.Delete("slow").Code);
        Assert.Equal(Errno.NotFound, policies.Delete("slow").Code);
        Assert.Equal(Errno.None, policies.DeleteUnused().Code);
    });

    [Fact]
    public void The_defaults_of_a_protocol_can_be_changed() => PrivateNetwork.Run(() =>
    {
        using var policies = new TimeoutPolicies();
        var policy = new TimeoutPolicy { Family = AddressFamily.IPv4, Protocol = IpProtocol.Sctp };
        Assert.Equal(Errno.None, policies.SetDefault(policy.Set("ESTABLISHED", 999)).Code);
        Assert.Equal(
            Errno.None, policies.GetDefault(AddressFamily.IPv4, IpProtocol.Sctp, out TimeoutPolicy? found).Code);
        Assert.Equal(999u, found!.Seconds[4]);
        Assert.Equal(TimeoutPolicy.StatesOf(IpProtocol.Sctp).Count, found.Seconds.Count);
    });

    // Kernels are built with and without nfnetlink_cthelper.
    [Fact]
    public void A_helper_is_created_and_deleted_or_refused_for_good() => PrivateNetwork.Run(() =>
    {
        using var helpers = new Helpers();
        var helper = new HelperDefinition
        {
            Name = "mine",
            Family = AddressFamily.IPv4,
            Protocol = IpProtocol.Udp,
            Queue = 3,
            Policies = [new("mine", 1, 60)],
        };
        NetlinkError error = helpers.Create(helper);
        NetlinkError listed = helpers.Get(name: null, out IReadOnlyList<HelperDefinition> all);
        Assert.Equal(error.Code, listed.Code);
        if (error.IsSuccess)
        {
            Assert.Contains(all, one => one.Name == "mine" && one.Queue == 3);
            Assert.Equal(Errno.None, helpers.Delete("mine").Code);
        }
        else
        {
            Assert.Equal(Errno.Invalid, error.Code);
            Assert.Empty(all);
        }
    });

    [Fact]
    public void Each_cpu_has_its_counters() => PrivateNetwork.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow flow = Flows.Udp(1);
        client.Create(in flow);
        Assert.Equal(Errno.None, client.ReadCpuStats(out IReadOnlyList<CpuStats> stats).Code);
        Assert.Equal(Enumerable.Range(0, stats.Count), stats.Select(one => one.Cpu));
        Assert.Equal(1L, stats.Sum(one => (long)one.Inserted));
    });
}
