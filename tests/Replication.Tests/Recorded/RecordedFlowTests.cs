using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Every flow message that two originals exchanged, through our reader, stores and writer.</summary>
public sealed class RecordedFlowTests : IDisposable
{
    // Everything that was recorded is written again; what a configuration leaves out was not recorded.
    private static readonly SyncOptions Options = new() { TcpWindowTracking = true };

    private readonly EntrySlabs _slabs = new();
    private readonly FlowStore _store;
    private readonly byte[] _body = new byte[FlowMessage.MaxSize];

    public RecordedFlowTests() => _store = new FlowStore(_slabs, seed: 7);

    public static TheoryData<string, int, int> Recordings => new()
    {
        // recording, flow messages, those that we send otherwise
        { "ftfw-udp-basic", 42, 7 },
        { "ftfw-udp-failover", 1, 0 },
        { "ftfw-udp-failover-link2", 3, 0 },
        { "ftfw-udp-loss", 8, 0 },
        { "ftfw-udp-nocsum", 1, 0 },
        { "ftfw-udp-resync", 60, 0 },
        { "ftfw-udp-restart", 8, 0 },
        { "ftfw-udp-synproxy", 4, 0 },
        { "ftfw-udp-wscale", 7, 0 },
        { "ftfw-udp6", 3, 0 },
        { "ftfw-mcast", 8, 0 },
        { "ftfw-mcast6", 1, 0 },
        { "ftfw-expect-ftp", 28, 0 },
    };

    [Fact]
    public void The_table_names_every_recording() => Assert.Equal(
        Pcap.FtfwRecordings().Order(StringComparer.Ordinal),
        Recordings.Select(row => row.Data.Item1).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_recorded_flow_that_is_read_stored_and_written_again_has_the_same_bytes(
        string recording, int messages, int different)
    {
        int seen = 0;
        int otherwise = 0;
        foreach (byte[] message in Pcap.Read(recording).SelectMany(datagram => datagram.Messages()))
        {
            if (PeerHeader.Read(message).Type > PeerMessageType.FlowDelete) continue;
            byte[] body = message[PeerHeader.Size..];
            byte[] expected = RecordedBody.AsOurs(body, out bool differs);
            Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(ThroughStores(body)));
            seen++;
            if (differs) otherwise++;
        }

        Assert.Equal((messages, different), (seen, otherwise));
    }

    public void Dispose()
    {
        _store.Dispose();
        _slabs.Dispose();
    }

    // As the engine does: what a peer told is stored; what the kernel says of such a flow is stored and sent.
    private byte[] ThroughStores(byte[] body)
    {
        PackedFlow flow = Flows.Read(body);
        Store(ref flow);
        Flows.ToKernelView(ref flow);
        Store(ref flow);
        return _body[..FlowMessage.Write(in flow, Options, _body)];
    }

    private void Store(ref PackedFlow flow)
    {
        uint handle = _store.Add(new FlowKey(in flow), in flow, EntryState.Alive, nowSeconds: 0);
        flow = default;
        _store.Read(handle, ref flow);
        _store.Remove(handle);
    }
}
