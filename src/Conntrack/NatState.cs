namespace TwinTrack.Conntrack;

/// <summary>What of a flow is translated, told by its two tuples.</summary>
/// <remarks>
/// IPS_SRC_NAT_DONE and IPS_DST_NAT_DONE only say that NAT looked at a flow; without a known status the tuples decide.
/// </remarks>
public static class NatState
{
    /// <summary>Whether the source address is translated.</summary>
    public static bool IsSourceTranslated(in PackedFlow flow) =>
        Saw(in flow, FlowStatus.SourceNatDone) && flow.Original.Has(TupleParts.Source)
        && flow.Reply.Has(TupleParts.Destination) && flow.Original.Source != flow.Reply.Destination;

    /// <summary>Whether the destination address is translated.</summary>
    public static bool IsDestinationTranslated(in PackedFlow flow) =>
        Saw(in flow, FlowStatus.DestinationNatDone) && flow.Original.Has(TupleParts.Destination)
        && flow.Reply.Has(TupleParts.Source) && flow.Original.Destination != flow.Reply.Source;

    /// <summary>Whether the source port is translated; for ICMP: the identifier.</summary>
    public static bool IsSourcePortTranslated(in PackedFlow flow) =>
        Saw(in flow, FlowStatus.SourceNatDone)
        && (IsIdTranslated(in flow)
            || (flow.Original.Has(TupleParts.SourcePort) && flow.Reply.Has(TupleParts.DestinationPort)
                && flow.Original.SourcePort != flow.Reply.DestinationPort));

    /// <summary>Whether the destination port is translated.</summary>
    public static bool IsDestinationPortTranslated(in PackedFlow flow) =>
        Saw(in flow, FlowStatus.DestinationNatDone) && flow.Original.Has(TupleParts.DestinationPort)
        && flow.Reply.Has(TupleParts.SourcePort) && flow.Original.DestinationPort != flow.Reply.SourcePort;

    private static bool IsIdTranslated(in PackedFlow flow) =>
        flow.Original.Has(TupleParts.IcmpId) && flow.Reply.Has(TupleParts.IcmpId)
        && flow.Original.IcmpId != flow.Reply.IcmpId;

    private static bool Saw(in PackedFlow flow, FlowStatus hook) =>
        !flow.Has(FlowFields.Status) || (flow.Status & hook) != FlowStatus.None;
}
