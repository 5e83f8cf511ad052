using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void A_flow_of_one_engine_arrives_in_the_other()
    {
        var start = new Instant(0);
        using var left = new SyncEngine(new SyncOptions(), new Seq(1000), start);
        using var right = new SyncEngine(new SyncOptions(), new Seq(5000), start);
        PackedFlow flow = Flow();
        left.OnFlow(start, FlowChange.New, EventOrigin.Other, in flow);
        byte[] buffer = new byte[4096];
        int length = left.PollTransmit(start, buffer, 1472);
        Assert.True(length > 0);
        right.OnPeer(start, default, default, buffer.AsSpan(0, length));

        ulong cursor = 0;
        PackedFlow copy = default;
        Assert.True(right.ReadNext(CacheKind.External, ref cursor, start, ref copy, out _));
        Assert.Equal(flow.Original, copy.Original);
        Assert.Equal(TcpState.Established, (TcpState)copy.TcpState);
        Assert.False(right.ReadNext(CacheKind.External, ref cursor, start, ref copy, out _));
    }

    private static PackedFlow Flow()
    {
        PackedFlow flow = default;
        flow.Original = Tuple("10.0.0.1", "192.0.2.1", 1000, 80);
        flow.Reply = Tuple("192.0.2.1", "10.0.0.1", 80, 1000);
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        flow.Timeout = 600;
        flow.TcpState = (byte)TcpState.Established;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout | FlowFields.TcpState;
        return flow;
    }

    private static FlowTuple Tuple(string source, string destination, ushort sourcePort, ushort destinationPort)
    {
        Assert.True(Address.TryParse(source, out Address from, out byte family));
        Assert.True(Address.TryParse(destination, out Address to, out _));
        return new FlowTuple
        {
            Source = from,
            Destination = to,
            Family = family,
            Protocol = IpProtocol.Tcp,
            SourcePort = sourcePort,
            DestinationPort = destinationPort,
            Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports,
        };
    }
}
