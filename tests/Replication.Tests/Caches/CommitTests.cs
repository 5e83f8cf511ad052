using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>The external cache on its way into the kernel.</summary>
public sealed class CommitTests
{
    private const int Ticket = 9;
    private const int Many = 20_000;     // more than are looked at in one go
    private const int NotPermitted = 1;
    private const int NoEntry = 2;
    private const int NoMemory = 12;
    private const int Exists = 17;
    private const int NotSupported = 95;

    private readonly List<string> _log = [];

    [Fact]
    public void Every_flow_is_created_and_the_end_tells_how_many()
    {
        using Node node = WithFlows(3);
        Assert.Equal(SyncReply.Pending, Start(node));
        Answer(node, _ => 0);
        Assert.Equal(["Create 1", "Create 2", "Create 3"], _log);
        AssertEnd(node, committed: 3, failed: 0);
        Assert.Equal(3, node.Count(CacheKind.External));
    }

    [Fact]
    public void An_empty_cache_is_committed_at_once()
    {
        using Node node = WithFlows(0);
        Start(node);
        Answer(node, _ => 0);
        Assert.Empty(_log);
        AssertEnd(node, committed: 0, failed: 0);
    }

    [Fact]
    public void A_flow_that_is_there_already_is_deleted_and_created_once_more()
    {
        using Node node = WithFlows(2);
        Start(node);
        Answer(node, request => request == "Create 1" && !_log.Contains("Delete 1") ? Exists : 0);
        Assert.Equal(["Create 1", "Create 2", "Delete 1", "Create 1"], _log);
        AssertEnd(node, committed: 2, failed: 0);
    }

    [Fact]
    public void That_the_one_in_the_way_has_gone_meanwhile_is_no_failure()
    {
        using Node node = WithFlows(1);
        Start(node);
        Answer(node, request => request == "Delete 1" ? NoEntry : _log.Count == 1 ? Exists : 0);
        AssertEnd(node, committed: 1, failed: 0);
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(NotSupported, 0, 1)]
    public void A_flow_whose_helper_the_kernel_lacks_is_created_without_it(int second, int committed, int failed)
    {
        using Node node = WithFlows(0);
        PackedFlow helped = Flows.Tcp(1);
        "tns"u8.CopyTo(helped.Helper);
        helped.Fields |= FlowFields.Helper;
        node.HearFlow(PeerMessageType.FlowNew, helped);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        Start(node);
        foreach ((string text, uint token, PackedFlow flow) in node.Requests())
        {
            Assert.Equal(text == "Create 1", flow.Has(FlowFields.Helper));
            int errno = text == "Create 1" ? NotSupported : 0;
            node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, errno);
        }

