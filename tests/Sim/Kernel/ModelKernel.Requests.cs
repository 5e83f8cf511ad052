using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Kernel;

/// <summary>Error numbers the model kernel answers with.</summary>
internal static class KernelError
{
    public const int None = 0;
    public const int NotPermitted = 1;      // EPERM
    public const int NotFound = 2;          // ENOENT
    public const int OutOfMemory = 12;      // ENOMEM
    public const int Busy = 16;             // EBUSY
    public const int Exists = 17;           // EEXIST
    public const int Invalid = 22;          // EINVAL
    public const int NoSpace = 28;          // ENOSPC
    public const int OutOfRange = 34;       // ERANGE
    public const int NotSupported = 95;     // EOPNOTSUPP
}

/// <content>Requests: IPCTNL_MSG_CT_NEW, GET and DELETE.</content>
internal sealed partial class ModelKernel
{
    private const FlowStatus Unchangeable =
        FlowStatus.SourceNat | FlowStatus.DestinationNat | FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone
        | FlowStatus.SequenceAdjust | FlowStatus.Template | FlowStatus.NatClash | FlowStatus.Offload
        | FlowStatus.HardwareOffload | FlowStatus.Expected | FlowStatus.Confirmed | FlowStatus.Dying;

    private const EventParts RequestParts =
        EventParts.State | EventParts.Mark | EventParts.Sequence | EventParts.SynProxy;

    /// <summary>CT_NEW with CREATE, and with EXCL if exclusive.</summary>
    public int Create(Instant now, in PackedFlow request, bool exclusive, uint portId)
    {
        if (FindRequested(in request) is { } existing)
            return exclusive ? KernelError.Exists : Change(now, existing, in request, portId);
        if (!request.Has(FlowFields.Original | FlowFields.Reply)) return KernelError.Invalid;
        if (request.Original.Protocol != request.Reply.Protocol) return KernelError.Invalid;
        if (!IsTrackable(in request.Original) || !IsTrackable(in request.Reply)) return KernelError.Invalid;
        if (_places.Count >= options.Limit) return KernelError.OutOfMemory;
        if (!request.Has(FlowFields.Timeout)) return KernelError.Invalid;

        ModelFlow flow = Draft(in request.Original, in request.Reply, TupleKey.ZoneOf(in request));
        flow.ExpiresAt = now.PlusSeconds(request.Timeout);
        flow.HasSynProxy = true;
        int error = Fill(flow, in request);
        if (error != KernelError.None) return error;
        if (!Insert(flow)) return KernelError.Exists;

        bool hasLabels = request.Has(FlowFields.Labels) && flow.HasLabelSpace;
        EventParts parts = RequestParts | (hasLabels ? EventParts.Labels : EventParts.None)
            | (flow.Master is null ? EventParts.None : EventParts.Master);
        Tell(now, FlowChange.New, flow, parts, portId);
        return KernelError.None;
    }

    /// <summary>CT_NEW without CREATE.</summary>
    public int Update(Instant now, in PackedFlow request, uint portId) =>
        FindRequested(in request) is { } flow ? Change(now, flow, in request, portId) : KernelError.NotFound;

    /// <summary>CT_DELETE with a tuple.</summary>
    public int Delete(Instant now, in PackedFlow request, uint portId)
    {
        if (FindRequested(in request) is not { } flow) return KernelError.NotFound;
        if (request.Has(FlowFields.Id) && request.Id != flow.Id) return KernelError.NotFound;
        Remove(now, flow, portId, isKilled: true);
        return KernelError.None;
    }

    /// <summary>CT_GET with a tuple.</summary>
    public int Get(Instant now, in PackedFlow request, ref PackedFlow found)
    {
        if (!request.Has(FlowFields.Original) && !request.Has(FlowFields.Reply)) return KernelError.Invalid;
        if (FindRequested(in request) is not { } flow) return KernelError.NotFound;
        flow.FillDump(ref found, now);
        return KernelError.None;
    }

    /// <summary>CT_DELETE without a tuple.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    /// <param name="portId">Who asks.</param>
    public void Flush(Instant now, byte family, uint portId)
    {
        for (int index = _places.Count - 1; index >= 0; index--)
        {
            ModelFlow flow = _places[index];
            if (family == AddressFamily.Unspecified || flow.Original.Family == family)
                Remove(now, flow, portId, isKilled: true);
        }
    }

