using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Helpers.Tests;

public sealed class FtpTests
{
    private const string Greeting = "220 ready\r\n";
    private const string Port = "PORT 198,51,100,2,156,65\r\n"; // 40001
    private const string Passive = "227 Entering Passive Mode (192,0,2,2,195,80).\r\n"; // 50000

    private static ControlFlow Greeted(ControlFlow flow) => flow.Server(Greeting).Client("USER me\r\n");

    private static ControlFlow Plain() => Greeted(new ControlFlow("ftp", IpProtocol.Tcp));

    public static TheoryData<string, string> Commands => new()
    {
        { Port, "tcp 192.0.2.2 > 198.51.100.2 40001" },
        { "port 198,51,100,2,156,65\r\n", "tcp 192.0.2.2 > 198.51.100.2 40001" },
        { "PORT  198,51,100,2,156,65 \r\n", "tcp 192.0.2.2 > 198.51.100.2 40001" },
        { "PORT 198,51,100,2,156,65\n", "tcp 192.0.2.2 > 198.51.100.2 40001" },
        { "EPRT |1|198.51.100.2|40001|\r\n", "tcp 192.0.2.2 > 198.51.100.2 40001" },
        { "EPRT !1!198.51.100.2!40001!\r\n", "tcp 192.0.2.2 > 198.51.100.2 40001" },
        { "NOOP\r\nPORT 198,51,100,2,156,65\r\nNOOP\r\n", "tcp 192.0.2.2 > 198.51.100.2 40001" },
    };

    [Theory, MemberData(nameof(Commands))]
    public void A_client_opens_itself_to_its_server(string command, string expected)
    {
        Assert.Equal([expected], Plain().Client(command).Expectations);
    }

    [Theory]
    [InlineData("PORT 198,51,100,2,156\r\n")]
    [InlineData("PORT 198,51,100,256,156,65\r\n")]
    [InlineData("PORT 198,51,100,2,156,65,1\r\n")]
    [InlineData("PORT 198,51,100,2,156,65x\r\n")]
    [InlineData("XPORT 198,51,100,2,156,65\r\n")]
    [InlineData("EPRT |2|198.51.100.2|40001|\r\n")]
    [InlineData("EPRT |1|198.51.100.2|65558|\r\n")]
    [InlineData("EPRT |1|198.51.100.2|40001\r\n")]
    [InlineData("EPRT 111198.51.100.2140001 \r\n")]
    [InlineData("227 Entering Passive Mode (198,51,100,2,156,65)\r\n")]
    public void What_is_no_command_opens_nothing(string command)
    {
        Assert.Empty(Plain().Client(command).Expectations);
    }

    public static TheoryData<string, string> Answers => new()
    {
        { "PASV\r\n", Passive },
        { "pasv\r\n", "227 192,0,2,2,195,80\r\n" },
        { "PASV\r\n", "227 mode 1 =192,0,2,2,195,80\r\n" },
        { "EPSV\r\n", "229 Entering Extended Passive Mode (|||50000|)\r\n" },
        { "EPSV 1\r\n", "229 Ok (!!!50000!)\r\n" },
        { "PASV\r\nRETR x\r\n", Passive },
    };

    [Theory, MemberData(nameof(Answers))]
    public void A_server_opens_itself_to_the_client_that_asked(string asked, string answer)
    {
        ControlFlow flow = Plain().Client(asked).Server(answer);

        Assert.Equal(["tcp 198.51.100.2 > 192.0.2.2 50000"], flow.Expectations);
    }

    [Fact]
    public void An_answer_to_no_question_opens_nothing()
    {
        Assert.Empty(Plain().Server(Passive).Expectations);
        Assert.Empty(Plain().Client("PASV\r\n").Client("NOOP\r\n").Server("500 no\r\n").Expectations);
        Assert.Single(Plain().Client("PASV\r\n").Server(Passive).Client("NOOP\r\n").Server(Passive).Expectations);
    }

    [Fact]
    public void A_repeated_answer_is_read_again_until_the_next_command()
    {
        ControlFlow flow = Plain().Client("PASV\r\n").Server(Passive).Again(isReply: true, Passive);

        Assert.Equal(2, flow.Expectations.Count);
    }

    [Fact]
    public void Nobody_opens_somebody_else()
    {
        ControlFlow flow = Plain().Client("PORT 198,51,100,77,156,65\r\n").Client("PASV\r\n")
            .Server("227 (192,0,2,77,195,80)\r\n");

        Assert.Empty(flow.Expectations);
        Assert.Equal(2u, flow.Stats[HelperRefusal.Address]);
    }

