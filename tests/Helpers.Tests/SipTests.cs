using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Helpers.Tests;

public sealed class SipTests
{
    // After RFC 3261, 24.2, with addresses in place of names.
    private const string Sdp =
        "v=0\r\no=alice 1 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 198.51.100.2\r\nt=0 0\r\n"
        + "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

    private static string Invite(string sdp = Sdp, string host = "192.0.2.2") =>
        $"INVITE sip:bob@{host}:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.2:40000;branch=z9hG4bK776asdhds\r\n"
        + $"From: Alice <sip:alice@198.51.100.2>;tag=1\r\nTo: Bob <sip:bob@{host}>\r\nCall-ID: a84b4c76e66710\r\n"
        + "CSeq: 314159 INVITE\r\nContact: <sip:alice@198.51.100.2:40000>\r\nContent-Type: application/sdp\r\n"
        + $"Content-Length: {sdp.Length}\r\n\r\n{sdp}";

    private static ControlFlow Stream() => new("sip", IpProtocol.Tcp, port: 5060);

    private static ControlFlow Udp() => new("sip", IpProtocol.Udp, port: 5060);

    [Fact]
    public void A_call_opens_the_media_of_its_caller()
    {
        Assert.Equal(
            ["udp 192.0.2.2 > 198.51.100.2 49170", "udp 192.0.2.2 > 198.51.100.2 49171"],
            Udp().Client(Invite()).Expectations);
    }

    [Fact]
    public void An_answer_opens_the_media_of_the_callee()
    {
        string sdp = Sdp.Replace("198.51.100.2", "192.0.2.2");
        string answer = $"SIP/2.0 200 OK\r\nl: {sdp.Length}\r\nc: application/sdp\r\n\r\n{sdp}";

        Assert.Equal(
            ["udp 198.51.100.2 > 192.0.2.2 49170", "udp 198.51.100.2 > 192.0.2.2 49171"],
            Udp().Server(answer).Expectations);
        Assert.Empty(Udp().Server(answer.Replace("200 OK", "488 No")).Expectations);
    }

    [Theory]
    [InlineData("m=audio 0 RTP/AVP 0\r\n")]
    [InlineData("m=audio 70000 RTP/AVP 0\r\n")]
    [InlineData("m=audio 22 RTP/AVP 0\r\n")]
    [InlineData("m=audio\r\n")]
    [InlineData("m=audio 49170")]
    [InlineData("m=audio 49170 RTP/AVP 0\r\nc=IN IP4 198.51.100.77\r\n")]
    [InlineData("m=audio 49170 RTP/AVP 0\r\nc=IN IP4 example.org\r\n")]
    public void Media_that_cannot_be_opened_is_not(string line)
    {
        Assert.Empty(Udp().Client(Invite($"v=0\r\nc=IN IP4 198.51.100.2\r\n{line}")).Expectations);
    }

    [Fact]
    public void A_medium_may_have_its_own_address()
    {
        string sdp = "v=0\r\nc=IN IP4 203.0.113.1\r\nm=audio 49170 RTP/AVP 0\r\nc=IN IP4 198.51.100.2\r\nm=video 5004 RTP/AVP 31\r\n";
        ControlFlow flow = Udp().Client(Invite(sdp));

        Assert.Equal(2, flow.Expectations.Count);
        Assert.Equal(1u, flow.Stats[HelperRefusal.Address]);
    }

    [Fact]
    public void Behind_a_translated_source_everything_is_told_as_the_callee_knows_it()
    {
        ControlFlow flow = ControlFlow.BehindSource("sip", IpProtocol.Udp, 5060);
        flow.Taken.Add(49170);
        flow.Client(Invite());

        Assert.Equal(
            [
                "udp 192.0.2.2 > 192.0.2.1 49171 to 49170 direction 1",
                "udp 192.0.2.2 > 192.0.2.1 49172 to 49171 direction 1",
            ],
            flow.Expectations);
        string sdp = Sdp.Replace("198.51.100.2", "192.0.2.1").Replace("49170", "49171");
        string expected = Invite(sdp).Replace("198.51.100.2:40000", "192.0.2.1:40001");
        Assert.Equal(expected, flow.Sent);
    }

    [Fact]
    public void An_answer_finds_the_address_back_that_its_caller_gave()
    {
        ControlFlow flow = ControlFlow.BehindSource("sip", IpProtocol.Udp, 5060)
            .Server("SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.1:40001;branch=z9hG4bK776asdhds\r\nl: 0\r\n\r\n");

        Assert.Equal(
            "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 198.51.100.2:40000;branch=z9hG4bK776asdhds\r\nl: 0\r\n\r\n",
            flow.Sent);
    }