    private ModelFlow? FindRequested(in PackedFlow request)
    {
        ushort zone = TupleKey.ZoneOf(in request);
        if (request.Has(FlowFields.Original)) return Find(TupleKey.Of(in request.Original, zone));
        return request.Has(FlowFields.Reply) ? Find(TupleKey.Of(in request.Reply, zone)) : null;
    }

    // ICMP is tracked for the types that have an answer; what a port is, is up to the protocol.
    private static bool IsTrackable(in FlowTuple tuple) => tuple.Protocol switch
    {
        IpProtocol.Icmp => tuple.IcmpType is 0 or 8 or 13 or 14 or 15 or 16 or 17 or 18,
        IpProtocol.IcmpV6 => tuple.IcmpType is 128 or 129 or 139 or 140,
        _ => true,
    };

    private int Fill(ModelFlow flow, in PackedFlow request)
    {
        if (request.Has(FlowFields.Helper))
        {
            string name = Names.Read(in request.Helper);
            if (!HasHelper(name, flow.Original.Protocol)) return KernelError.NotSupported;
            flow.Helper = name;
            flow.Status |= FlowStatus.Helper;
        }

        Translate(flow, in request);
        flow.Status |= FlowStatus.Confirmed;
        if (request.Has(FlowFields.Status) && ChangeStatus(flow, request.Status) is var busy and not 0) return busy;
        int error = ChangeState(flow, in request);
        if (error != KernelError.None) return error;
        ChangeSequence(flow, in request);
        if (request.Has(FlowFields.SynProxy)) flow.SynProxy = request.SynProxy;
        if (request.Has(FlowFields.Mark)) flow.Mark = MarkOf(flow, in request);
        if (request.Has(FlowFields.Labels) && flow.HasLabelSpace) ChangeLabels(flow, in request);
        if (!request.Has(FlowFields.Master)) return KernelError.None;

        if (request.Master.Family != flow.Original.Family) return KernelError.Invalid;
        flow.Master = Find(TupleKey.Of(in request.Master, flow.Zone));
        if (flow.Master is null) return KernelError.NotFound;
        flow.Status |= FlowStatus.Expected;
        return KernelError.None;
    }

    // Not atomic: what was changed before the part that fails stays changed.
    private int Change(Instant now, ModelFlow flow, in PackedFlow request, uint portId)
    {
        const FlowFields CreateOnly = FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort
            | FlowFields.DestinationNatPort | FlowFields.Master;
        if ((request.Fields & CreateOnly) != 0) return KernelError.NotSupported;
        if (request.Has(FlowFields.Helper) && ChangeHelper(flow, in request) is var refused and not 0) return refused;
        if (request.Has(FlowFields.Timeout))
        {
            if ((flow.Status & FlowStatus.FixedTimeout) != 0) return KernelError.NotPermitted;
            SetExpiry(now, flow, request.Timeout);
        }

        if (request.Has(FlowFields.Status) && ChangeStatus(flow, request.Status) is var busy and not 0) return busy;
        int error = ChangeState(flow, in request);
        if (error != KernelError.None) return error;
        if (request.Has(FlowFields.Mark)) flow.Mark = MarkOf(flow, in request);
        ChangeSequence(flow, in request);
        if (request.Has(FlowFields.SynProxy) && flow.HasSynProxy) flow.SynProxy = request.SynProxy;
        if (request.Has(FlowFields.Labels))
        {
            if (!flow.HasLabelSpace) return KernelError.NoSpace;
            ChangeLabels(flow, in request);
        }

        Tell(now, FlowChange.Update, flow, RequestParts | EventParts.Labels, portId);
        return KernelError.None;
    }

    private bool HasHelper(string name, byte protocol) => options.Helpers.Contains((name, protocol));

    private int ChangeHelper(ModelFlow flow, in PackedFlow request)
    {
        string name = Names.Read(in request.Helper);
        if (flow.Helper == name) return KernelError.None;
        if (flow.Master is not null) return KernelError.Busy;
        bool isOther = flow.Helper is not null && HasHelper(name, flow.Original.Protocol);
        return isOther ? KernelError.Busy : KernelError.NotSupported;
    }

    private static int ChangeStatus(ModelFlow flow, FlowStatus wanted)
    {
        FlowStatus different = flow.Status ^ wanted;
        const FlowStatus Fixed = FlowStatus.Expected | FlowStatus.Confirmed | FlowStatus.Dying;
        const FlowStatus OnlyAdded = FlowStatus.SeenReply | FlowStatus.Assured;
        if ((different & Fixed) != 0) return KernelError.Busy;
        if ((flow.Status & ~wanted & OnlyAdded) != 0) return KernelError.Busy;
        flow.Status |= wanted & ~Unchangeable;
        return KernelError.None;
    }

