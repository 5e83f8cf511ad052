using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <content>What a peer tells of expectations, and what becomes of it in the kernel.</content>
public sealed partial class ExpectationTests
{
    [Fact]
    public void What_a_peer_tells_is_kept_changed_and_dropped()
    {
        PackedExpectation expectation = Expected.Full(isIPv6: true, zone: 3);
        Hear(PeerMessageType.ExpectationNew, expectation);
        expectation.Class = 5;
        Hear(PeerMessageType.ExpectationUpdate, expectation);
        Assert.Equal(Expected.Describe(in expectation), External().Single());
        Assert.Equal((1u, 1u), (_node.Stats.ExternalExpectations.Created, _node.Stats.ExternalExpectations.Updated));
        Hear(PeerMessageType.ExpectationDelete, expectation);
        Assert.Empty(External());
    }

    [Fact]
    public void A_commit_makes_the_expectations_after_the_flows()
    {
        _node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        Hear(PeerMessageType.ExpectationNew, Expected.Ftp(1, Port));
        _node.Engine.OnCommand(_node.Now, SyncCommand.Commit, ticket: 9);
        Answer("Create 1", 0);
        Answer("CreateExpectation 50000", 17);
        Assert.Equal(
            [SyncNoticeKind.CommitStarted, SyncNoticeKind.CommitDone], _node.NoticeKinds());
        (string Text, uint Token, PackedFlow Flow)[] second = [.. _node.Requests()];
        Assert.Equal(
            ["DeleteExpectation 50000", "CreateExpectation 50000"],
            second.Select(request => request.Text), StringComparer.Ordinal);
        foreach ((_, uint token, _) in second)
            _node.Engine.OnKernelAnswer(_node.Now, KernelRequestKind.Create, token, 0);
        SyncNotice done = _node.Notices().Single();
        Assert.Equal(
            (SyncNoticeKind.ExpectationCommitDone, 1L, 0L, 9),
            (done.Kind, done.Value, done.Value2, done.Ticket));
    }

    [Fact]
    public void An_expectation_that_the_kernel_refuses_is_named()
    {
        Hear(PeerMessageType.ExpectationNew, Expected.Ftp(1, Port));
        _node.Engine.OnCommand(_node.Now, SyncCommand.CommitExpectations, ticket: 9);
        Answer("CreateExpectation 50000", 95);
        List<SyncNotice> notices = _node.Notices();
        Assert.Equal(SyncNoticeKind.ExpectationCommitCreateFailed, notices[1].Kind);
        Assert.Equal(Port, notices[1].Expectation.Tuple.DestinationPort);
        Assert.Equal((0L, 1L), (notices[2].Value, notices[2].Value2));
    }

    // Every helper of the manual, of the kernel and of the router command line; H.323 is the three of them.
    [Theory]
    [InlineData("ftp")]
    [InlineData("sip")]
    [InlineData("sip-5061")]
    [InlineData("RAS")]
    [InlineData("Q.931")]
    [InlineData("H.245")]
    [InlineData("rpc")]
    [InlineData("tns")]
    [InlineData("tftp")]
    [InlineData("irc")]
    [InlineData("pptp")]
    [InlineData("sane")]
    [InlineData("amanda")]
    [InlineData("netbios-ns")]
    [InlineData("snmp")]
    [InlineData("mdns")]
    [InlineData("slp")]
    [InlineData("ssdp")]
    [InlineData("dhcpv6")]
    public void Expectations_of_every_helper_are_told_and_committed(string helper)
    {
        PackedExpectation expectation = Expected.Ftp(1, Port);
        Span<byte> name = expectation.Helper;
        name.Clear();
        Encoding.ASCII.GetBytes(helper, name);
        Master();
        Event(FlowChange.New, expectation);
        Said said = _node.Send().Single();
        using Node peer = Node.Greeted(new SyncOptions { Expectations = ExpectationFilter.All });
        byte[] message = [.. said.Bytes];
        new PeerHeader(
            PeerHeader.CurrentVersion, PeerMessageType.ExpectationNew, PeerFlags.None, (ushort)message.Length,
            new Seq(peer.PeerNext++)).Write(message);
        peer.Hear(message);
        PackedExpectation kept = default;
        ulong cursor = 0;
        Assert.True(peer.Engine.ReadNextExpectation(CacheKind.External, ref cursor, peer.Now, ref kept, out _));
        Assert.Equal(Expected.Describe(in expectation), Expected.Describe(in kept));
        peer.Engine.OnCommand(peer.Now, SyncCommand.CommitExpectations, ticket: 1);
        Assert.Equal(["CreateExpectation 50000"], peer.RequestTexts());
    }

    [Theory]
    [InlineData("ftp", 0u, false)]
    [InlineData("sip", 0u, true)]
    [InlineData("sip", 1u, true)]
    [InlineData("Q.931", 0u, false)]
    public void A_helper_is_named_only_where_the_expected_flow_has_it_or_the_class_needs_it(
        string helper, uint classNumber, bool isNamed)
    {
        PackedExpectation expectation = Expected.Ftp(1, Port);
        expectation.Class = classNumber;
        Span<byte> name = expectation.Helper;
        name.Clear();
        Encoding.ASCII.GetBytes(helper, name);
        KernelExpectation.Complete(ref expectation, new SyncOptions(), idleSeconds: 10);
        Assert.Equal(isNamed, expectation.Has(ExpectationFields.Helper));
        Assert.Equal(290u, expectation.Timeout);
    }

    [Fact]
    public void Without_external_cache_expectations_go_into_the_kernel_at_once()
    {
        using Node node = Node.Greeted(
            new SyncOptions { Expectations = ExpectationFilter.All, DisableExternalCache = true });
        PackedExpectation expectation = Expected.Ftp(1, Port);
        void Hear(PeerMessageType type) => node.Hear(Message(type, node.PeerNext++, in expectation));
        void Answer(string request, int errno)
        {
            (string text, uint token, _) = node.Requests().Single();
            Assert.Equal(request, text);
            node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, errno);
        }

        Hear(PeerMessageType.ExpectationNew);
        Answer("CreateExpectation 50000", 2);    // the master is on its way
        Answer("CreateExpectation 50000", 0);
        Hear(PeerMessageType.ExpectationUpdate);
        Answer("CreateExpectation 50000", 17);
        Answer("DeleteExpectation 50000", 0);
        Hear(PeerMessageType.ExpectationDelete); // while the second creation is due
        Answer("CreateExpectation 50000", 0);
        Answer("DeleteExpectation 50000", 0);
        Assert.Empty(node.Requests());
        Assert.Equal(0u, node.Stats.ExternalExpectations.Objects);
        Assert.Equal(new InjectStats { Created = 2, Destroyed = 1 }, node.Stats.ExpectationInject);
    }

    [Fact]
    public void While_expectations_are_committed_no_cache_is_flushed()
    {
        Hear(PeerMessageType.ExpectationNew, Expected.Ftp(1, Port));
        _node.Engine.OnCommand(_node.Now, SyncCommand.CommitExpectations, ticket: 9);
        Assert.Equal(SyncReply.Refused, _node.Engine.OnCommand(_node.Now, SyncCommand.FlushCaches, 0));
        Answer("CreateExpectation 50000", 0);
        _node.Notices();
        Assert.Equal(SyncReply.Done, _node.Engine.OnCommand(_node.Now, SyncCommand.FlushCaches, 0));
        Assert.Empty(External());
    }
}
