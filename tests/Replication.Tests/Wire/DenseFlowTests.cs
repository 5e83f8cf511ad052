using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Flows in the form that two of ours agree on.</summary>
public sealed class DenseFlowTests
{
    private static readonly SyncOptions Options = new() { TcpWindowTracking = true };

    /// <summary>What is told, and the bytes it is told by: body only, written by this program and checked by hand.</summary>
    public static TheoryData<string, string> Golden => new()
    {
        // parts, protocol, source, destination, ports, status 0x0e, ESTABLISHED, 600 = 0x58 + 4 * 128
        { "tcp", "8e" + "06" + "0a000100" + "c0000201" + "04010050" + "0e" + "03" + "d804" },
        { "tcp with mark", "9e" + "06" + "0a000100" + "c0000201" + "04010050" + "0e" + "03" + "d804" + "ffffffff0f" },
        { "tcp end", "02" + "06" + "0a000100" + "c0000201" + "04010050" },
        { "udp over IPv6", "8b" + "11" + "fd000000000000000000000000000001" + "fd000000000000000000000000000002"
            + "14e90035" + "08" + "1e" },
        // status 0x018e in two bytes, the address the source is translated to, its port as in version 1
        { "tcp translated", "ae" + "06" + "0a000100" + "c0000201" + "04010050" + "8e03" + "03" + "d804" + "c6336401"
            + "0006000e34120000" },
        { "icmp", "88" + "01" + "0a000100" + "c0000201" + "0a" + "1e"
            + "0005001608000000" + "0005001700000000" + "0006001834120000" },
        { "icmp end", "00" + "01" + "0a000100" + "c0000201" + "0005001608000000" + "0005001700000000"
            + "0006001834120000" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void A_flow_has_these_bytes_and_is_read_from_them(string what, string hex)
    {
        PackedFlow flow = Make(what);
        bool isEnd = what.EndsWith("end", StringComparison.Ordinal);
        byte[] body = new byte[FlowMessage.MaxSize];
        int length = isEnd ? DenseFlow.WriteEnd(in flow, Options, body) : DenseFlow.Write(in flow, Options, body);
        Assert.Equal(hex, Convert.ToHexStringLower(body.AsSpan(0, length)));

        PackedFlow read = default;
        Assert.True(DenseFlow.TryRead(body.AsSpan(0, length), Options, ref read));
        PackedFlow plain = Plain(in flow, isEnd);
        RandomFlows.AssertSame(in plain, in read);
    }

    [Fact]
    public void Whatever_the_kernel_tells_arrives_as_in_the_form_of_the_original()
    {
        var random = new Random(3);
        byte[] body = new byte[FlowMessage.MaxSize];
        for (int number = 0; number < 5000; number++)
        {
            PackedFlow flow = RandomFlows.Draw(random, isExternal: false);
            foreach (bool isEnd in (bool[])[false, true])
            {
                int length = isEnd
                    ? DenseFlow.WriteEnd(in flow, Options, body)
                    : DenseFlow.Write(in flow, Options, body);
                PackedFlow read = default;
                Assert.True(DenseFlow.TryRead(body.AsSpan(0, length), Options, ref read));
                PackedFlow plain = Plain(in flow, isEnd);
                RandomFlows.AssertSame(in plain, in read);
                Assert.True(length <= Write(in flow, isEnd).Length);
            }
        }
    }

    [Fact]
    public void A_message_of_a_TCP_flow_has_half_of_the_bytes_of_the_originals_or_less()
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.Timeout = 432_000;
        flow.Status |= FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone;
        int dense = PeerHeader.Size + DenseFlow.Write(in flow, Options, new byte[FlowMessage.MaxSize]);
        int plain = PeerHeader.Size + Write(in flow, isEnd: false).Length;
        Assert.Equal((28, 60), (dense, plain));
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void What_is_cut_off_before_its_attributes_is_refused(string what, string hex)
    {
        PackedFlow flow = Make(what);
        byte[] body = Convert.FromHexString(hex);
        int attributes = Write(in flow, what.EndsWith("end", StringComparison.Ordinal)).Length;
        Assert.NotEqual(0, attributes);
        PackedFlow read = default;
        int head = what switch
        {
            "icmp" => body.Length - 24,
            "icmp end" => body.Length - 24,
            "tcp translated" => body.Length - 8,
            _ => body.Length,
        };
        for (int length = 0; length < head; length++)
            Assert.False(DenseFlow.TryRead(body.AsSpan(0, length), Options, ref read), $"{length} bytes");
        Assert.True(DenseFlow.TryRead(body.AsSpan(0, head), Options, ref read));
    }

    [Theory]
    [InlineData("0e")]
    [InlineData("8e80808000")]                // longer than need be
    [InlineData("ffffffff0f")]
    public void A_number_has_32_bits_at_most(string status) => Assert.True(IsTaken(status));

    [Theory]
    [InlineData("ffffffff1f")]
    [InlineData("ffffffff7f")]
    [InlineData("808080808000")]
    [InlineData("80")]
    public void A_number_that_does_not_fit_is_refused(string status) => Assert.False(IsTaken(status));

    [Fact]
    public void What_is_not_in_a_message_is_not_left_over_from_the_one_before()
    {
        PackedFlow read = default;
        foreach (string what in (string[])["tcp with mark", "icmp", "tcp end"])
        {
            Assert.True(DenseFlow.TryRead(
                Convert.FromHexString(Golden.Single(row => row.Data.Item1 == what).Data.Item2), Options, ref read));
        }

        Assert.Equal(FlowFields.Original, read.Fields);
        Assert.Equal(TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports, read.Original.Parts);
    }

    private static bool IsTaken(string status)
    {
        PackedFlow read = default;
        byte[] body = Convert.FromHexString("82" + "06" + "0a000100" + "c0000201" + "04010050" + status);
        return DenseFlow.TryRead(body, Options, ref read);
    }

    private static PackedFlow Make(string what)
    {
        if (what.StartsWith("udp", StringComparison.Ordinal)) return Flows.Udp("fd00::1", "fd00::2");
        if (what.StartsWith("icmp", StringComparison.Ordinal)) return Icmp();
        PackedFlow flow = Flows.Tcp(1);
        flow.Original.Source = flow.Reply.Destination = Flows.Host("10.0.1.0");
        if (what == "tcp with mark")
        {
            flow.Mark = uint.MaxValue;
            flow.Fields |= FlowFields.Mark;
        }

        if (what != "tcp translated") return flow;
        flow.Status |= FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone;
        flow.Reply.Destination = Flows.Host("198.51.100.1");
        flow.Reply.DestinationPort = 0x1234;
        return flow;
    }

    private static PackedFlow Icmp()
    {
        PackedFlow flow = Flows.Udp("10.0.1.0", "192.0.2.1");
        foreach (bool isReply in (bool[])[false, true])
        {
            ref FlowTuple tuple = ref isReply ? ref flow.Reply : ref flow.Original;
            tuple.Protocol = IpProtocol.Icmp;
            tuple.IcmpType = (byte)(isReply ? 0 : 8);
            tuple.IcmpId = 0x1234;
            tuple.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.IcmpTypeCode | TupleParts.IcmpId;
        }

        flow.Status |= FlowStatus.SeenReply;
        return flow;
    }

    private static byte[] Write(in PackedFlow flow, bool isEnd)
    {
        byte[] body = new byte[FlowMessage.MaxSize];
        return body[..(isEnd ? FlowMessage.WriteEnd(in flow, Options, body) : FlowMessage.Write(in flow, Options, body))];
    }

    private static PackedFlow Plain(in PackedFlow flow, bool isEnd)
    {
        PackedFlow read = default;
        Assert.True(FlowMessage.TryRead(Write(in flow, isEnd), Options, ref read));
        return read;
    }
}
