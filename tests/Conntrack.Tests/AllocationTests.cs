using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed class AllocationTests
{
    private const int Rounds = 200;

    [Fact]
    public void Reading_events_and_writing_requests_allocates_nothing()
    {
        byte[][] messages = [.. Captures.Names(_ => true).Select(Captures.Bytes)];
        var writer = new NetlinkWriter(64 * 1024);
        PackedFlow flow = default;
        PackedExpectation expectation = default;
        Work(messages, writer, ref flow, ref expectation); // what the first use allocates is not steady

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++) Work(messages, writer, ref flow, ref expectation);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Work(
        byte[][] messages, NetlinkWriter writer, ref PackedFlow flow, ref PackedExpectation expectation)
    {
        foreach (byte[] message in messages)
        {
            var reader = new MessageReader(message);
            while (reader.MoveNext())
            {
                if (!NetfilterHeader.TryRead(reader.Message, out NetfilterHeader header)) continue;

                writer.Clear();
                if (EventKinds.Of(in header) is EventKind.New or EventKind.Update or EventKind.Destroy
                    && FlowCodec.TryRead(reader.Message, ref flow))
                {
                    FlowCodec.WriteCreate(writer, in flow, 1);
                    FlowCodec.WriteUpdate(writer, in flow, 2);
                    FlowCodec.WriteDump(writer, 3, in flow);
                    if (flow.Has(FlowFields.Original)) FlowCodec.WriteDelete(writer, in flow, 4);
                }
                else if (ExpectationCodec.TryRead(reader.Message, ref expectation))
                {
                    ExpectationCodec.WriteCreate(writer, in expectation, 1);
                }
            }
        }
    }
}
