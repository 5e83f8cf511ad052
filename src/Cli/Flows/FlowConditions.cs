using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>A part of the table that the kernel can be asked for alone.</summary>
internal enum TableHalf
{
    /// <summary>All of it.</summary>
    Both,

    /// <summary>Flows that are assured.</summary>
    Assured,

    /// <summary>Flows that are not.</summary>
    Others,
}

/// <summary>Which flows a command line means.</summary>
internal sealed class FlowConditions
{
    private const FlowStatus NamedStatus =
        FlowStatus.Expected | FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.FixedTimeout
        | FlowStatus.Offload | FlowStatus.HardwareOffload;

    private readonly Request _request;
    private readonly FlowStatus _statusMask;
    private readonly bool _comparesStatus;
    private readonly bool _comparesTimeout;
    private readonly bool _comparesMark;
    private readonly bool _comparesState;
    private readonly bool _hasConditions;
    private readonly TableHalf _half;

    /// <summary>Takes the conditions out of a request.</summary>
    /// <remarks>In an update the options for mark, status, timeout and state are the new values instead.</remarks>
    /// <param name="request">The command line.</param>
    /// <param name="half">Which flows of those it means; only for a request without a condition on the status.</param>
    public FlowConditions(Request request, TableHalf half = TableHalf.Both)
    {
        _request = request;
        _half = half;
        bool isUpdate = request.CommandId == CommandId.Update;
        _comparesStatus = request.Has(OptionId.Status) && !isUpdate;
        _comparesTimeout = request.Has(OptionId.Timeout) && !isUpdate;
        _comparesMark = request.Has(OptionId.Mark) && !isUpdate;
        _comparesState = request.Has(ProtocolOption.State) && !isUpdate;
        _statusMask = request.Status | request.StatusClear;
        if (_statusMask == FlowStatus.None) _statusMask = NamedStatus; // UNSET: none of those that have a name
        _hasConditions = request.HasOptions || half != TableHalf.Both;
    }

    /// <summary>Whether the kernel can be told a part of the conditions, for a dump.</summary>
    /// <param name="pattern">What it is told; the flows it sends need not match.</param>
    public bool TryMakePattern(out PackedFlow pattern)
    {
        pattern = default;
        if (_comparesMark)
        {
            pattern.Mark = _request.Mark;
            pattern.MarkMask = _request.MarkMask;
            pattern.Fields |= FlowFields.Mark | FlowFields.MarkMask;
        }

        if (_comparesStatus)
        {
            pattern.Status = _request.Status;
            pattern.StatusMask = _statusMask;
            pattern.Fields |= FlowFields.Status | FlowFields.StatusMask;
        }

        if (_half != TableHalf.Both)
        {
            pattern.Status = _half == TableHalf.Assured ? FlowStatus.Assured : FlowStatus.None;
            pattern.StatusMask = FlowStatus.Assured;
            pattern.Fields |= FlowFields.Status | FlowFields.StatusMask;
        }

        // For the kernel, zone 0 leaves out flows with a zone of one direction.
        if (_request.Has(OptionId.Zone) && _request.Zone != 0)
        {
            pattern.Zone = _request.Zone;
            pattern.Fields |= FlowFields.Zone;
        }

        AddTuples(ref pattern);
        return pattern.Fields != FlowFields.None;
    }

    /// <summary>Whether a flow is meant.</summary>
    public bool Matches(in PackedFlow flow)
    {
        if (!_hasConditions) return true;
        return MatchesHalf(in flow)
            && MatchesFamily(in flow)
            && MatchesTuple(in _request.Original, in flow.Original, OptionId.MaskSource, OptionId.MaskDestination)
            && MatchesTuple(in _request.Reply, in flow.Reply, OptionId.Columns, OptionId.Columns)
            && MatchesZones(in flow)
            && MatchesNumbers(in flow)
            && MatchesState(in flow)
            && MatchesLabels(in flow)
            && NatMatch.Matches(_request, in flow);
    }

    private void AddTuples(ref PackedFlow pattern)
    {
        const TupleParts taken = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports | TupleParts.IcmpId
            | TupleParts.IcmpTypeCode;
        pattern.Original = _request.Original;
        pattern.Original.Parts &= taken;
        if (_request.Has(OptionId.MaskSource)) pattern.Original.Parts &= ~TupleParts.Source;
        if (_request.Has(OptionId.MaskDestination)) pattern.Original.Parts &= ~TupleParts.Destination;
        if (pattern.Original.Parts != TupleParts.None) pattern.Fields |= FlowFields.Original;

        pattern.Reply = _request.Reply;
        pattern.Reply.Parts &= taken;
        if (pattern.Reply.Parts != TupleParts.None) pattern.Fields |= FlowFields.Reply;
    }

    // Kernels that do not know the condition send all: each flow must still come once.
    private bool MatchesHalf(in PackedFlow flow)
    {
        bool isAssured = (flow.Status & FlowStatus.Assured) != FlowStatus.None;
        return _half == TableHalf.Both || isAssured == (_half == TableHalf.Assured);
    }

