using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class KernelFlowTests
{
    [Theory]
    [InlineData(600u, 0u, 0u, 600u)]
    [InlineData(600u, 100u, 0u, 500u)]
    [InlineData(600u, 599u, 0u, 60u)]        // its owner speaks: a stream may have been refreshed without a word
    [InlineData(600u, 601u, 0u, 60u)]
    [InlineData(30u, 20u, 0u, 30u)]          // but never more than it was given
    [InlineData(600u, 650u, 580u, 20u)]      // its owner is silent: it has at most what is left since then
    [InlineData(600u, 700u, 600u, 1u)]
    [InlineData(0u, 0u, 0u, 60u)]
    [InlineData(0u, 10u, 10u, 60u)]
    public void The_time_left_is_what_was_told_less_the_time_since(
        uint received, uint idle, uint silence, uint expected)
    {
        PackedFlow flow = Received();
        flow.Timeout = received;
        KernelFlow.Complete(ref flow, new SyncOptions(), new FlowSilence(idle, silence));
        Assert.Equal(expected, flow.Timeout);
    }

    [Fact]
    public void Without_a_timeout_a_flow_gets_a_minute()
    {
        PackedFlow flow = Received();
        flow.Fields &= ~FlowFields.Timeout;
        flow.Timeout = 12345;
        KernelFlow.Complete(ref flow, new SyncOptions(), new FlowSilence(5, 0));
        Assert.True(flow.Has(FlowFields.Timeout));
        Assert.Equal(60u, flow.Timeout);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(10_000u)]
    public void A_fixed_timeout_holds_for_every_flow(uint idle)
    {
        PackedFlow flow = Received();
        KernelFlow.Complete(ref flow, new SyncOptions { CommitTimeoutSeconds = 180 }, new FlowSilence(idle, 0));
        Assert.Equal(180u, flow.Timeout);
    }

    [Theory]
    [InlineData(FlowStatus.None, FlowStatus.Confirmed)]
    [InlineData(FlowStatus.Expected | FlowStatus.SeenReply, FlowStatus.Confirmed | FlowStatus.SeenReply)]
    [InlineData(FlowStatus.Dying | FlowStatus.Assured, FlowStatus.Confirmed | FlowStatus.Assured)]
    public void A_flow_is_confirmed_and_neither_expected_nor_dying(FlowStatus received, FlowStatus expected)
    {
        PackedFlow flow = Received();
        flow.Status = received;
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.Equal(expected, flow.Status);
    }

    [Fact]
    public void The_reply_tuple_is_the_mirror_whatever_is_translated()
    {
        PackedFlow flow = Received();
        flow.SourceNat.First = Flows.Host("203.0.113.1");
        flow.SourceNat.FirstPort = 4660;
        flow.Fields |= FlowFields.SourceNat | FlowFields.SourceNatPort;
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.Equal(Flows.Tcp(1).Reply, flow.Reply);
        Assert.True(flow.Has(FlowFields.Original | FlowFields.Reply | FlowFields.SourceNat | FlowFields.SourceNatPort));
    }

    [Theory]
    [InlineData(IpProtocol.Icmp, 8, 0)]
    [InlineData(IpProtocol.Icmp, 0, 8)]
    [InlineData(IpProtocol.Icmp, 13, 14)]
    [InlineData(IpProtocol.Icmp, 14, 13)]
    [InlineData(IpProtocol.Icmp, 15, 16)]
    [InlineData(IpProtocol.Icmp, 16, 15)]
    [InlineData(IpProtocol.Icmp, 17, 18)]
    [InlineData(IpProtocol.Icmp, 18, 17)]
    [InlineData(IpProtocol.Icmp, 3, 255)]
    [InlineData(IpProtocol.IcmpV6, 128, 129)]
    [InlineData(IpProtocol.IcmpV6, 129, 128)]
    [InlineData(IpProtocol.IcmpV6, 139, 140)]
    [InlineData(IpProtocol.IcmpV6, 140, 139)]
    [InlineData(IpProtocol.IcmpV6, 8, 255)]
    public void An_ICMP_type_is_mirrored_as_the_one_that_answers(byte protocol, byte type, byte answer)
    {
        PackedFlow flow = Received();
        flow.Original.Protocol = protocol;
        flow.Original.Parts =
            TupleParts.Addresses | TupleParts.Protocol | TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        (flow.Original.IcmpType, flow.Original.IcmpCode, flow.Original.IcmpId) = (type, 4, 99);
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.Equal((answer, (byte)4, (ushort)99), (flow.Reply.IcmpType, flow.Reply.IcmpCode, flow.Reply.IcmpId));
    }

    [Theory]
    [InlineData(IpProtocol.Tcp, true)]
    [InlineData(IpProtocol.Udp, true)]
    [InlineData(IpProtocol.UdpLite, true)]
    [InlineData(IpProtocol.Sctp, true)]
    [InlineData(IpProtocol.Dccp, true)]
    [InlineData(IpProtocol.Gre, true)]
    [InlineData((byte)50, false)]
    public void Ports_that_the_peer_left_out_are_zero_where_the_kernel_wants_ports(byte protocol, bool wantsPorts)
    {
        PackedFlow flow = Received();
        flow.Original.Protocol = protocol;
        flow.Original.Parts &= ~TupleParts.Ports;        // the numbers are leftovers now
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.Equal(wantsPorts, flow.Original.Has(TupleParts.Ports));
        Assert.Equal(wantsPorts, flow.Reply.Has(TupleParts.Ports));
        if (wantsPorts) Assert.Equal((0, 0), (flow.Original.SourcePort, flow.Reply.SourcePort));
    }

    [Theory]
    [InlineData(IpProtocol.Tcp, true)]
    [InlineData(IpProtocol.Sctp, true)]
    [InlineData(IpProtocol.Icmp, false)]
    [InlineData(IpProtocol.Gre, false)]
    public void Ports_are_translated_where_there_are_ports(byte protocol, bool isTranslated)
    {
        PackedFlow flow = Received();
        flow.Original.Protocol = protocol;
        flow.Fields |= FlowFields.SourceNatPort | FlowFields.DestinationNatPort;
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.Equal(isTranslated, flow.Has(FlowFields.SourceNatPort | FlowFields.DestinationNatPort));
        Assert.Equal(isTranslated, flow.Has(FlowFields.SourceNat | FlowFields.DestinationNat));
        if (!isTranslated) return;
        Assert.Equal(flow.Original.Source, flow.SourceNat.First);
        Assert.Equal(flow.Original.Destination, flow.DestinationNat.Last);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_TCP_flow_is_liberal_unless_windows_are_tracked(bool isTracking)
    {
        PackedFlow flow = Received();
        KernelFlow.Complete(ref flow, new SyncOptions { TcpWindowTracking = isTracking }, default);
        Assert.Equal(!isTracking, flow.Has(FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply));
        if (isTracking) return;
        byte liberal = (byte)TcpFlags.BeLiberal;
        Assert.Equal((liberal, liberal), (flow.TcpFlagsOriginal, flow.TcpFlagsOriginalMask));
        Assert.Equal((liberal, liberal), (flow.TcpFlagsReply, flow.TcpFlagsReplyMask));
    }

    [Fact]
    public void A_SYNPROXY_state_of_zeros_is_not_restored()
    {
        PackedFlow flow = Received();
        flow.SynProxy = default;
        flow.Fields |= FlowFields.SynProxy;
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.False(flow.Has(FlowFields.SynProxy));
        flow.SynProxy = new SynProxyState(1, 0, default);
        flow.Fields |= FlowFields.SynProxy;
        KernelFlow.Complete(ref flow, new SyncOptions(), default);
        Assert.True(flow.Has(FlowFields.SynProxy));
    }

    // As a peer tells it: no reply tuple.
    private static PackedFlow Received()
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.Reply = default;
        flow.Fields &= ~FlowFields.Reply;
        return flow;
    }
}
