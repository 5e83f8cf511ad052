using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>What an update does to a flow that is stored.</summary>
public sealed class FlowStoreMergeTests : IDisposable
{
    private readonly EntrySlabs _slabs = new();
    private readonly FlowStore _store;

    public FlowStoreMergeTests() => _store = new FlowStore(_slabs, seed: 98);

    [Theory]
    [InlineData(false, 3)]
    [InlineData(true, 4)]
    public void A_merge_overwrites_what_is_known_and_keeps_the_rest(bool isExternal, int seed)
    {
        var random = new Random(seed);
        for (int number = 0; number < 3000; number++)
        {
            PackedFlow first = RandomFlows.Draw(random, isExternal);
            PackedFlow second = RandomFlows.DrawAgain(random, isExternal, in first);
            uint handle = Add(in first);
            second.Reply = first.Reply;
            _store.Merge(handle, in second, nowSeconds: 10);

            PackedFlow read = default;
            _store.Read(handle, ref read);
            PackedFlow expected = Merged(in first, in second);
            RandomFlows.AssertSame(in expected, in read);
            Assert.Equal((1u, 10u), (_store[handle].CreatedAt, _store[handle].UpdatedAt));
            _store.Remove(handle);
        }
    }

    [Fact]
    public void A_merge_of_the_same_again_changes_nothing()
    {
        var random = new Random(5);
        for (int number = 0; number < 1000; number++)
        {
            bool isExternal = number % 2 == 0;
            PackedFlow flow = RandomFlows.Draw(random, isExternal);
            flow.Fields &= ~FlowFields.Timeout;
            uint handle = Add(in flow);
            Assert.False(_store.Merge(handle, in flow, nowSeconds: 2), RandomFlows.Describe(in flow));
        }
    }

    [Fact]
    public void A_merge_never_changes_a_known_reply_tuple()
    {
        PackedFlow flow = Flows.Tcp(1);
        uint handle = Add(in flow);
        PackedFlow other = flow;
        other.Reply.Source = Flows.Host("203.0.113.9");
        Assert.False(_store.Merge(handle, in other, nowSeconds: 2));
        PackedFlow read = default;
        _store.Read(handle, ref read);
        Assert.Equal(flow.Reply, read.Reply);
    }

    [Fact]
    public void A_merge_learns_a_reply_tuple_that_was_unknown()
    {
        PackedFlow flow = Flows.Tcp(1);
        flow.Reply.Zone = 5;
        flow.Reply.Parts |= TupleParts.Zone;
        FlowTuple reply = flow.Reply;
        flow.Fields &= ~FlowFields.Reply;
        uint handle = Add(in flow);
        flow.Fields |= FlowFields.Reply;
        Assert.True(_store.Merge(handle, in flow, nowSeconds: 2));
        PackedFlow read = default;
        _store.Read(handle, ref read);
        Assert.Equal(reply, read.Reply);
    }

    [Fact]
    public void A_timeout_alone_is_not_a_change()
    {
        PackedFlow flow = Flows.Tcp(1);
        uint handle = Add(in flow);
        flow.Timeout = 17;
        Assert.False(_store.Merge(handle, in flow, nowSeconds: 2));
        Assert.Equal(17u, _store[handle].Timeout);
    }

    public void Dispose()
    {
        _store.Dispose();
        _slabs.Dispose();
    }

    private uint Add(in PackedFlow flow) => _store.Add(new FlowKey(in flow), in flow, EntryState.New, nowSeconds: 1);

    private static PackedFlow Merged(in PackedFlow first, in PackedFlow second)
    {
        PackedFlow flow = first;
        FlowFields fields = second.Fields;
        flow.Fields |= fields;
        if ((fields & FlowFields.Master) != 0) flow.Master = second.Master;
        if ((fields & FlowFields.Status) != 0) flow.Status = second.Status;
        if ((fields & FlowFields.Timeout) != 0) flow.Timeout = second.Timeout;
        if ((fields & FlowFields.Mark) != 0) flow.Mark = second.Mark;
        if ((fields & FlowFields.Zone) != 0) flow.Zone = second.Zone;
        if ((fields & FlowFields.Id) != 0) flow.Id = second.Id;
        if ((fields & FlowFields.SecurityMark) != 0) flow.SecurityMark = second.SecurityMark;
        if ((fields & FlowFields.SecurityContext) != 0)
        {
            flow.SecurityContext = second.SecurityContext;
            flow.SecurityContextLength = second.SecurityContextLength;
        }

        if ((fields & FlowFields.TimestampStart) != 0) flow.TimestampStart = second.TimestampStart;
        if ((fields & FlowFields.TimestampStop) != 0) flow.TimestampStop = second.TimestampStop;
        if ((fields & FlowFields.Helper) != 0) flow.Helper = second.Helper;
        if ((fields & FlowFields.Labels) != 0) flow.Labels = second.Labels;
        if ((fields & FlowFields.SequenceOriginal) != 0) flow.SequenceOriginal = second.SequenceOriginal;
        if ((fields & FlowFields.SequenceReply) != 0) flow.SequenceReply = second.SequenceReply;
        if ((fields & FlowFields.SynProxy) != 0) flow.SynProxy = second.SynProxy;
        if ((fields & FlowFields.SourceNat) != 0) flow.SourceNat.First = second.SourceNat.First;
        if ((fields & FlowFields.DestinationNat) != 0) flow.DestinationNat.First = second.DestinationNat.First;
        if ((fields & FlowFields.SourceNatPort) != 0) flow.SourceNat.FirstPort = second.SourceNat.FirstPort;
        if ((fields & FlowFields.DestinationNatPort) != 0)
            flow.DestinationNat.FirstPort = second.DestinationNat.FirstPort;
        MergeProtocol(ref flow, in second);
        return flow;
    }

    private static void MergeProtocol(ref PackedFlow flow, in PackedFlow second)
    {
        FlowFields fields = second.Fields;
        if ((fields & FlowFields.TcpState) != 0) flow.TcpState = second.TcpState;
        if ((fields & FlowFields.TcpWindowScaleOriginal) != 0)
            flow.TcpWindowScaleOriginal = second.TcpWindowScaleOriginal;
        if ((fields & FlowFields.TcpWindowScaleReply) != 0) flow.TcpWindowScaleReply = second.TcpWindowScaleReply;
        if ((fields & FlowFields.SctpState) != 0) flow.SctpState = second.SctpState;
        if ((fields & FlowFields.SctpTagOriginal) != 0) flow.SctpTagOriginal = second.SctpTagOriginal;
        if ((fields & FlowFields.SctpTagReply) != 0) flow.SctpTagReply = second.SctpTagReply;
        if ((fields & FlowFields.DccpState) != 0) flow.DccpState = second.DccpState;
        if ((fields & FlowFields.DccpRole) != 0) flow.DccpRole = second.DccpRole;
    }
}
