using System.Text;

namespace TwinTrack.Fuzz.Targets;

/// <summary>
/// Conversations to begin with, after the examples in each protocol's document: <c>></c> is what the client sends,
/// <c>&lt;</c> the server, <c>*</c> the client first; <c>#</c> in front of bytes in hexadecimal.
/// </summary>
internal static class HelperConversations
{
    private const string Sdp =
        "v=0\r\no=a 1 1 IN IP4 CLIENT\r\ns=-\r\nc=IN IP4 CLIENT\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n"
        + "m=video 51372 RTP/AVP 31\r\nc=IN IP4 CLIENT\r\n";

    private const string SipHead =
        "Via: SIP/2.0/UDP CLIENT:40000;branch=z9hG4bK776\r\nContact: <sip:alice@CLIENT:40000>\r\nCSeq: 1 INVITE\r\n";

    public static IEnumerable<string[]> Of(string helper) => helper switch
    {
        "ftp" =>
        [
            ["<220 ready\r\n", ">USER me\r\n", "<230 ok\r\n", ">PORT 198,51,100,2,156,65\r\n", "<200 ok\r\n"],
            ["<220 ready\r\n", ">EPRT |1|CLIENT|40001|\r\n", ">EPRT |2|CLIENT|40001|\r\n"],
            ["<220 ready\r\n", ">PASV\r\n", "<227 Entering Passive Mode (192,0,2,2,195,80).\r\n"],
            ["<220 ready\r\n", ">EPSV\r\n", "<229 Entering Extended Passive Mode (|||50000|)\r\n", ">RETR x\r\n"],
            ["<220-a\r\n b\r\n220 c\r\n", ">PORT 198,51,", ">100,2,156,65\r\nNOOP\r\n"],
        ],
        "tftp" => [["*#000166696c65006f6374657400"], ["*#000266696c65006e6574617363696900626c6b73697a65003134303000"]],
        "rpc" =>
        [
            // GETPORT and its answer, bare and as a record; GETADDR and its answer
            [
                ">#0000000100000000000000020 00186a0000000020000000300000000000000000000000000000000000186a300000003"
                + "0000000600000000", "<#00000001000000010000000000000000000000000000500a",
            ],
            [
                ">#800000380000000100000000000000020 00186a0000000020000000300000000000000000000000000000000000186a3"
                + "000000030000000600000000", "<#8000001c0000000100000001000000000000000000000000000000000000500a",
            ],
            [
                ">#0000000100000000000000020 00186a0000000040000000300000000000000000000000000000000000186a300000003"
                + "00000003746370000000000000000000", "<#000000010000000100000000000000000000000000000000"
                + "0000000f3139322e302e322e322e38302e313000",
            ],
        ],
        "sane" => [[">#0000000700000001", "<#000000000000800100001234"], [">#0000000400000001", "<#00000000"]],
        "tns" =>
        [
            [
                "<#00420000050000000038284144445245 53533d2850524f544f434f4c3d7463702928484f53543d3139322e302e322e32"
                + "2928504f52543d3530303031292900",
            ],
            ["<#000a0000050000000000", "<#00200000060000000000", "<(HOST=SERVER)(PORT=50001)"],
        ],
        "amanda" =>
        [
            ["*Amanda 2.6 REQ HANDLE 0 SEQ 1\n", "<Amanda 2.6 REP\nCONNECT DATA 10101 MESG 10102 INDEX 10103\nOPTIONS ;\n"],
            ["<CONNECT DATA 1 STATE 65536 INDEX x", "<CONNECT "],
        ],
        "dhcpv6" => [["*#01123456"], ["*#03123456"], ["*#05123456"], ["*#0b123456"], ["*#0e123456"]],
        "mdns" => [["*#000000000001000000000000016100 00010001"], ["*#000084000001000000000000"]],
        "slp" => [["*#020100002120000000000001"], ["*#0101002120"]],
        "ssdp" =>
        [
            ["*M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n"],
            ["*HTTP/1.1 200 OK\r\nLOCATION: http://CLIENT:8080/d.xml\r\n\r\n"],
            ["*NOTIFY * HTTP/1.1\r\nLocation: http://[CLIENT]/d.xml\r\nNTS: ssdp:alive\r\n\r\n"],
            [">SUBSCRIBE /s HTTP/1.1\r\nCALLBACK: <http://CLIENT:5000/e>\r\n\r\n", ">NOTIFY /e HTTP/1.1\r\n\r\n"],
        ],
        "sip" =>
        [
            [
                $">INVITE sip:bob@SERVER SIP/2.0\r\n{SipHead}Content-Type: application/sdp\r\nContent-Length: {Sdp.Length}\r\n\r\n{Sdp}",
                $"<SIP/2.0 200 OK\r\n{SipHead}c: application/sdp\r\nl: {Sdp.Length}\r\n\r\n{Sdp.Replace("CLIENT", "SERVER", StringComparison.Ordinal)}",
            ],
            [$">REGISTER sip:x SIP/2.0\r\n{SipHead}Content-Length: 0\r\n\r\n"],
            [">INVITE sip:bob@SERVER SIP/2.0\r\nContact: <sip:", ">alice@CLIENT:40000>\r\nl: 0\r\n", ">\r\n\r\n\r\nBYE sip:x"],
            [$">REGISTER sip:x SIP/2.0\r\nContact: <sip:a@[CLIENT]:5062>\r\nl: 0\r\n\r\nBYE sip:x SIP/2.0\r\nl: 0\r\n\r\n"],
        ],
        _ => [],
    };

    /// <summary>The bytes of one packet.</summary>
    public static byte[] Payload(string text, bool isIPv6) => text.StartsWith('#')
        ? Convert.FromHexString(text[1..].Replace(" ", "", StringComparison.Ordinal))
        : Encoding.Latin1.GetBytes(text
            .Replace("CLIENT", isIPv6 ? "2001:db8:1::2" : "198.51.100.2", StringComparison.Ordinal)
            .Replace("SERVER", isIPv6 ? "2001:db8:2::2" : "192.0.2.2", StringComparison.Ordinal)
            .Replace("IN IP4", isIPv6 ? "IN IP6" : "IN IP4", StringComparison.Ordinal));
}