    [Fact]
    public void Well_known_ports_stay_closed()
    {
        ControlFlow flow = Plain().Client("PORT 198,51,100,2,0,22\r\n");

        Assert.Empty(flow.Expectations);
        Assert.Equal(1u, flow.Stats[HelperRefusal.Port]);
    }

    [Fact]
    public void A_command_before_the_greeting_opens_nothing()
    {
        Assert.Empty(new ControlFlow("ftp", IpProtocol.Tcp).Client(Port).Expectations);
    }

    [Fact]
    public void A_line_may_be_cut_anywhere()
    {
        for (int cut = 1; cut < Port.Length; cut++)
        {
            ControlFlow flow = Plain().Client(Port[..cut]).Client(Port[cut..]);
            Assert.Equal(["tcp 192.0.2.2 > 198.51.100.2 40001"], flow.Expectations);
        }

        ControlFlow bytes = Plain();
        foreach (char one in Port) bytes.Client(one.ToString());
        Assert.Single(bytes.Expectations);
    }

    [Fact]
    public void After_a_loss_reading_goes_on_with_the_next_line()
    {
        ControlFlow flow = Plain().Lose(isReply: false, 5).Client(Port);
        Assert.Empty(flow.Expectations); // it may be the rest of a line

        Assert.Single(flow.Client(Port).Expectations);
    }

    [Fact]
    public void Behind_a_translated_source_the_client_is_told_as_the_server_knows_it()
    {
        ControlFlow flow = Greeted(ControlFlow.BehindSource("ftp", IpProtocol.Tcp)).Client("NOOP\r\n" + Port);

        Assert.Equal(["tcp 192.0.2.2 > 192.0.2.1 40001 to 40001 direction 1"], flow.Expectations);
        Assert.Equal("NOOP\r\nPORT 192,0,2,1,156,65\r\n", flow.Sent);
    }

    [Fact]
    public void A_port_in_use_outside_is_replaced_by_the_next()
    {
        ControlFlow flow = ControlFlow.BehindSource("ftp", IpProtocol.Tcp);
        flow.Taken.UnionWith([40001, 40002]);
        Greeted(flow).Client("EPRT |1|198.51.100.2|40001|\r\n");

        Assert.Equal(["tcp 192.0.2.2 > 192.0.2.1 40003 to 40001 direction 1"], flow.Expectations);
        Assert.Equal("EPRT |1|192.0.2.1|40003|\r\n", flow.Sent);
    }

    [Fact]
    public void Behind_a_translated_destination_the_server_is_told_as_the_client_knows_it()
    {
        ControlFlow flow = Greeted(ControlFlow.BehindDestination("ftp", IpProtocol.Tcp)).Client("PASV\r\n").Server(Passive);

        Assert.Equal(["tcp 198.51.100.2 > 198.51.100.1 50000 to 50000 direction 0"], flow.Expectations);
        Assert.Equal("227 Entering Passive Mode (198,51,100,1,195,80).\r\n", flow.Sent);
    }

    [Fact]
    public void What_came_in_pieces_is_rewritten_where_the_address_came_in_one()
    {
        ControlFlow whole = Greeted(ControlFlow.BehindSource("ftp", IpProtocol.Tcp)).Client(Port[..5]).Client(Port[5..]);
        Assert.Equal("192,0,2,1,156,65\r\n", whole.Sent);

        ControlFlow cut = Greeted(ControlFlow.BehindSource("ftp", IpProtocol.Tcp)).Client(Port[..9]).Client(Port[9..]);
        Assert.Equal(Port[9..], cut.Sent);
        Assert.Empty(cut.Expectations);
        Assert.Equal(1u, cut.Stats[HelperRefusal.Split]);
    }

    [Fact]
    public void IPv6_has_its_own_forms()
    {
        var flow = new ControlFlow("ftp", IpProtocol.Tcp, "2001:db8:1::2", "2001:db8:2::2");
        Greeted(flow).Client("EPRT |2|2001:db8:1::2|40001|\r\n").Client("EPSV 2\r\n").Server("229 (|||50000|)\r\n")
            .Client("EPRT |1|198.51.100.2|40001|\r\n").Client(Port);

        Assert.Equal(
            ["tcp 2001:db8:2::2 > 2001:db8:1::2 40001", "tcp 2001:db8:1::2 > 2001:db8:2::2 50000"],
            flow.Expectations);
    }
}