        (string again, uint last, PackedFlow without) = node.Requests().Single();
        Assert.Equal("Create 1", again);
        Assert.False(without.Has(FlowFields.Helper));
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, last, second);
        Assert.Empty(node.Requests());
        AssertEnd(node, committed + 1, failed);
    }

    [Fact]
    public void A_flow_is_given_up_when_the_one_in_its_way_cannot_be_deleted()
    {
        using Node node = WithFlows(2);
        Start(node);
        Answer(node, request => request == "Delete 1" ? NotPermitted : request == "Create 1" ? Exists : 0);
        Assert.Equal(["Create 1", "Create 2", "Delete 1", "Create 1"], _log);
        SyncNotice failure = AssertEnd(node, committed: 1, failed: 1)!.Value;
        Assert.Equal((SyncNoticeKind.CommitDeleteFailed, NotPermitted), (failure.Kind, failure.Value));
        Assert.Equal(1, Node.NumberOf(in failure.Flow));
    }

    [Fact]
    public void A_second_conflict_is_a_failure()
    {
        using Node node = WithFlows(1);
        Start(node);
        Answer(node, request => request == "Create 1" ? Exists : 0);
        Assert.Equal(["Create 1", "Delete 1", "Create 1"], _log);
        SyncNotice failure = AssertEnd(node, committed: 0, failed: 1)!.Value;
        Assert.Equal((SyncNoticeKind.CommitCreateFailed, Exists), (failure.Kind, failure.Value));
    }

    [Fact]
    public void A_flow_that_cannot_be_created_is_reported_and_the_rest_goes_on()
    {
        using Node node = WithFlows(3);
        Start(node);
        Answer(node, request => request == "Create 2" ? NoMemory : 0);
        SyncNotice failure = AssertEnd(node, committed: 2, failed: 1)!.Value;
        Assert.Equal(
            (SyncNoticeKind.CommitCreateFailed, NoMemory, Ticket), (failure.Kind, failure.Value, failure.Ticket));
        Assert.Equal(2, Node.NumberOf(in failure.Flow));
    }

    [Fact]
    public void A_flow_that_the_peer_takes_back_meanwhile_is_not_created_again()
    {
        using Node node = WithFlows(2);
        Start(node);
        List<(string Text, uint Token, PackedFlow Flow)> first = node.Requests();
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, first[0].Token, Exists);
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, first[1].Token, Exists);
        KernelRequest request = default;
        Assert.True(node.Engine.PollKernel(node.Now, ref request));
        Assert.Equal(KernelRequestKind.Delete, request.Kind);
        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(1));
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Delete, request.Token, NotPermitted);
        Answer(node, text => text == "Create 2" ? NoMemory : 0);
        Assert.Equal(["Delete 2", "Create 2"], _log);
        AssertEnd(node, committed: 0, failed: 2);
    }

    [Fact]
    public void Masters_are_in_the_kernel_before_their_children_are_asked_for()
    {
        using Node node = WithFlows(0);
        PackedFlow child = Flows.Tcp(1);
        child.Master = Flows.Tcp(2).Original;
        child.Fields |= FlowFields.Master;
        node.HearFlow(PeerMessageType.FlowNew, child);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(3));
        Start(node);
        List<(string Text, uint Token, PackedFlow Flow)> masters = node.Requests();
        Assert.Equal(2, masters.Count);
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, masters[0].Token, Exists);
        Assert.Equal(["Delete 2", "Create 2"], node.RequestTexts());
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, masters[1].Token, 0);
        Assert.DoesNotContain(SyncNoticeKind.CommitDone, node.NoticeKinds());
    }

    [Fact]
    public void Children_follow_when_every_master_is_answered()
    {
        using Node node = WithFlows(0);
        PackedFlow child = Flows.Tcp(1);
        child.Master = Flows.Tcp(2).Original;
        child.Fields |= FlowFields.Master;
        node.HearFlow(PeerMessageType.FlowNew, child);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(2));
        Start(node);
        Answer(node, request => request == "Create 2" && _log.Count == 1 ? Exists : 0);
        Assert.Equal(["Create 2", "Delete 2", "Create 2", "Create 1"], _log);
        AssertEnd(node, committed: 2, failed: 0);
    }

    [Fact]
    public void A_related_flow_whose_master_is_related_too_is_tried_again_after_it()
    {
        using Node node = WithFlows(0);
        for (int number = 1; number <= 3; number++)
        {
            PackedFlow child = Flows.Tcp(number);
            child.Master = Flows.Tcp(number + 1).Original;
            child.Fields |= FlowFields.Master;
            node.HearFlow(PeerMessageType.FlowNew, child);
        }

        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(4));
        Start(node);
        var created = new HashSet<string>(StringComparer.Ordinal) { "Create 5" };
        Answer(node, request =>
        {
            bool hasMaster = request == "Create 4" || created.Contains($"Create {request[^1] - '0' + 1}");
            return hasMaster && created.Add(request) ? 0 : NoEntry;
        });
        Assert.Equal(
            ["Create 4", "Create 1", "Create 2", "Create 3", "Create 1", "Create 2", "Create 1"], _log);
        AssertEnd(node, committed: 4, failed: 0);
    }

    [Fact]
    public void A_related_flow_without_its_master_fails_when_nothing_else_can_bring_it()
    {
        using Node node = WithFlows(0);
        PackedFlow child = Flows.Tcp(1);
        child.Master = Flows.Tcp(9).Original;
        child.Fields |= FlowFields.Master;
        node.HearFlow(PeerMessageType.FlowNew, child);
        Start(node);
        Answer(node, _ => NoEntry);
        Assert.Equal(["Create 1", "Create 1"], _log);
        Assert.Equal(NoEntry, AssertEnd(node, committed: 0, failed: 1)!.Value.Value);
    }

    [Fact]
    public void Requests_come_in_steps_while_answers_are_outstanding()
    {
        using Node node = WithFlows(5000);
        Start(node);
        List<(string Text, uint Token, PackedFlow Flow)> step = node.Requests();
        Assert.Equal(2048, step.Count);
        Assert.Equal(2048, step.Select(request => request.Token).Distinct().Count());
        for (int answer = 0; answer < 100; answer++)
            node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, step[answer].Token, 0);
        Assert.Equal(100, node.Requests().Count);
    }

    [Fact]
    public void While_its_failures_are_not_read_a_commit_asks_for_no_more()
    {
        using Node node = WithFlows(3000);
        Start(node);
        foreach ((_, uint token, _) in node.Requests())
            node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, NoMemory);
        Assert.Empty(node.Requests());
        Assert.Equal(2048 + 1, node.Notices().Count);
        Assert.Equal(3000 - 2048, node.Requests().Count);
    }

    [Fact]
    public void A_second_commit_is_refused_while_one_runs()
    {
        using Node node = WithFlows(1);
        Start(node);
        Assert.Equal(SyncReply.Refused, Start(node));
        Answer(node, _ => 0);
        Assert.Equal(
            [SyncNoticeKind.CommitStarted, SyncNoticeKind.CommitBusy, SyncNoticeKind.CommitDone], node.NoticeKinds());
        Start(node);
        Answer(node, _ => 0);
        AssertEnd(node, committed: 1, failed: 0);
    }

    [Theory]
    [InlineData(SyncCommand.FlushCaches, SyncReply.Refused)]
    [InlineData(SyncCommand.FlushExternalCache, SyncReply.Refused)]
    [InlineData(SyncCommand.FlushInternalCache, SyncReply.Done)]
    public void The_external_cache_is_not_flushed_under_a_commit(SyncCommand command, SyncReply reply)
    {
        using Node node = WithFlows(1);
        Start(node);
        Assert.Equal(reply, node.Engine.OnCommand(node.Now, command, ticket: 1));
        if (reply == SyncReply.Refused) Assert.Contains(SyncNoticeKind.FlushRefused, node.NoticeKinds());
        Assert.Equal(1, node.Count(CacheKind.External));
    }

    [Fact]
    public void A_flow_is_asked_for_with_the_time_it_has_left()
    {
        using Node node = WithFlows(1);
        node.Now = node.Now.PlusSeconds(100);
        Start(node);
        PackedFlow flow = Assert.Single(node.Requests()).Flow;
        Assert.Equal(500u, flow.Timeout);
        Assert.True(flow.Has(FlowFields.Original | FlowFields.Reply | FlowFields.TcpFlagsOriginal));
    }

    [Fact]
    public void The_end_tells_how_long_it_took()
    {
        using Node node = WithFlows(1);
        Start(node);
        List<(string Text, uint Token, PackedFlow Flow)> requests = node.Requests();
        node.Now = node.Now.PlusMilliseconds(250);
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, requests[0].Token, 0);
        node.Requests();
        Assert.Equal(250_000, node.Notices()[^1].Microseconds);
    }

    [Fact]
    public void Flows_that_are_over_are_passed_some_at_a_time()
    {
        using Node node = WithFlows(0);
        for (int number = 0; number < Many; number++)
        {
            PackedFlow brief = Flows.Tcp(number);
            brief.Timeout = 30;
            node.HearFlow(PeerMessageType.FlowNew, brief);
        }

        node.Wait(60_000);
        Start(node);
        Assert.Empty(node.Requests());
        Assert.Empty(node.Requests());
        Assert.DoesNotContain(SyncNoticeKind.CommitDone, node.NoticeKinds());
        Assert.True(node.Engine.NextDeadline <= node.Now);
        node.Wait(0);
        Assert.Empty(node.Requests());
        SyncNotice done = Assert.Single(node.Notices(), notice => notice.Kind == SyncNoticeKind.CommitDone);
        Assert.Equal((0, 0, Many), (done.Value, done.Value2, done.Value3));
    }

    [Fact]
    public void A_child_behind_many_flows_is_found_some_at_a_time()
    {
        using Node node = WithFlows(Many);
        PackedFlow child = Flows.Tcp(Many + 1);
        child.Master = Flows.Tcp(1).Original;
        child.Fields |= FlowFields.Master;
        node.HearFlow(PeerMessageType.FlowNew, child);
        Start(node);
        Answer(node, _ => 0);
        Assert.Equal(Many, _log.Count);
        Assert.True(node.Engine.NextDeadline <= node.Now);
        node.Wait(0);
        Answer(node, _ => 0);
        Assert.Equal($"Create {Many + 1}", _log[^1]);
        AssertEnd(node, Many + 1, failed: 0);
    }

    [Fact]
    public void Without_children_nothing_is_looked_at_twice()
    {
        using Node node = WithFlows(Many);
        Start(node);
        Answer(node, _ => 0);
        AssertEnd(node, Many, failed: 0);
    }

    private static Node WithFlows(int count)
    {
        Node node = Node.Greeted(new SyncOptions { AckWindow = 1_000_000 });
        for (int number = 1; number <= count; number++) node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
        return node;
    }

    private static SyncReply Start(Node node) => node.Engine.OnCommand(node.Now, SyncCommand.Commit, Ticket);

    // The kernel answers each step of requests in its order.
    private void Answer(Node node, Func<string, int> errno)
    {
        while (node.Requests() is { Count: > 0 } step)
        {
            foreach ((string text, uint token, _) in step)
            {
                _log.Add(text);
                bool isDelete = text.StartsWith("Delete", StringComparison.Ordinal);
                KernelRequestKind kind = isDelete ? KernelRequestKind.Delete : KernelRequestKind.Create;
                node.Engine.OnKernelAnswer(node.Now, kind, token, errno(text));
            }
        }
    }

    private static SyncNotice? AssertEnd(Node node, int committed, int failed)
    {
        List<SyncNotice> notices = node.Notices();
        Assert.Equal(SyncNoticeKind.CommitStarted, notices[0].Kind);
        SyncNotice done = notices[^1];
        Assert.Equal(
            (SyncNoticeKind.CommitDone, Ticket, (long)committed, (long)failed),
            (done.Kind, done.Ticket, done.Value, done.Value2));
        List<SyncNotice> failures = [.. notices.Where(notice =>
            notice.Kind is SyncNoticeKind.CommitCreateFailed or SyncNoticeKind.CommitDeleteFailed)];
        Assert.Equal(failed, failures.Count);
        return failures.Count > 0 ? failures[0] : null;
    }
}
