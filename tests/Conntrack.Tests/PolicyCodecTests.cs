using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

/// <summary>Timeout policies, helpers and statistics.</summary>
public sealed class PolicyCodecTests
{
    private const MessageFlags Ack = MessageFlags.Ack;

    [Fact]
    public void A_timeout_policy_is_read_as_recorded()
    {
        TimeoutPolicy policy = TimeoutPolicyCodec.Read(Captures.Bytes("req-timeout-get-reply"))!;
        Assert.Equal("cap1", policy.Name);
        Assert.Equal(AddressFamily.IPv4, policy.Family);
        Assert.Equal(IpProtocol.Tcp, policy.Protocol);
        Assert.Equal(1u, policy.Uses);
        Assert.Equal(
            [120u, 60, 100, 120, 60, 30, 120, 5, 120, 300, 300], // established and close differ from the defaults
            policy.Seconds.Values);
        Assert.Equal(Enumerable.Range(1, 11), policy.Seconds.Keys);
    }

    [Fact]
    public void The_defaults_of_a_protocol_are_read_as_recorded()
    {
        TimeoutPolicy policy = TimeoutPolicyCodec.Read(Captures.Bytes("req-timeout-default-get-sctp-reply"))!;
        Assert.Equal("", policy.Name);
        Assert.Equal(IpProtocol.Sctp, policy.Protocol);
        Assert.Equal([10u, 3, 3, 210, 3, 3, 3, 30, 0], policy.Seconds.Values);
    }

    [Fact]
    public void Timeout_requests_equal_the_recorded_ones()
    {
        var policy = new TimeoutPolicy { Name = "cap1", Family = AddressFamily.IPv4, Protocol = IpProtocol.Tcp };
        policy.Set("established", 100).Set("CLOSE", 5);
        Check(
            "req-timeout-new",
            writer => TimeoutPolicyCodec.WriteCreate(writer, policy, 1, flags: Ack),
            recorded: "flags 0504",
            ours: "flags 0506"); // exclusive, too
        Check("req-timeout-get", writer => TimeoutPolicyCodec.WriteGet(writer, "cap1", 1, Ack));
        Check("req-timeout-dump", writer => TimeoutPolicyCodec.WriteGet(writer, name: null, 1));
        Check("req-timeout-delete", writer => TimeoutPolicyCodec.WriteDelete(writer, "cap1", 1, Ack));

        var udp = new TimeoutPolicy { Family = AddressFamily.IPv4, Protocol = IpProtocol.Udp };
        udp.Set("UNREPLIED", 30);
        Check("req-timeout-default-set-udp", writer => TimeoutPolicyCodec.WriteDefaultSet(writer, udp, 1, Ack));
        Check("req-timeout-default-get-sctp", writer =>
            TimeoutPolicyCodec.WriteDefaultGet(writer, AddressFamily.IPv4, IpProtocol.Sctp, 1, Ack));
    }

    [Fact]
    public void A_state_the_protocol_does_not_have_is_refused()
    {
        var policy = new TimeoutPolicy { Protocol = IpProtocol.Udp };
        Assert.Throws<ArgumentException>(() => policy.Set("ESTABLISHED", 1));
    }

    [Fact]
    public void A_helper_survives_writing_and_reading()
    {
        var helper = new HelperDefinition
        {
            Name = "ftp",
            Family = AddressFamily.IPv6,
            Protocol = IpProtocol.Tcp,
            Queue = 4,
            PrivateDataLength = 24,
            IsEnabled = true,
            Policies = [new("ftp", 1, 300), new("other", 2, 60)],
        };
        var writer = new NetlinkWriter();
        HelperCodec.WriteCreate(writer, helper, 1);

        HelperDefinition read = HelperCodec.Read(writer.Written)!;
        Assert.Equal(helper.Policies, read.Policies);
        Assert.Equal(helper, read with { Policies = helper.Policies });
        Check("req-cthelper-dump-unsupported", w => HelperCodec.WriteGet(w, name: null, 1));
    }

    [Fact]
    public void Statistics_are_read_as_recorded()
    {
        Assert.True(TableSize.TryRead(Captures.Bytes("req-count-reply"), out TableSize size));
        Assert.Equal(new TableSize(2, 1000000), size);

        Assert.True(CpuStats.TryRead(Captures.Bytes("req-stats-cpu-reply"), out CpuStats first));
        Assert.Equal(0, first.Cpu);
        Assert.Equal(57u, first.Inserted);
        Assert.Equal(0u, first.InsertFailed);
        Assert.True(CpuStats.TryRead(Captures.Bytes("req-stats-cpu-reply2"), out CpuStats second));
        Assert.Equal(1, second.Cpu);

        byte[] reply = Captures.Bytes("req-exp-stats-cpu-reply2");
        Assert.True(ExpectationCpuStats.TryRead(reply, out ExpectationCpuStats one));
        Assert.Equal(new ExpectationCpuStats(1, 0, 0, 0), one);
        Assert.False(CpuStats.TryRead(Captures.Bytes("req-count-reply"), out _));
    }

    [Fact]
    public void Every_recording_is_a_message_that_some_codec_reads()
    {
        foreach (string name in Captures.Names(_ => true))
        {
            byte[] message = Captures.Bytes(name);
            var reader = new MessageReader(message);
            Assert.True(reader.MoveNext(), name);
            Assert.Equal(message.Length, reader.Message.Length);
            PackedFlow flow = default;
            PackedExpectation expectation = default;
            bool isRead = (reader.Header.Type >> 8) switch
            {
                0 => NetlinkError.Read(message).Code != Errno.BadMessage,
                1 => FlowCodec.TryRead(message, ref flow) || CpuStats.TryRead(message, out _)
                    || TableSize.TryRead(message, out _) || ExpectationCpuStats.TryRead(message, out _),
                2 => ExpectationCodec.TryRead(message, ref expectation),
                8 => TimeoutPolicyCodec.Read(message) is not null,
                _ => HelperCodec.Read(message) is not null,
            };
            Assert.True(isRead, name);
        }
    }

    [Theory]
    [InlineData("req-ct-create-again-excl-reply", Errno.Exists)]
    [InlineData("req-ct-get-missing-reply", Errno.NotFound)]
    [InlineData("req-cthelper-dump-unsupported-reply", Errno.Invalid)]
    [InlineData("req-flush-reply", Errno.None)]
    [InlineData("req-timeout-dump-reply2", Errno.None)]
    public void Answers_are_read_as_recorded(string name, Errno code) =>
        Assert.Equal(new NetlinkError(code), NetlinkError.Read(Captures.Bytes(name)));

    private static void Check(string name, Action<NetlinkWriter> build, string recorded = "", string ours = "")
    {
        var writer = new NetlinkWriter();
        build(writer);
        string expected = AttributeTree.Of(Captures.Bytes(name));
        if (recorded.Length > 0) expected = expected.Replace(recorded, ours, StringComparison.Ordinal);
        Assert.Equal(expected, AttributeTree.Of(writer.Written));
    }
}
