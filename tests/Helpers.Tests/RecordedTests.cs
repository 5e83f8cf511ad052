using TwinTrack.Conntrack;
using TwinTrack.Netlink;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Helpers.Tests;

/// <summary>A packet of a real queue, and what the original made of it.</summary>
public sealed class RecordedTests
{
    private const int PayloadAttribute = 10; // NFQA_PAYLOAD

    [Fact]
    public void A_recorded_command_is_rewritten_byte_for_byte_as_by_the_original()
    {
        byte[] message = Read("ftp-port-packet.hex");
        Assert.True(PacketQueueCodec.TryRead(message, out QueuedPacket queued));
        Assert.True(queued is { HasFlow: true, IsCut: false, State: PacketFlowState.Established });
        PackedFlow flow = default;
        Assert.True(FlowCodec.TryReadAttributes(queued.FlowAttributes, queued.Family, ref flow));
        Assert.True(IpPacket.TryRead(queued.Payload, out IpPacket layout));

        List<string> expected = [];
        var work = new HelperWork(HelperTable.Find("ftp", IpProtocol.Tcp)!, 1024, new HelperStats(), (in PackedExpectation one) =>
        {
            expected.Add($"{one.Tuple.Source.ToText(2)} > {one.Tuple.Destination.ToText(2)} {one.Tuple.DestinationPort}");
            return ExpectResult.Made;
        });
        ReadOnlySpan<byte> stored = flow.HelperInfo;
        var packet = new Inspection(work, ref flow)
        {
            Payload = queued.Payload[layout.Payload..layout.End],
            Data = stored[..32].ToArray(),
            Sequence = layout.Sequence,
            State = queued.State,
        };
        work.Helper.Inspect(ref packet);

        byte[] changed = new byte[2000];
        int length = layout.Rewrite(queued.Payload, work.Rewriting, changed);
        Assert.Equal(["10.87.2.2 > 10.87.2.1 40347"], expected);
        Assert.Equal(PayloadOf(Read("ftp-port-verdict.hex")), changed.AsSpan(0, length).ToArray());
    }

    [Fact]
    public void Half_a_message_is_no_packet()
    {
        byte[] message = Read("ftp-port-packet.hex");
        for (int length = 0; length < message.Length; length++)
            Assert.False(PacketQueueCodec.TryRead(message.AsSpan(0, length), out _));
        Assert.False(PacketQueueCodec.TryRead(Read("ftp-port-verdict.hex"), out _));
    }

    private static byte[] PayloadOf(byte[] verdict)
    {
        Assert.True(NetfilterHeader.TryRead(verdict, out _, out ReadOnlySpan<byte> attributes));
        var reader = new AttributeReader(attributes);
        while (reader.MoveNext())
        {
            if (reader.Type == PayloadAttribute) return reader.Value.ToArray();
        }

        return [];
    }

    private static byte[] Read(string name) => Convert.FromHexString(GoldenFiles.Read($"queue/{name}").Trim());
}