    [Fact]
    public void A_phone_that_registers_can_be_called()
    {
        const string register = "REGISTER sip:example.org SIP/2.0\r\nContact: <sip:alice@198.51.100.2:5062>\r\nl: 0\r\n\r\n";
        Assert.Equal(["udp 192.0.2.2 > 198.51.100.2 5062 permanent"], Udp().Client(register).Expectations);

        ControlFlow flow = ControlFlow.BehindSource("sip", IpProtocol.Udp, 5060)
            .Client(register.Replace("5062", "40000"));
        Assert.Equal(["udp 192.0.2.2 > 192.0.2.1 40001 permanent to 40000 direction 1"], flow.Expectations);
        Assert.Contains("<sip:alice@192.0.2.1:40001>", flow.Sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CSeq: 2 REGISTER\r\nContact: <sip:a@198.51.100.2>;expires=600\r\n", 600)]
    [InlineData("CSeq: 2 REGISTER\r\nm: <sip:b@x>;q=1;Expires=9,<sip:a@198.51.100.2>;expires=700\r\n", 700)]
    [InlineData("CSeq: 2 REGISTER\r\nExpires: 999999\r\n", 3600)]
    [InlineData("CSeq: 2 REGISTER\r\nExpires: 60\r\n", 180)]
    [InlineData("CSeq: 2 REGISTER\r\nExpires: 0\r\n", 0)]
    [InlineData("CSeq: 2 REGISTER\r\n", 0)]
    [InlineData("CSeq: 2 INVITE\r\nExpires: 600\r\n", 0)]
    public void A_flow_lives_as_long_as_the_registration_that_it_carried(string headers, uint seconds)
    {
        ControlFlow flow = Udp().Client("REGISTER sip:x SIP/2.0\r\nExpires: 900\r\nl: 0\r\n\r\n");
        Assert.Equal(0u, flow.Timeout); // only the registrar grants

        Assert.Equal(seconds, flow.Server($"SIP/2.0 200 OK\r\n{headers}l: 0\r\n\r\n").Timeout);
        Assert.Equal(seconds, flow.Server("OPTIONS sip:a@198.51.100.2 SIP/2.0\r\nl: 0\r\n\r\n").Timeout);

        const string end = "CSeq: 3 REGISTER\r\nExpires: 0\r\n";
        Assert.Equal(seconds, flow.Server($"SIP/2.0 403 No\r\n{end}l: 0\r\n\r\n").Timeout);
        Assert.Equal(0u, flow.Server($"SIP/2.0 200 OK\r\n{end}l: 0\r\n\r\n").Timeout);
    }

    [Fact]
    public void Messages_of_a_stream_are_read_one_by_one()
    {
        ControlFlow flow = new ControlFlow("sip", IpProtocol.Tcp, port: 5060).Client(Invite() + Invite());
        Assert.Equal(4, flow.Expectations.Count);
    }

    [Fact]
    public void A_message_of_a_stream_may_be_cut_anywhere()
    {
        string whole = Invite();
        for (int cut = 1; cut < whole.Length; cut++)
        {
            ControlFlow flow = Stream().Client(whole[..cut]).Client(whole[cut..] + "\r\n\r\n" + Invite());
            Assert.Equal(4, flow.Expectations.Count);
        }

        ControlFlow bytes = Stream();
        foreach (char one in whole + "\r\n") bytes.Client(one.ToString());
        Assert.Equal(2, bytes.Expectations.Count);
    }

    [Fact]
    public void What_is_no_message_of_a_stream_is_not_waited_for()
    {
        string endless = Invite().Replace("Content-Length: ", "Content-Length: 9", StringComparison.Ordinal);
        ControlFlow flow = Stream();
        for (int i = 0; i < 30; i++) flow.Client(endless);
        Assert.Empty(flow.Expectations);

        Assert.Equal(2, Stream().Client("no message\r\n\r\n").Client("nor this").Client(Invite()).Expectations.Count);
        Assert.Equal(2, Stream().Client("INVITE sip:x SIP/2.0\r\n\r\n").Client(Invite()).Expectations.Count);
    }

    [Fact]
    public void Under_translation_a_message_in_pieces_opens_nothing_and_those_behind_it_are_told()
    {
        ControlFlow flow = ControlFlow.BehindSource("sip", IpProtocol.Tcp, 5060).Client(Invite()[..300]);
        Assert.Equal(Invite()[..300], flow.Sent);

        flow.Client(Invite()[300..] + Invite());
        Assert.Equal(2, flow.Expectations.Count);
        Assert.Equal(1u, flow.Stats[HelperRefusal.Split]);
        Assert.StartsWith(Invite()[300..], flow.Sent, StringComparison.Ordinal);
        Assert.EndsWith("m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", flow.Sent, StringComparison.Ordinal);
        Assert.Contains("c=IN IP4 192.0.2.1\r\n", flow.Sent, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_message_opens_nothing_over_a_stream()
    {
        string whole = Invite();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Empty(new ControlFlow("sip", IpProtocol.Tcp, port: 5060).Client(whole[..length]).Expectations);
        }
    }
}
