using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Helpers;
using TwinTrack.Helpers;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Helpers;

/// <summary>A recorded packet of a queue, from its helper to its verdict.</summary>
public sealed class HelperInspectorTests
{
    private readonly byte[] _message =
        Convert.FromHexString(GoldenFiles.Read("queue/ftp-port-packet.hex").Trim());

    [Fact]
    public void A_helper_that_fails_loses_its_inspection_and_the_packet_passes()
    {
        HelperStats stats = Inspect("ftp", (ref Inspection packet) =>
        {
            packet.Data[0] = 99;
            packet.Replace(0, 1, "x"u8);
            packet.Expect(new Expected(IpProtocol.Tcp, packet.Other.Destination, 5000));
            throw new InvalidOperationException("a defect");
        }, out Answer answer);

        Assert.Equal(new Answer(IsSeen: true, PacketVerdict.Accept, 0, FlowFields.None, HasExpectation: false), answer);
        Assert.Equal(1u, stats.Failed);
    }

    [Fact]
    public void What_a_helper_changes_goes_with_the_verdict()
    {
        HelperStats stats = Inspect("ftp", (ref Inspection packet) =>
        {
            packet.Data[0] = 99;
            packet.Timeout = 5;
            packet.Replace(0, 4, "port  "u8);
        }, out Answer answer);

        const FlowFields changes = FlowFields.Helper | FlowFields.HelperInfo | FlowFields.Timeout;
        Assert.Equal(changes, answer.Changes);
        Assert.Equal(PacketLength + 2, answer.PayloadLength);
        Assert.Equal(1u, stats.Rewritten);
    }

    [Fact]
    public void A_packet_of_another_helper_passes_unseen()
    {
        HelperStats stats = Inspect("other", (ref Inspection _) => throw new InvalidOperationException("a defect"), out Answer answer);

        Assert.Equal(new Answer(IsSeen: false, PacketVerdict.Accept, 0, FlowFields.None, HasExpectation: false), answer);
        Assert.Equal(0u, stats.Packets);
    }

    private int PacketLength
    {
        get
        {
            Assert.True(PacketQueueCodec.TryRead(_message, out QueuedPacket packet));
            return packet.Payload.Length;
        }
    }

    private HelperStats Inspect(string name, Inspect inspect, out Answer answered)
    {
        Assert.True(PacketQueueCodec.TryRead(_message, out QueuedPacket packet));
        using var log = new Log(TextWriter.Null, TextWriter.Null);
        using var inspector = new HelperInspector(log);
        var stats = new HelperStats();
        var type = new HelperTypeConfig { Name = name, Family = AddressFamily.IPv4, Protocol = IpProtocol.Tcp };
        var helper = new Helper(name, IpProtocol.Tcp, inspect);
        inspector.Helpers = [new RunningHelper(type, new HelperWork(helper, 1024, stats, inspector.Expect))];
        bool isSeen = inspector.TryInspect(in packet, 0, out PacketAnswer answer);
        answered = new Answer(
            isSeen, answer.Verdict, answer.Payload.Length, answer.Changes,
            inspector.Held.Fields != ExpectationFields.None);
        return stats;
    }

    private sealed record Answer(
        bool IsSeen, PacketVerdict Verdict, int PayloadLength, FlowFields Changes, bool HasExpectation);
}