    private static int ChangeState(ModelFlow flow, in PackedFlow request)
    {
        const FlowFields Sctp = FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;
        if (flow.Original.Protocol == IpProtocol.Sctp && (request.Fields & Sctp) != 0)
        {
            if (!request.Has(Sctp)) return KernelError.Invalid;
            flow.State = request.SctpState;
            flow.TagOriginal = request.SctpTagOriginal;
            flow.TagReply = request.SctpTagReply;
        }

        return flow.Original.Protocol == IpProtocol.Tcp ? ChangeTcp(flow, in request) : KernelError.None;
    }

    private static int ChangeTcp(ModelFlow flow, in PackedFlow request)
    {
        if (request.Has(FlowFields.TcpState))
        {
            if (request.TcpState > (byte)TcpState.SynSent2) return KernelError.OutOfRange;
            flow.State = request.TcpState;
        }

        if (request.Has(FlowFields.TcpFlagsOriginal))
            flow.FlagsOriginal = Masked(flow.FlagsOriginal, request.TcpFlagsOriginal, request.TcpFlagsOriginalMask);
        if (request.Has(FlowFields.TcpFlagsReply))
            flow.FlagsReply = Masked(flow.FlagsReply, request.TcpFlagsReply, request.TcpFlagsReplyMask);

        // Scales are taken only when both sides are known to scale.
        bool scales = (flow.FlagsOriginal & flow.FlagsReply & (byte)TcpFlags.WindowScale) != 0;
        if (!scales || !request.Has(FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply))
            return KernelError.None;
        flow.ScaleOriginal = request.TcpWindowScaleOriginal;
        flow.ScaleReply = request.TcpWindowScaleReply;
        return KernelError.None;
    }

    private static byte Masked(byte old, byte value, byte mask) => (byte)((old & ~mask) | (value & mask));

    private static uint MarkOf(ModelFlow flow, in PackedFlow request) =>
        request.Has(FlowFields.MarkMask) ? (flow.Mark & ~request.MarkMask) ^ request.Mark : request.Mark;

    private static void ChangeSequence(ModelFlow flow, in PackedFlow request)
    {
        if ((request.Fields & (FlowFields.SequenceOriginal | FlowFields.SequenceReply)) == 0) return;
        if (request.Has(FlowFields.SequenceOriginal)) flow.SequenceOriginal = request.SequenceOriginal;
        if (request.Has(FlowFields.SequenceReply)) flow.SequenceReply = request.SequenceReply;
        flow.Status |= FlowStatus.SequenceAdjust;
    }

    private static void ChangeLabels(ModelFlow flow, in PackedFlow request)
    {
        LabelBits mask = request.Has(FlowFields.LabelsMask) ? request.LabelsMask : new(ulong.MaxValue, ulong.MaxValue);
        flow.Labels = new LabelBits(
            (flow.Labels.First & ~mask.First) ^ request.Labels.First,
            (flow.Labels.Second & ~mask.Second) ^ request.Labels.Second);
    }

    // Destination before source, each from the range's start: that is what a single address and port asks for.
    private static void Translate(ModelFlow flow, in PackedFlow request)
    {
        const FlowFields Any = FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort
            | FlowFields.DestinationNatPort;
        if ((request.Fields & Any) == 0) return;

        flow.Status |= FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone;
        FlowTuple before = flow.Reply;
        if (request.Has(FlowFields.DestinationNat)) flow.Reply.Source = request.DestinationNat.First;
        if (request.Has(FlowFields.DestinationNatPort)) flow.Reply.SourcePort = request.DestinationNat.FirstPort;
        if (flow.Reply.Source != before.Source || flow.Reply.SourcePort != before.SourcePort)
            flow.Status |= FlowStatus.DestinationNat;
        if (request.Has(FlowFields.SourceNat)) flow.Reply.Destination = request.SourceNat.First;
        if (request.Has(FlowFields.SourceNatPort)) flow.Reply.DestinationPort = request.SourceNat.FirstPort;
        if (flow.Reply.Destination != before.Destination || flow.Reply.DestinationPort != before.DestinationPort)
            flow.Status |= FlowStatus.SourceNat;
    }
}
