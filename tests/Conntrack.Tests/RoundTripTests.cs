using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed class RoundTripTests
{
    private const int Cases = 5_000;

    [Fact]
    public void A_flow_that_is_written_and_read_is_the_same()
    {
        var flows = new RandomFlows(seed: 1);
        var writer = new NetlinkWriter();
        PackedFlow read = default;
        for (int i = 0; i < Cases; i++)
        {
            PackedFlow flow = flows.Next();
            writer.Clear();
            writer.Begin(NetfilterSubsystem.Conntrack, 0, MessageFlags.Request, 1, FlowCodec.FamilyOf(in flow));
            FlowCodec.WriteAttributes(writer, in flow, (FlowFields)ulong.MaxValue);
            writer.End();

            Assert.True(FlowCodec.TryRead(writer.Written, ref read), $"case {i}");
            AssertSame(in flow, in read, i);
        }
    }

    [Fact]
    public void Damage_is_refused_or_read_as_something_else_but_never_throws()
    {
        var flows = new RandomFlows(seed: 2);
        var random = new Random(3);
        List<byte[]> seeds = [.. Captures.Names(_ => true).Select(Captures.Bytes)];
        var writer = new NetlinkWriter();
        PackedFlow flow = default;
        PackedExpectation expectation = default;
        int refused = 0;
        for (int i = 0; i < Cases; i++)
        {
            byte[] message = i % 2 == 0 ? [.. seeds[random.Next(seeds.Count)]] : Encode(flows, writer);
            Damage(message, random);
            int length = random.Next(4) == 0 ? random.Next(message.Length + 1) : message.Length;
            ReadOnlySpan<byte> bytes = message.AsSpan(0, length);

            if (!FlowCodec.TryRead(bytes, ref flow)) refused++;
            else Rewrite(writer, in flow);
            ExpectationCodec.TryRead(bytes, ref expectation);
            TimeoutPolicyCodec.Read(bytes);
            HelperCodec.Read(bytes);
            CpuStats.TryRead(bytes, out _);
            TableSize.TryRead(bytes, out _);
            ExpectationCpuStats.TryRead(bytes, out _);
            NetlinkError.Read(bytes);
        }

        Assert.InRange(refused, Cases / 10, Cases - (Cases / 10));
    }

    private static byte[] Encode(RandomFlows flows, NetlinkWriter writer)
    {
        PackedFlow flow = flows.Next();
        writer.Clear();
        writer.Begin(NetfilterSubsystem.Conntrack, 0, MessageFlags.Request, 1, FlowCodec.FamilyOf(in flow));
        FlowCodec.WriteAttributes(writer, in flow, (FlowFields)ulong.MaxValue);
        writer.End();
        return writer.Written.ToArray();
    }

    // What was read can be written again, whatever it was.
    private static void Rewrite(NetlinkWriter writer, in PackedFlow flow)
    {
        writer.Clear();
        FlowCodec.WriteCreate(writer, in flow, 1);
        FlowCodec.WriteUpdate(writer, in flow, 2);
        FlowCodec.WriteDump(writer, 3, in flow);
    }

    private static void Damage(byte[] message, Random random)
    {
        int count = random.Next(4);
        for (int i = 0; i < count; i++)
        {
            int at = random.Next(message.Length);
            message[at] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(message[at] ^ (1 << random.Next(8))),
                _ => (byte)(random.Next(2) == 0 ? 0 : 255),
            };
        }
    }

    private static void AssertSame(in PackedFlow flow, in PackedFlow read, int number)
    {
        Assert.True(flow.Fields == read.Fields, $"case {number}: {flow.Fields ^ read.Fields}");
        SortedDictionary<string, string> expected = Described.Flow(in flow);
        foreach ((string path, string value) in Described.Flow(in read))
        {
            Assert.True(expected.Remove(path, out string? was) && was == value, $"case {number}: {path} {was} {value}");
        }

        Assert.True(expected.Count == 0, $"case {number}: lost {string.Join(' ', expected.Keys)}");
        if (flow.Has(FlowFields.HelperInfo))
        {
            ReadOnlySpan<byte> info = flow.HelperInfo;
            ReadOnlySpan<byte> infoRead = read.HelperInfo;
            Assert.True(info[..flow.HelperInfoLength].SequenceEqual(infoRead[..read.HelperInfoLength]));
        }

        if (flow.Has(FlowFields.SecurityContext))
        {
            ReadOnlySpan<byte> context = flow.SecurityContext;
            ReadOnlySpan<byte> contextRead = read.SecurityContext;
            Assert.True(context[..flow.SecurityContextLength].TrimEnd((byte)0)
                .SequenceEqual(contextRead[..read.SecurityContextLength]));
        }
    }
}
