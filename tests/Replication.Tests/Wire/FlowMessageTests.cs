using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class FlowMessageTests
{
    /// <summary>The length field that a receiver demands of each attribute; for two of them it is the most.</summary>
    private static readonly int[] Lengths =
    [
        12, 36, 5, 8, 5, 8, 8, 8, 12, 36, 5, 8, 8, 8, 6, 6, 28, 5, 8, 8, 5, 5, 5, 5, 6, 5, 5, 16, 1028, 20, 20, 16, 6,
    ];

    private const string Addresses = "000c00000a5101020a510202";
    private const string Tcp = "0005000206000000";

    /// <summary>A body of addresses, protocol and these attributes, and what the flow is read as.</summary>
    public static TheoryData<string, string> Values => new()
    {
        { "0005001b66747000", "Helper f" },                          // cut off by its length
        { "0008001b66747000", "Helper ftp" },
        { "0007001b66747000", "Helper ftp" },                        // without terminator
        { "0006001b00000000", "" },                                  // an empty name is none
        { "0014001c" + "00000000000000200000000000000000", "Labels 37" },
        { "000a001c0000000100000000", "" },                          // not words: skipped
        { "0008001c00000001", "Labels 0" },                          // fewer words than the kernel has
        { "0018001c" + "0000000000000000000000000000000000000001", "Labels" },  // a bit the kernel can't hold
        { "001c0010" + "000000010000000200000003" + "00000004fffffffcfffffff8", "Sequences 1 2 3 / 4 -4 -8" },
        { "0010001f0025941bf6df1630d5424a63", "SynProxy isn f6df1630 its 0025941b tsoff d5424a63" },
        { "0006000e34120000", "SourceNatPort 4660" },
        { "0006000f78560000", "DestinationNatPort 22136" },
        { "00060020" + "00070000", "Zone 7" },
        { "0006001834120000" + "0005001608000000" + "0005001705000000", "Icmp 8 5 4660" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void An_attribute_is_read_as_the_original_means_it(string attributes, string expected)
    {
        PackedFlow flow = Flows.Read(Convert.FromHexString(Addresses + Tcp + attributes));
        Assert.Equal(expected, Describe(in flow));
    }

    [Fact]
    public void Every_attribute_has_its_length_and_no_other()
    {
        for (int number = 0; number < Lengths.Length; number++)
        {
            bool isVariable = number is 27 or 28;
            for (int length = 4; length <= 1040; length++)
            {
                bool isExpected = isVariable ? length <= Lengths[number] : length == Lengths[number];
                byte[] body = [.. Attribute(number, length), .. Convert.FromHexString(Addresses + Tcp)];
                Assert.Equal(isExpected, IsTaken(body));
            }
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(Tcp, false)]
    [InlineData(Addresses, false)]
    [InlineData(Addresses + Tcp, true)]
    [InlineData(Addresses + Tcp + "0008002100000000", false)]        // 33 does not exist
    [InlineData(Addresses + Tcp + "0000000000000000", false)]
    public void Addresses_and_protocol_are_what_a_flow_needs(string body, bool isTaken) =>
        Assert.Equal(isTaken, IsTaken(Convert.FromHexString(body)));

    [Fact]
    public void What_is_not_in_a_message_is_not_left_over_from_the_one_before()
    {
        PackedFlow flow = default;
        Assert.True(FlowMessage.TryRead(
            Convert.FromHexString(Addresses + "0005000201000000" + "0005001608000000" + "0005001705000000"),
            new SyncOptions(), ref flow));
        Assert.True(FlowMessage.TryRead(
            Convert.FromHexString(Addresses + "0005000201000000" + "0005001608000000"), new SyncOptions(), ref flow));
        Assert.Equal((8, 0), (flow.Original.IcmpType, flow.Original.IcmpCode));
        Assert.True(FlowMessage.TryRead(Convert.FromHexString(Addresses + Tcp), new SyncOptions(), ref flow));
        Assert.Equal(FlowFields.Original, flow.Fields);
        Assert.Equal(TupleParts.Addresses | TupleParts.Protocol, flow.Original.Parts);
    }

    [Fact]
    public void What_the_kernel_tells_arrives_at_the_peer()
    {
        var random = new Random(1);
        var options = new SyncOptions { TcpWindowTracking = true };
        byte[] body = new byte[FlowMessage.MaxSize];
        for (int number = 0; number < 5000; number++)
        {
            PackedFlow sent = RandomFlows.Draw(random, isExternal: false);
            int length = FlowMessage.Write(in sent, options, body);
            Assert.Equal(0, length % 4);
            PackedFlow received = default;
            Assert.True(FlowMessage.TryRead(body.AsSpan(0, length), options, ref received));
            PackedFlow expected = OnTheWire(in sent);
            RandomFlows.AssertSame(in expected, in received);
        }
    }

    [Fact]
    public void A_node_with_a_commit_timeout_sends_none()
    {
        PackedFlow flow = Flows.Tcp(1);
        PackedFlow received = SendAndRead(in flow, new SyncOptions { CommitTimeoutSeconds = 90 });
        Assert.False(received.Has(FlowFields.Timeout));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Window_scales_are_sent_if_windows_are_tracked_and_they_are_known(bool isTracking)
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.TcpWindowScaleOriginal = 7;
        flow.Fields |= FlowFields.TcpWindowScaleOriginal;
        PackedFlow received = SendAndRead(in flow, new SyncOptions { TcpWindowTracking = isTracking });
        Assert.Equal(isTracking, received.Has(FlowFields.TcpWindowScaleOriginal));
        Assert.False(received.Has(FlowFields.TcpWindowScaleReply));
    }

    [Theory]
    [InlineData("abcdefghijk", true)]
    [InlineData("abcdefghijkl", false)]
    [InlineData("abcdefghijklmno", false)]
    public void A_helper_that_the_peer_would_refuse_is_left_out(string name, bool isSent)
    {
        PackedFlow flow = Flows.Tcp(1);
        Flows.SetHelper(ref flow, name);
        PackedFlow received = SendAndRead(in flow, new SyncOptions());
        Assert.Equal(isSent, received.Has(FlowFields.Helper));
        Assert.True(received.Has(FlowFields.TcpState));
    }

    [Theory]
    [InlineData(FlowStatus.None, false, false)]
    [InlineData(FlowStatus.SourceNatDone, true, false)]
    [InlineData(FlowStatus.DestinationNatDone, false, true)]
    [InlineData(FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone, true, true)]
    public void Translation_of_a_direction_is_sent_when_its_status_says_it_was_done(
        FlowStatus status, bool source, bool destination)
    {
        PackedFlow flow = Translated();
        flow.Status = status;
        PackedFlow received = SendAndRead(in flow, new SyncOptions());
        Assert.Equal(source, received.Has(FlowFields.SourceNat | FlowFields.SourceNatPort));
        Assert.Equal(destination, received.Has(FlowFields.DestinationNat | FlowFields.DestinationNatPort));
    }

    [Fact]
    public void Without_a_status_every_translation_is_sent()
    {
        PackedFlow flow = Translated();
        flow.Fields &= ~FlowFields.Status;
        PackedFlow received = SendAndRead(in flow, new SyncOptions());
        Assert.True(received.Has(FlowFields.SourceNat | FlowFields.SourceNatPort));
        Assert.True(received.Has(FlowFields.DestinationNat | FlowFields.DestinationNatPort));
    }

    [Fact]
    public void Swapped_values_follow_the_peers_byte_order_both_ways()
    {
        PackedFlow flow = Translated();
        flow.Status = FlowStatus.SourceNatDone;
        var big = new SyncOptions { PeersAreLittleEndian = false };
        byte[] body = new byte[FlowMessage.MaxSize];
        int length = FlowMessage.Write(in flow, big, body);
        PackedFlow received = default;
        Assert.True(FlowMessage.TryRead(body.AsSpan(0, length), big, ref received));
        Assert.Equal(4660, received.SourceNat.FirstPort);
        Assert.True(FlowMessage.TryRead(body.AsSpan(0, length), new SyncOptions(), ref received));
        Assert.Equal(0x3412, received.SourceNat.FirstPort);
    }

    [Fact]
    public void The_longest_message_fits_the_buffer()
    {
        PackedFlow flow = Flows.Udp("2001:db8::1", "2001:db8::2");
        flow.Original.Protocol = flow.Reply.Protocol = IpProtocol.Tcp;
        flow.Reply.Source = flow.Reply.Destination = Flows.Host("2001:db8::3");
        flow.Reply.SourcePort = flow.Reply.DestinationPort = 9;
        flow.Master = flow.Original;
        flow.Labels = new LabelBits(1, 2);
        Flows.SetHelper(ref flow, "abcdefghijk");
        flow.Fields = (FlowFields)((1UL << 40) - 1);
        flow.Status = FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone;
        var options = new SyncOptions { TcpWindowTracking = true };
        int length = FlowMessage.Write(in flow, options, new byte[FlowMessage.MaxSize]);
        Assert.InRange(length, 250, FlowMessage.MaxSize);
    }

    private static PackedFlow Translated()
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.Reply.Source = Flows.Host("10.0.0.80");
        flow.Reply.Destination = Flows.Host("203.0.113.1");
        flow.Reply.SourcePort = 8080;
        flow.Reply.DestinationPort = 4660;
        return flow;
    }

    private static PackedFlow SendAndRead(in PackedFlow flow, SyncOptions options)
    {
        byte[] body = new byte[FlowMessage.MaxSize];
        return Flows.Read(body.AsSpan(0, FlowMessage.Write(in flow, options, body)));
    }

    private static bool IsTaken(byte[] body)
    {
        PackedFlow flow = default;
        return FlowMessage.TryRead(body, new SyncOptions(), ref flow);
    }

    private static byte[] Attribute(int number, int length)
    {
        byte[] attribute = new byte[(length + 3) & ~3];
        attribute[0] = (byte)(length >> 8);
        attribute[1] = (byte)length;
        attribute[3] = (byte)number;
        return attribute;
    }

    // What the protocol can carry of a flow, as the peer knows it.
    private static PackedFlow OnTheWire(in PackedFlow sent)
    {
        PackedFlow flow = sent;
        flow.Fields &= ~(FlowFields.Reply | FlowFields.Id | FlowFields.SecurityMark | FlowFields.SecurityContext
            | FlowFields.TimestampStart | FlowFields.TimestampStop);
        flow.Fields |= FlowFields.Status;
        if (!sent.Has(FlowFields.Status)) flow.Status = FlowStatus.None;
        if (sent.Original.Has(TupleParts.Zone)) flow.Reply.Parts &= ~TupleParts.Zone;
        int end = ((ReadOnlySpan<byte>)sent.Helper).IndexOf((byte)0);
        if (end > 11) flow.Fields &= ~FlowFields.Helper;
        if (sent.Labels.IsEmpty) flow.Fields &= ~FlowFields.Labels;

        bool isKnown = sent.Has(FlowFields.Status);
        bool hasPorts = sent.Original.Has(TupleParts.Ports);
        if (!isKnown || (sent.Status & FlowStatus.SourceNatDone) != 0)
        {
            Translate(ref flow, sent.Reply.Destination, sent.Original.Source, FlowFields.SourceNat, ref flow.SourceNat);
            if (hasPorts) TranslatePort(ref flow, sent.Reply.DestinationPort, sent.Original.SourcePort,
                FlowFields.SourceNatPort, ref flow.SourceNat);
        }

        if (isKnown && (sent.Status & FlowStatus.DestinationNatDone) == 0) return flow;
        Translate(
            ref flow, sent.Reply.Source, sent.Original.Destination, FlowFields.DestinationNat, ref flow.DestinationNat);
        if (hasPorts) TranslatePort(ref flow, sent.Reply.SourcePort, sent.Original.DestinationPort,
            FlowFields.DestinationNatPort, ref flow.DestinationNat);
        return flow;
    }

    private static void Translate(
        ref PackedFlow flow, Address to, Address from, FlowFields field, ref NatRange range)
    {
        if (to == from) return;
        range.First = to;
        flow.Fields |= field;
    }

    private static void TranslatePort(
        ref PackedFlow flow, ushort to, ushort from, FlowFields field, ref NatRange range)
    {
        if (to == from) return;
        range.FirstPort = to;
        flow.Fields |= field;
    }

    private static string Describe(in PackedFlow flow)
    {
        FlowFields fields = flow.Fields & ~FlowFields.Original;
        if (fields == FlowFields.Helper) return "Helper " + Flows.Text(in flow).Split("helper=")[1];
        if (fields == FlowFields.Zone) return $"Zone {flow.Zone}";
        if (fields == FlowFields.SourceNatPort) return $"SourceNatPort {flow.SourceNat.FirstPort}";
        if (fields == FlowFields.DestinationNatPort) return $"DestinationNatPort {flow.DestinationNat.FirstPort}";
        if (fields == FlowFields.SynProxy)
        {
            (uint isn, uint its, uint tsoff) = flow.SynProxy;
            return $"SynProxy isn {isn:x8} its {its:x8} tsoff {tsoff:x8}";
        }

        if (fields == (FlowFields.SequenceOriginal | FlowFields.SequenceReply))
        {
            (uint position, int before, int after) = flow.SequenceOriginal;
            (uint replyPosition, int replyBefore, int replyAfter) = flow.SequenceReply;
            return $"Sequences {position} {before} {after} / {replyPosition} {replyBefore} {replyAfter}";
        }

        if (fields == FlowFields.Labels)
        {
            ulong first = flow.Labels.First;
            return flow.Labels.IsEmpty ? "Labels" : $"Labels {System.Numerics.BitOperations.TrailingZeroCount(first)}";
        }

        return flow.Original.Has(TupleParts.IcmpTypeCode)
            ? $"Icmp {flow.Original.IcmpType} {flow.Original.IcmpCode} {flow.Original.IcmpId}"
            : fields == FlowFields.None ? "" : fields.ToString();
    }
}
