using System.Buffers.Binary;
using System.Text;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Helpers.Tests;

public sealed class RpcTests
{
    private const uint Program = 100_003; // nfs

    [Fact]
    public void The_answer_to_GETPORT_opens_the_service()
    {
        ControlFlow flow = Udp().Client(GetPort(1)).Server(Port(1, 20490));

        Assert.Equal(["tcp 198.51.100.2 > 192.0.2.2 20490 permanent"], flow.Expectations);
    }

    [Fact]
    public void The_answer_to_GETADDR_opens_the_service()
    {
        ControlFlow flow = Udp().Client(GetAddress(1, "tcp")).Server(Text(1, "192.0.2.2.80.10"));
        Assert.Equal(["tcp 198.51.100.2 > 192.0.2.2 20490 permanent"], flow.Expectations);

        var six = new ControlFlow("rpc", IpProtocol.Udp, "2001:db8:1::2", "2001:db8:2::2", 111);
        six.Client(GetAddress(1, "udp6")).Server(Text(1, "2001:db8:2::2.80.10"));
        Assert.Equal(["udp 2001:db8:1::2 > 2001:db8:2::2 20490 permanent"], six.Expectations);
    }

    [Fact]
    public void Three_questions_may_be_open_at_once()
    {
        ControlFlow flow = Udp().Client(GetPort(1)).Client(GetAddress(2, "udp")).Client(GetPort(2)).Client(GetPort(3))
            .Server(Port(3, 30003)).Server(Port(1, 30001)).Server(Port(2, 30002)).Server(Port(3, 30004));
        Assert.Equal(
            [
                "tcp 198.51.100.2 > 192.0.2.2 30003 permanent", "tcp 198.51.100.2 > 192.0.2.2 30001 permanent",
                "tcp 198.51.100.2 > 192.0.2.2 30002 permanent",
            ],
            flow.Expectations);

        // Of four the first is forgotten.
        flow = Udp().Client(GetPort(1)).Client(GetPort(2)).Client(GetPort(3)).Client(GetPort(4))
            .Server(Port(1, 30001)).Server(Port(4, 30004)).Server(Port(2, 30002));
        Assert.Equal(2, flow.Expectations.Count);
    }

    [Fact]
    public void A_question_the_original_noted_is_answered()
    {
        byte[] noted = new byte[16]; // xid, program, version, protocol
        BinaryPrimitives.WriteUInt32LittleEndian(noted, 7);
        BinaryPrimitives.WriteUInt32LittleEndian(noted.AsSpan(4), Program);
        BinaryPrimitives.WriteUInt32LittleEndian(noted.AsSpan(8), 3);
        BinaryPrimitives.WriteUInt32LittleEndian(noted.AsSpan(12), IpProtocol.Udp);

        Assert.Empty(Udp().Remember(noted).Server(Port(8, 20490)).Expectations);
        Assert.Equal(
            ["udp 198.51.100.2 > 192.0.2.2 20490 permanent"],
            Udp().Remember(noted).Server(Port(7, 20490)).Server(Port(7, 20491)).Expectations);
    }

    [Fact]
    public void An_answer_needs_its_question()
    {
        Assert.Empty(Udp().Server(Port(0, 20490)).Expectations);
        Assert.Empty(Udp().Client(GetPort(1)).Server(Port(2, 20490)).Expectations);
        Assert.Single(Udp().Client(GetPort(1)).Server(Port(1, 20490)).Server(Port(1, 20491)).Expectations);
    }

    [Theory]
    [InlineData("192.0.2.77.80.10")]
    [InlineData("192.0.2.2.0.0")]
    [InlineData("192.0.2.2.256.10")]
    [InlineData("192.0.2.2")]
    [InlineData("80.10")]
    [InlineData("")]
    public void An_address_must_be_the_servers_and_whole(string address)
    {
        Assert.Empty(Udp().Client(GetAddress(1, "tcp")).Server(Text(1, address)).Expectations);
    }

    [Fact]
    public void Records_of_a_stream_are_read_one_by_one()
    {
        ControlFlow flow = new ControlFlow("rpc", IpProtocol.Tcp, port: 111)
            .Client(Record([.. Words(9, 0, 2, 100_000, 2, 0, 0, 0, 0, 0)], GetPort(1))).Server(Record(Port(1, 20490)));

        Assert.Single(flow.Expectations);
    }

    [Fact]
    public void Behind_a_translated_destination_the_record_keeps_its_right_length()
    {
        ControlFlow flow = ControlFlow.BehindDestination("rpc", IpProtocol.Tcp, 111)
            .Client(Record(GetAddress(1, "tcp"))).Server(Record(Text(1, "192.0.2.2.80.10")));

        Assert.Equal(["tcp 198.51.100.2 > 198.51.100.1 20490 permanent to 20490 direction 0"], flow.Expectations);
        Assert.Equal(Record(Text(1, "198.51.100.1.80.10")), flow.SentBytes);
    }

    [Fact]
    public void Damage_opens_nothing()
    {
        byte[] call = GetPort(1);
        byte[] reply = Port(1, 20490);
        for (int i = 0; i < call.Length; i++) Assert.Empty(Udp().Client(call.AsSpan(0, i)).Server(reply).Expectations);
        for (int i = 0; i < reply.Length; i++) Assert.Empty(Udp().Client(call).Server(reply.AsSpan(0, i)).Expectations);
    }

    private static ControlFlow Udp() => new("rpc", IpProtocol.Udp, port: 111);

    // RFC 5531, 9: xid, CALL, rpc version, program, version, procedure, credentials, verifier
    private static byte[] GetPort(uint xid) =>
        Words(xid, 0, 2, 100_000, 2, 3, 1, 4, 0x61626364, 0, 0, Program, 3, IpProtocol.Tcp, 0);

    private static byte[] GetAddress(uint xid, string network) =>
    [
        .. Words(xid, 0, 2, 100_000, 4, 3, 0, 0, 0, 0, Program, 3), .. Xdr(network), .. Xdr(""), .. Xdr(""),
    ];

    private static byte[] Port(uint xid, uint port) => Words(xid, 1, 0, 0, 0, 0, port);

    private static byte[] Text(uint xid, string text) => [.. Words(xid, 1, 0, 0, 0, 0), .. Xdr(text)];

    private static byte[] Record(params byte[][] messages) =>
        [.. messages.SelectMany(message => Words(0x8000_0000 | (uint)message.Length).Concat(message))];

    private static byte[] Xdr(string text) =>
        [.. Words((uint)text.Length), .. Encoding.ASCII.GetBytes(text), .. new byte[-text.Length & 3]];

    private static byte[] Words(params uint[] words)
    {
        byte[] bytes = new byte[words.Length * 4];
        for (int i = 0; i < words.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), words[i]);
        return bytes;
    }
}
