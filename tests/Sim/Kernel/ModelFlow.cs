using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Kernel;

/// <summary>What a message of the kernel speaks about, beyond what is always there.</summary>
[Flags]
internal enum EventParts : byte
{
    None = 0,

    /// <summary>IPCT_PROTOINFO.</summary>
    State = 1,

    /// <summary>IPCT_MARK: also a mark of zero.</summary>
    Mark = 2,

    /// <summary>IPCT_LABEL.</summary>
    Labels = 4,

    /// <summary>IPCT_SEQADJ.</summary>
    Sequence = 8,

    /// <summary>IPCT_RELATED.</summary>
    Master = 16,

    /// <summary>IPCT_SYNPROXY.</summary>
    SynProxy = 32,
}

/// <summary>One entry of the model kernel's table.</summary>
internal sealed class ModelFlow
{
    public FlowTuple Original;
    public FlowTuple Reply;
    public FlowStatus Status;
    public LabelBits Labels;
    public SequenceAdjustment SequenceOriginal;
    public SequenceAdjustment SequenceReply;
    public SynProxyState SynProxy;

    public ushort Zone { get; init; }

    /// <summary>Stable for the life of the flow.</summary>
    public uint Id { get; init; }

    /// <summary>Where the flow lies in a dump.</summary>
    public ulong Place { get; init; }

    public Instant ExpiresAt { get; set; }

    public uint Mark { get; set; }

    /// <summary>TCP or SCTP state.</summary>
    public byte State { get; set; }

    public byte ScaleOriginal { get; set; }

    public byte ScaleReply { get; set; }

    public byte FlagsOriginal { get; set; }

    public byte FlagsReply { get; set; }

    public uint TagOriginal { get; set; }

    public uint TagReply { get; set; }

    public string? Helper { get; set; }

    public ModelFlow? Master { get; set; }

    /// <summary>Made through ctnetlink: such flows have room for a SYNPROXY state, which dumps show.</summary>
    public bool HasSynProxy { get; set; }

    public bool HasLabelSpace { get; set; }

    public bool IsGone { get; set; }

    public TupleKey Key => TupleKey.Of(in Original, Zone);

    public TupleKey ReplyKey => TupleKey.Of(in Reply, Zone);

    public uint SecondsLeft(Instant now) =>
        (uint)Math.Max(0, (ExpiresAt.Microseconds - now.Microseconds) / 1_000_000);

    /// <summary>Fills what CT_NEW of an event carries.</summary>
    public void FillEvent(ref PackedFlow flow, Instant now, EventParts parts)
    {
        FillCommon(ref flow, now);
        if ((parts & EventParts.State) != 0) FillState(ref flow);
        FillHelper(ref flow);
        if ((parts & EventParts.Labels) != 0) FillLabels(ref flow);
        if ((parts & EventParts.Master) != 0) FillMaster(ref flow);
        if ((parts & EventParts.Sequence) != 0) FillSequence(ref flow);
        if ((parts & EventParts.SynProxy) != 0) FillSynProxy(ref flow);
        if ((parts & EventParts.Mark) != 0 || Mark != 0) FillMark(ref flow);
    }

    /// <summary>Fills what CT_DELETE of an event carries.</summary>
    /// <param name="flow">Where to.</param>
    /// <param name="now">The clock.</param>
    /// <param name="isKilled">Deleted before its time: then the time left is told.</param>
    public void FillDestroy(ref PackedFlow flow, Instant now, bool isKilled)
    {
        FillCommon(ref flow, now);
        if (!isKilled) flow.Fields &= ~FlowFields.Timeout;
        if (Original.Protocol == IpProtocol.Tcp)
        {
            flow.TcpState = State;
            flow.Fields |= FlowFields.TcpState;
        }
        else if (Original.Protocol == IpProtocol.Sctp)
        {
            flow.SctpState = State;
            flow.Fields |= FlowFields.SctpState;
        }

        if (Mark != 0) FillMark(ref flow);
    }

    /// <summary>Fills what an entry of a dump, or the answer to a get, carries.</summary>
    public void FillDump(ref PackedFlow flow, Instant now)
    {
        FillCommon(ref flow, now);
        FillState(ref flow);
        FillMark(ref flow);
        FillHelper(ref flow);
        FillLabels(ref flow);
        FillMaster(ref flow);
        FillSequence(ref flow);
        FillSynProxy(ref flow);
        flow.Use = 1;
        flow.Fields |= FlowFields.Use;
    }

    private void FillCommon(ref PackedFlow flow, Instant now)
    {
        flow.Clear();
        flow.Original = Original;
        flow.Reply = Reply;
        flow.Status = Status;
        flow.Id = Id;
        flow.Timeout = SecondsLeft(now);
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Id | FlowFields.Timeout;
        if (Zone == 0) return;
        flow.Zone = Zone;
        flow.Fields |= FlowFields.Zone;
    }

    private void FillState(ref PackedFlow flow)
    {
        if (Original.Protocol == IpProtocol.Tcp)
        {
            flow.TcpState = State;
            flow.TcpWindowScaleOriginal = ScaleOriginal;
            flow.TcpWindowScaleReply = ScaleReply;
            flow.TcpFlagsOriginal = FlagsOriginal;
            flow.TcpFlagsReply = FlagsReply;
            flow.TcpFlagsOriginalMask = flow.TcpFlagsReplyMask = 0;
            flow.Fields |= FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply
                | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;
        }
        else if (Original.Protocol == IpProtocol.Sctp)
        {
            flow.SctpState = State;
            flow.SctpTagOriginal = TagOriginal;
            flow.SctpTagReply = TagReply;
            flow.Fields |= FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;
        }
    }

    private void FillMark(ref PackedFlow flow)
    {
        flow.Mark = Mark;
        flow.Fields |= FlowFields.Mark;
    }

    private void FillHelper(ref PackedFlow flow)
    {
        if (Helper is null) return;
        Names.Write(Helper, ref flow.Helper);
        flow.Fields |= FlowFields.Helper;
    }

    private void FillLabels(ref PackedFlow flow)
    {
        if (Labels.IsEmpty) return;
        flow.Labels = Labels;
        flow.Fields |= FlowFields.Labels;
    }

    private void FillMaster(ref PackedFlow flow)
    {
        if (Master is null) return;
        flow.Master = Master.Original;
        flow.Fields |= FlowFields.Master;
    }

    private void FillSequence(ref PackedFlow flow)
    {
        if ((Status & FlowStatus.SequenceAdjust) == 0) return;
        flow.SequenceOriginal = SequenceOriginal;
        flow.SequenceReply = SequenceReply;
        flow.Fields |= FlowFields.SequenceOriginal | FlowFields.SequenceReply;
    }

    private void FillSynProxy(ref PackedFlow flow)
    {
        if (!HasSynProxy) return;
        flow.SynProxy = SynProxy;
        flow.Fields |= FlowFields.SynProxy;
    }
}
