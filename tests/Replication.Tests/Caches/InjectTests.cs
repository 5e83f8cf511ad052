using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Without external cache.</summary>
public sealed class InjectTests
{
    private const int NoEntry = 2;       // ENOENT
    private const int Exists = 17;       // EEXIST
    private const int Invalid = 22;      // EINVAL

    private static readonly SyncOptions Options = new() { Mode = SyncModeKind.Notrack, DisableExternalCache = true };

    /// <summary>A message, the errno of each request in turn, the requests, and the counter that moved.</summary>
    public static TheoryData<string, int[], string[], string> Walks => new()
    {
        { "New", [0], ["Create 1"], "Created" },
        { "New", [Exists, 0, 0], ["Create 1", "Delete 1", "Create 1"], "Created" },
        { "New", [Exists, NoEntry, 0], ["Create 1", "Delete 1", "Create 1"], "Created" },
        { "New", [Exists, 0, Exists], ["Create 1", "Delete 1", "Create 1"], "CreateFailed" },
        { "New", [Exists, Invalid], ["Create 1", "Delete 1"], "CreateFailed" },
        { "New", [Invalid], ["Create 1"], "CreateFailed" },
        { "Update", [0], ["Update 1"], "Updated" },
        { "Update", [NoEntry, 0], ["Update 1", "Create 1"], "Updated" },
        { "Update", [NoEntry, Invalid], ["Update 1", "Create 1"], "UpdateFailed" },
        { "Update", [Invalid, 0, 0], ["Update 1", "Delete 1", "Create 1"], "Updated" },
        { "Delete", [0], ["Delete 1"], "Destroyed" },
        { "Delete", [NoEntry], ["Delete 1"], "" },
        { "Delete", [Invalid], ["Delete 1"], "DestroyFailed" },
    };

    [Theory]
    [MemberData(nameof(Walks))]
    public void A_message_becomes_requests(string type, int[] errors, string[] requests, string counted)
    {
        using var node = new Node(Options);
        node.HearFlow(Enum.Parse<PeerMessageType>("Flow" + type), Flows.Tcp(1));
        var asked = new List<string>();
        foreach (int error in errors) Answer(node, asked, error);
        Assert.Empty(node.Requests());
        Assert.Equal(requests, asked.ToArray());
        Assert.Equal(Counted(counted), node.Stats.Inject);
        Assert.Equal(
            counted.EndsWith("Failed", StringComparison.Ordinal) ? [SyncNoticeKind.InjectFailed] : [],
            node.NoticeKinds());
        Assert.Equal(0, node.Count(CacheKind.External));
    }

    [Fact]
    public void What_comes_while_a_request_is_under_way_follows_its_answer_in_one()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1, TcpState.SynSent));
        (_, uint token, _) = Assert.Single(node.Requests());
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1, TcpState.SynReceived));
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1, TcpState.Established));
        Assert.Empty(node.Requests());
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, 0);
        (string text, _, PackedFlow flow) = Assert.Single(node.Requests());
        Assert.Equal("Create 1", text);
        Assert.Equal((byte)TcpState.Established, flow.TcpState);
    }

    [Fact]
    public void An_end_that_comes_while_the_flow_is_created_is_not_lost()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        (_, uint token, _) = Assert.Single(node.Requests());
        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(1));
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, 0);
        Assert.Equal(["Delete 1"], node.RequestTexts());
    }

    [Fact]
    public void A_flow_that_follows_another_on_its_tuple_is_created_anew()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowDelete, Flows.Tcp(1));
        node.HearFlow(PeerMessageType.FlowUpdate, Flows.Tcp(1));
        Assert.Equal(["Create 1"], node.RequestTexts());
    }

    [Fact]
    public void An_update_says_nothing_that_the_kernel_refuses_of_a_living_flow()
    {
        using var node = new Node(Options);
        PackedFlow flow = Flows.Tcp(1);
        flow.Master = Flows.Tcp(2).Original;
        flow.Status = FlowStatus.Expected | FlowStatus.SourceNat | FlowStatus.Assured;
        flow.Fields |= FlowFields.Master | FlowFields.Status;
        node.HearFlow(PeerMessageType.FlowUpdate, flow);
        (_, _, PackedFlow asked) = Assert.Single(node.Requests());
        Assert.Equal(FlowFields.None, asked.Fields & (FlowFields.Master | FlowFields.Reply | FlowFields.SourceNat));
        Assert.Equal(FlowStatus.Assured | FlowStatus.Confirmed, asked.Status);
    }

    [Fact]
    public void In_mode_ALARM_a_repetition_updates_what_is_there()
    {
        using var node = new Node(Options with { Mode = SyncModeKind.Alarm });
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        var asked = new List<string>();
        Answer(node, asked, Exists);
        Answer(node, asked, 0);
        Assert.Equal(["Create 1", "Update 1"], asked);
        Assert.Equal(Instant.Never, node.Engine.NextDeadline);
    }

    [Fact]
    public void Failures_are_told_once_a_minute_with_their_number()
    {
        using var node = new Node(Options);
        var asked = new List<string>();
        for (int number = 0; number < 5; number++)
        {
            node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
            Answer(node, asked, Invalid);
        }

        SyncNotice first = Assert.Single(node.Notices());
        Assert.Equal((Invalid, 1, 0), (first.Value, first.Value2, Node.NumberOf(in first.Flow)));
        node.Wait(60_000);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(9));
        Answer(node, asked, Invalid);
        Assert.Equal(5, Assert.Single(node.Notices()).Value2);
    }

    [Fact]
    public void A_kernel_that_is_slow_is_not_asked_without_end()
    {
        using var node = new Node(Options with { CacheLimit = 3000 });
        for (int number = 0; number < 5000; number++) node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(number));
        Assert.Equal(2048, node.Requests().Count);
        Assert.Equal(2000u, node.Stats.Inject.CreateFailed);
    }

    [Fact]
    public void There_is_nothing_to_commit()
    {
        using var node = new Node(Options);
        node.HearFlow(PeerMessageType.FlowNew, Flows.Tcp(1));
        node.RequestTexts();
        Assert.Equal(SyncReply.Done, node.Engine.OnCommand(node.Now, SyncCommand.Commit, ticket: 0));
        Assert.Empty(node.RequestTexts());
        Assert.Equal([SyncNoticeKind.CommitStarted], node.NoticeKinds());
    }

    private static void Answer(Node node, List<string> asked, int errno)
    {
        (string text, uint token, _) = Assert.Single(node.Requests());
        asked.Add(text);
        node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, errno);
    }

    private static InjectStats Counted(string name) => new(
        name == "Created" ? 1u : 0, name == "CreateFailed" ? 1u : 0, name == "Updated" ? 1u : 0,
        name == "UpdateFailed" ? 1u : 0, name == "Destroyed" ? 1u : 0, name == "DestroyFailed" ? 1u : 0);
}