    private bool MatchesFamily(in PackedFlow flow) =>
        _request.IsFamilyOpen || !flow.Has(FlowFields.Original) || flow.Original.Family == _request.Family;

    private bool MatchesTuple(
        in FlowTuple wanted, in FlowTuple tuple, OptionId maskSource, OptionId maskDestination)
    {
        const TupleParts compared = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports | TupleParts.IcmpId;
        TupleParts parts = wanted.Parts & compared;
        if (parts == TupleParts.None && !_request.HasAny(OptionId.MaskSource, OptionId.MaskDestination)) return true;
        if (!tuple.Has(parts)) return false;

        Address source = tuple.Source;
        Address destination = tuple.Destination;
        bool isOriginal = maskSource != OptionId.Columns;
        if (isOriginal && _request.Has(maskSource)) source = And(source, _request.Mask.Source);
        if (isOriginal && _request.Has(maskDestination)) destination = And(destination, _request.Mask.Destination);
        return (!wanted.Has(TupleParts.Source) || source == Masked(isOriginal, maskSource, wanted.Source))
            && (!wanted.Has(TupleParts.Destination)
                || destination == Masked(isOriginal, maskDestination, wanted.Destination))
            && (!wanted.Has(TupleParts.Protocol) || wanted.Protocol == tuple.Protocol)
            && (!wanted.Has(TupleParts.SourcePort) || wanted.SourcePort == tuple.SourcePort)
            && (!wanted.Has(TupleParts.DestinationPort) || wanted.DestinationPort == tuple.DestinationPort)
            && MatchesIcmp(in wanted, in tuple);
    }

    private Address Masked(bool isOriginal, OptionId option, Address address)
    {
        if (!isOriginal || !_request.Has(option)) return address;
        return And(address, option == OptionId.MaskSource ? _request.Mask.Source : _request.Mask.Destination);
    }

    private static Address And(Address address, Address mask) =>
        new(address.First & mask.First, address.Second & mask.Second);

    private bool MatchesIcmp(in FlowTuple wanted, in FlowTuple tuple)
    {
        if (_request.Protocol is not { IsIcmp: true } || !wanted.Has(TupleParts.Protocol)) return true;
        if (_request.Has(ProtocolOption.IcmpType) && wanted.IcmpType != tuple.IcmpType) return false;
        if (_request.Has(ProtocolOption.IcmpCode) && wanted.IcmpCode != tuple.IcmpCode) return false;
        return !_request.Has(ProtocolOption.IcmpId) || wanted.IcmpId == tuple.IcmpId;
    }

    private bool MatchesZones(in PackedFlow flow)
    {
        bool zone = !_request.Has(OptionId.Zone)
            || (flow.Has(FlowFields.Zone) ? flow.Zone : 0) == _request.Zone;
        return zone
            && (!_request.Has(OptionId.OriginalZone) || ZoneOf(in flow.Original) == _request.Original.Zone)
            && (!_request.Has(OptionId.ReplyZone) || ZoneOf(in flow.Reply) == _request.Reply.Zone);
    }

    private static ushort ZoneOf(in FlowTuple tuple) => tuple.Has(TupleParts.Zone) ? tuple.Zone : (ushort)0;

    private bool MatchesNumbers(in PackedFlow flow)
    {
        if (_request.Has(OptionId.Id) && !(flow.Has(FlowFields.Id) && flow.Id == _request.Id)) return false;
        if (_comparesTimeout && !(flow.Has(FlowFields.Timeout) && flow.Timeout == _request.Timeout)) return false;
        if (_comparesMark
            && !(flow.Has(FlowFields.Mark) && (flow.Mark & _request.MarkMask) == _request.Mark))
        {
            return false;
        }

        if (_comparesStatus
            && !(flow.Has(FlowFields.Status) && (flow.Status & _statusMask) == _request.Status))
        {
            return false;
        }

        return !_request.Has(OptionId.SecurityMark)
            || (flow.Has(FlowFields.SecurityMark) && flow.SecurityMark == _request.SecurityMark);
    }

    private bool MatchesState(in PackedFlow flow)
    {
        if (!_comparesState) return true;
        return _request.Protocol!.Number switch
        {
            IpProtocol.Tcp => flow.Has(FlowFields.TcpState) && flow.TcpState == _request.State,
            IpProtocol.Sctp => flow.Has(FlowFields.SctpState) && flow.SctpState == _request.State,
            _ => flow.Has(FlowFields.DccpState) && flow.DccpState == _request.State,
        };
    }

    private bool MatchesLabels(in PackedFlow flow)
    {
        if (!_request.Has(OptionId.Label)) return true;
        LabelSet wanted = _request.LabelFilter;
        return flow.Has(FlowFields.Labels) && !wanted.HasUnstorable
            && (flow.Labels.First & wanted.Bits.First) == wanted.Bits.First
            && (flow.Labels.Second & wanted.Bits.Second) == wanted.Bits.Second;
    }
}
