using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Netlink.Tests;

[Trait("needs", "root")]
public sealed class NetlinkSocketTests
{
    private const byte Get = 1; // IPCTNL_MSG_CT_GET

    [Fact]
    public void A_dump_ends_with_success() => PrivateNetwork.Run(() =>
    {
        using var client = new NetlinkClient(NetlinkProtocol.Netfilter);
        Assert.NotEqual(0u, client.Socket.PortId);
        const MessageFlags Flags = MessageFlags.Request | MessageFlags.Dump;
        client.Writer.Begin(NetfilterSubsystem.Conntrack, Get, Flags, client.NextSequence, 0);
        client.Writer.End();

        Assert.Equal(NetlinkError.Success, client.Transact());
    });

    [Fact]
    public void An_answer_that_was_not_read_does_not_disturb_the_next_exchange() => PrivateNetwork.Run(() =>
    {
        using var client = new NetlinkClient(NetlinkProtocol.Netfilter);
        for (int i = 0; i < 3; i++)
        {
            client.Writer.Clear();
            client.Writer.Begin(
                NetfilterSubsystem.Conntrack, Get, MessageFlags.Request | MessageFlags.Ack, client.NextSequence, 2);
            client.Writer.End();
            Assert.Equal(NetlinkError.Success, client.Start()); // its answer is an error
        }

        client.Writer.Clear();
        client.Writer.Begin(
            NetfilterSubsystem.Conntrack, 5, MessageFlags.Request | MessageFlags.Ack, client.NextSequence, 0);
        client.Writer.End();
        Assert.Equal(NetlinkError.Success, client.Transact());
    });

    [Fact]
    public void The_kernels_own_words_come_with_an_error() => PrivateNetwork.Run(() =>
    {
        using var client = new NetlinkClient(NetlinkProtocol.Netfilter);
        const MessageFlags Flags = MessageFlags.Request | MessageFlags.Ack;
        client.Writer.Begin(NetfilterSubsystem.Conntrack, Get, Flags, client.NextSequence, 2);
        client.Writer.PutUInt32(7, 1);
        client.Writer.PutUInt16(12, 1); // CTA_ID has four bytes
        client.Writer.End();

        NetlinkError error = client.Transact();
        Assert.Equal(Errno.OutOfRange, error.Code);
        Assert.Equal("Attribute failed policy validation", error.Text);
        Assert.Equal(28, error.Offset);
        Assert.EndsWith(error.Text, error.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void Nothing_to_read_is_an_answer() => PrivateNetwork.Run(() =>
    {
        using var socket = new NetlinkSocket(NetlinkProtocol.Netfilter);
        Assert.Equal(ReceiveStatus.WouldBlock, socket.Receive());
        Assert.False(socket.Wait(0));
        Assert.Equal(0, socket.Count);
    });

    [Fact]
    public void A_datagram_too_long_for_its_place_is_counted_and_not_shown() => PrivateNetwork.Run(() =>
    {
        using var socket = new NetlinkSocket(NetlinkProtocol.Netfilter, batchSize: 2, datagramSize: 32);
        var writer = new NetlinkWriter();
        writer.Begin(NetfilterSubsystem.Conntrack, 5, MessageFlags.Request | MessageFlags.Ack, 1, 0);
        writer.End();
        socket.Send(writer);

        Assert.Equal(ReceiveStatus.Datagrams, socket.Receive());
        Assert.Equal(2, socket.Count); // the reply and the acknowledgement, both of 36 bytes
        Assert.True(socket.IsTruncated(0));
        Assert.Equal(0, socket.Datagram(0).Length);
        Assert.Equal(2ul, socket.Truncated);
    });

    [Fact]
    public void More_than_the_send_buffer_is_refused() => PrivateNetwork.Run(() =>
    {
        using var socket = new NetlinkSocket(NetlinkProtocol.Netfilter);
        socket.SetSendBufferSize(8192);
        Assert.Equal(Errno.MessageTooLong, socket.Send(new byte[100_000]).Code);
    });

    [Fact]
    public void A_filter_that_drops_everything_drops_everything() => PrivateNetwork.Run(() =>
    {
        using var socket = new NetlinkSocket(NetlinkProtocol.Netfilter);
        var writer = new NetlinkWriter();
        writer.Begin(NetfilterSubsystem.Conntrack, 5, MessageFlags.Request | MessageFlags.Ack, 1, 0);
        writer.End();

        Assert.Equal(NetlinkError.Success, socket.AttachFilter([new FilterInstruction(0x06, 0, 0, 0)])); // RET 0
        socket.Send(writer);
        Assert.Equal(ReceiveStatus.WouldBlock, socket.Receive());

        Assert.Equal(NetlinkError.Success, socket.DetachFilter());
        socket.Send(writer);
        Assert.Equal(ReceiveStatus.Datagrams, socket.Receive());

        Assert.Equal(Errno.Invalid, socket.AttachFilter([new FilterInstruction(0xffff, 0, 0, 0)]).Code);
    });

    [Fact]
    public void An_unknown_protocol_throws_with_its_reason()
    {
        var error = Assert.Throws<NetlinkException>(() => new NetlinkSocket(999));
        Assert.NotEqual(Errno.None, error.Error.Code);
        Assert.StartsWith("netlink socket: ", error.Message, StringComparison.Ordinal);
    }
}
