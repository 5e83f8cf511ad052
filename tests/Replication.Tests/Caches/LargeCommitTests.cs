using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>
/// A commit of so many flows that the kernel is not asked to tell of each: the engine enters them into its cache.
/// </summary>
public sealed class LargeCommitTests
{
    private const int Large = 10_000;

    [Fact]
    public void What_is_committed_is_in_the_internal_cache_as_the_kernel_has_it()
    {
        using Node node = Node.Greeted();
        PackedFlow translated = Flows.Tcp(0);
        translated.Status |= FlowStatus.SourceNatDone;
        translated.Reply.Destination = Flows.Host("192.0.2.99");
        translated.Reply.DestinationPort = 4242;
        node.HearFlow(Wire.PeerMessageType.FlowNew, translated);
        for (int number = 1; number < Large; number++)
            node.HearFlow(Wire.PeerMessageType.FlowNew, Flows.Tcp(number));
        Commit(node);
        Assert.Equal((uint)Large, node.Stats.Internal.Active);
        Assert.DoesNotContain(node.Say(), IsOfFlow);

        // The table is compared: what the kernel added to what we know is no news, what began meanwhile is.
        node.Engine.OnEventsLeftOut(node.Now);
        node.Wait(1);
        Assert.Equal(["Dump Poll"], node.RequestTexts());
        PackedFlow entry = Flows.Tcp(0);
        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Begin, in entry);
        for (int number = 0; number <= Large; number++)
        {
            entry = Flows.Tcp(number);
            if (number == 0) entry.Reply = translated.Reply;
            entry.Id = (uint)number + 1;
            entry.Status |= FlowStatus.SourceNatDone;
            entry.Fields |= FlowFields.Id;
            node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.Entry, in entry);
        }

        node.Engine.OnSnapshot(node.Now, SnapshotPurpose.Poll, SnapshotStep.End, in entry);
        node.Wait(1);
        Assert.Equal($"NEW {Large}", string.Join(", ", node.Say().Where(IsOfFlow)));
        Assert.Equal(Large + 1u, node.Stats.Internal.Active);
    }

    [Fact]
    public void What_an_event_has_told_of_a_flow_is_newer_than_what_the_peer_told()
    {
        using Node node = Node.Greeted();
        for (int number = 0; number < Large; number++)
            node.HearFlow(Wire.PeerMessageType.FlowNew, Flows.Tcp(number));
        node.Update(7, TcpState.FinWait);
        Commit(node);
        Assert.Equal((uint)Large, node.Stats.Internal.Active);
        Assert.Equal(1u, node.Stats.Internal.Created - (Large - 1u));
    }

    [Fact]
    public void Of_a_small_commit_the_kernel_is_to_tell()
    {
        using Node node = Node.Greeted();
        node.HearFlow(Wire.PeerMessageType.FlowNew, Flows.Tcp(1));
        node.Engine.OnCommand(node.Now, SyncCommand.CommitFlows, ticket: 1);
        Assert.False(node.Engine.IsCommittingMany);
        Assert.Single(node.Requests());
        Assert.Equal(0u, node.Stats.Internal.Active);
    }

    private static void Commit(Node node)
    {
        node.Engine.OnCommand(node.Now, SyncCommand.CommitFlows, ticket: 1);
        Assert.True(node.Engine.IsCommittingMany);
        while (!node.NoticeKinds().Contains(SyncNoticeKind.CommitDone))
        {
            foreach ((_, uint token, _) in node.Requests())
                node.Engine.OnKernelAnswer(node.Now, KernelRequestKind.Create, token, errno: 0);
        }

        Assert.False(node.Engine.IsCommittingMany);
    }

    private static bool IsOfFlow(string said) => said[..3] is "NEW" or "UPD" or "DEL";
}
