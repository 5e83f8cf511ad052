using System.Text;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Helpers.Tests;

public sealed class TftpTests
{
    // RFC 1350, 5; RFC 2347
    [Theory]
    [InlineData("\0\u0001file\0octet\0", true)]
    [InlineData("\0\u0002file\0NetASCII\0", true)]
    [InlineData("\0\u0001file\0octet\0blksize\01400\0", true)]
    [InlineData("\0\u0003file\0octet\0", false)]
    [InlineData("\0\u0001file\0octet", false)]
    [InlineData("\0\u0001file\0other\0", false)]
    [InlineData("\0\u0001\0octet\0", false)]
    [InlineData("\0\u0001", false)]
    [InlineData("\0", false)]
    public void Only_a_request_lets_the_server_answer(string payload, bool opens)
    {
        ControlFlow flow = new ControlFlow("tftp", IpProtocol.Udp, port: 69).First(Encoding.Latin1.GetBytes(payload));

        Assert.Equal(opens ? ["udp 192.0.2.2 > 198.51.100.2 40000"] : [], flow.Expectations);
    }

    [Fact]
    public void Behind_a_translated_source_the_answer_finds_its_way()
    {
        ControlFlow flow = ControlFlow.BehindSource("tftp", IpProtocol.Udp, 69).First("\0\u0001f\0octet\0"u8);

        Assert.Equal(["udp 192.0.2.2 > 192.0.2.1 40001 to 40000 direction 1"], flow.Expectations);
    }
}
