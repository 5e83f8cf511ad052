using System.Buffers.Binary;
using System.Text;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Helpers.Tests;

/// <summary>The helpers whose protocols fit in a few bytes.</summary>
public sealed class OtherTests
{
    [Fact]
    public void SANE_opens_the_port_of_an_image_that_was_asked_for()
    {
        byte[] start = [0, 0, 0, 7, 0, 0, 0, 1];
        byte[] other = [0, 0, 0, 4, 0, 0, 0, 1];
        byte[] answer = [0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0x12, 0x34, 0, 0, 0, 0];
        byte[] failed = [0, 0, 0, 3, 0, 0, 0x80, 1];

        Assert.Equal(["tcp 198.51.100.2 > 192.0.2.2 32769"], Sane().Client(start).Server(answer).Expectations);
        Assert.Empty(Sane().Client(other).Server(answer).Expectations);
        Assert.Empty(Sane().Client(start).Server(failed).Server(answer).Expectations);
        Assert.Empty(Sane().Server(answer).Expectations);
    }

    [Fact]
    public void TNS_follows_a_listener_to_itself_only()
    {
        Assert.Equal(["tcp 198.51.100.2 > 192.0.2.2 50001"], Tns().Server(Redirect("192.0.2.2", 50001)).Expectations);
        Assert.Empty(Tns().Server(Redirect("192.0.2.77", 50001)).Expectations);
        Assert.Empty(Tns().Client(Redirect("192.0.2.2", 50001)).Expectations);

        // The address may come with the next packet, of type 6.
        byte[] empty = [0, 10, 0, 0, 5, 0, 0, 0, 0, 0];
        byte[] data = Redirect("192.0.2.2", 50001);
        data[4] = 6;
        Assert.Single(Tns().Server(empty).Server(data).Expectations);
        Assert.Empty(Tns().Server(data).Expectations);
    }

    [Fact]
    public void TNS_keeps_its_lengths_right_behind_a_translated_destination()
    {
        ControlFlow flow = ControlFlow.BehindDestination("tns", IpProtocol.Tcp, 1521).Server(Redirect("192.0.2.2", 50001));

        Assert.Equal(Redirect("198.51.100.1", 50001), flow.SentBytes);
    }

    [Fact]
    public void Amanda_opens_every_stream()
    {
        ControlFlow flow = ControlFlow.BehindDestination("amanda", IpProtocol.Udp, 10080);
        flow.Taken.Add(10102);
        flow.Server("Amanda 2.6 REP HANDLE 0 SEQ 1\nCONNECT DATA 10101 MESG 10102 INDEX 10104\nOPTIONS ;\n");

        Assert.Equal(3, flow.Expectations.Count);
        Assert.Contains("CONNECT DATA 10101 MESG 10103 INDEX 10104\n", flow.Sent, StringComparison.Ordinal);
        Assert.Equal(300u, flow.Timeout);
        Assert.Empty(new ControlFlow("amanda", IpProtocol.Udp, port: 10080).Client("CONNECT DATA 10101\n").Expectations);
    }

    [Theory]
    [InlineData("mdns", "224.0.0.251", "\0\0\0\0\0\u0001\0\0\0\0\0\0\u0001x\0\0\u0001\0\u0001", 5353)]
    [InlineData("slp", "239.255.255.253", "\u0002\u0001\0\0\u0010", 427)]
    public void A_question_to_a_group_is_answered_by_anybody_from_its_port(string helper, string group, string text, int port)
    {
        ControlFlow asked = new ControlFlow(helper, IpProtocol.Udp, server: group, port: (ushort)port)
            .First(Encoding.Latin1.GetBytes(text));
        Assert.Equal([$"udp any {port} > 198.51.100.2 40000 permanent"], asked.Expectations);

        ControlFlow direct = new ControlFlow(helper, IpProtocol.Udp, port: (ushort)port)
            .First(Encoding.Latin1.GetBytes(text));
        Assert.Empty(direct.Expectations);
    }

    [Fact]
    public void DHCPv6_lets_servers_answer_a_question_to_their_group()
    {
        var flow = new ControlFlow(
            "dhcpv6", FlowTuple.Of(IpProtocol.Udp, "fe80::2", 546, "ff02::1:2", 547),
            FlowTuple.Of(IpProtocol.Udp, "ff02::1:2", 547, "fe80::2", 546), FlowStatus.None);
        flow.First([1, 0, 0, 1]);

        Assert.Equal(["udp any > fe80::2 546 permanent"], flow.Expectations);
        Assert.Equal(120u, flow.Timeout);
        Assert.Single(flow.First([14, 0, 0, 1]).Expectations);
    }

    [Fact]
    public void SSDP_opens_what_a_device_says_of_itself()
    {
        ControlFlow search = new ControlFlow("ssdp", IpProtocol.Udp, server: "239.255.255.250", port: 1900)
            .First("M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n"u8);
        Assert.Equal(["udp any > 198.51.100.2 40000 permanent"], search.Expectations);

        ControlFlow answer = new ControlFlow("ssdp", IpProtocol.Udp).First(
            "HTTP/1.1 200 OK\r\nSERVER: x\r\nLocation:http://198.51.100.2:8080/d.xml\r\n\r\n"u8);
        Assert.Equal(["tcp 192.0.2.2 > 198.51.100.2 8080 permanent"], answer.Expectations);

        ControlFlow stranger = new ControlFlow("ssdp", IpProtocol.Udp).First(
            "HTTP/1.1 200 OK\r\nLOCATION: http://198.51.100.77:8080/d.xml\r\n\r\n"u8);
        Assert.Empty(stranger.Expectations);

        ControlFlow events = ControlFlow.BehindSource("ssdp", IpProtocol.Tcp, 49152).Client(
            "SUBSCRIBE /s HTTP/1.1\r\nCALLBACK: <http://198.51.100.2:5000/e>\r\n\r\n");
        Assert.Equal(["tcp 192.0.2.2 > 192.0.2.1 5000 to 5000 direction 1"], events.Expectations);
        Assert.Contains("<http://192.0.2.1:5000/e>", events.Sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("192.0.2.1", true)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("fe80::1", true)]
    public void Only_hosts_can_be_opened(string text, bool may)
    {
        Assert.True(Address.TryParse(text, out Address address, out byte family));
        Assert.Equal(may, Guard.MayOpen(address, family));
    }

    [Fact]
    public void A_sender_announces_at_a_pace()
    {
        var limit = new AnnouncerLimit();
        for (int i = 0; i < AnnouncerLimit.Burst; i++) Assert.True(limit.TryTake(new Address(1, 0), 0));

        Assert.False(limit.TryTake(new Address(1, 0), 0));
        Assert.True(limit.TryTake(new Address(2, 0), 0));
        Assert.True(limit.TryTake(new Address(1, 0), 1000));
    }

    private static ControlFlow Sane() => new("sane", IpProtocol.Tcp, port: 6566);

    private static ControlFlow Tns() => new("tns", IpProtocol.Tcp, port: 1521);

    private static byte[] Redirect(string host, int port)
    {
        byte[] text = Encoding.ASCII.GetBytes($"(ADDRESS=(PROTOCOL=tcp)(HOST={host})(PORT={port}))");
        byte[] packet = [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, .. text];
        BinaryPrimitives.WriteUInt16BigEndian(packet, (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(8), (ushort)text.Length);
        return packet;
    }
}
