using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Oracle;

/// <summary>What is left of a flow when the wire has carried it: the table of the protocol, read the other way round.</summary>
internal static class WireView
{
    /// <summary>What a peer can be told of a flow.</summary>
    public const FlowFields Carried =
        FlowFields.Original | FlowFields.Master | FlowFields.Status | FlowFields.Timeout | FlowFields.Mark
        | FlowFields.Zone | FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply
        | FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply | FlowFields.Helper
        | FlowFields.Labels | FlowFields.SequenceOriginal | FlowFields.SequenceReply | FlowFields.SynProxy
        | FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort | FlowFields.DestinationNatPort;

    private const int LongestHelper = 11;

    /// <summary>Fills in what a peer holds of a flow that this node has in its internal cache.</summary>
    public static void Project(in PackedFlow flow, SyncOptions sender, ref PackedFlow seen)
    {
        seen = flow;
        seen.Fields = FlowFields.Original | FlowFields.Status;
        if (!flow.Has(FlowFields.Status)) seen.Status = FlowStatus.None;
        Keep(FlowFields.Mark | FlowFields.Master | FlowFields.SynProxy, in flow, ref seen);
        if (sender.CommitTimeoutSeconds is null) Keep(FlowFields.Timeout, in flow, ref seen);
        if (TupleKey.ZoneOf(in flow) != 0) seen.Fields |= FlowFields.Zone;
        if (flow.Has(FlowFields.Helper) && Names.Read(in flow.Helper).Length <= LongestHelper)
            seen.Fields |= FlowFields.Helper;
        if (flow.Has(FlowFields.Labels) && !flow.Labels.IsEmpty) seen.Fields |= FlowFields.Labels;
        if (flow.Has(FlowFields.SequenceOriginal | FlowFields.SequenceReply))
            seen.Fields |= FlowFields.SequenceOriginal | FlowFields.SequenceReply;
        ProjectState(in flow, sender, ref seen);
        ProjectTranslation(in flow, ref seen);
    }

    private static void Keep(FlowFields fields, in PackedFlow flow, ref PackedFlow seen) =>
        seen.Fields |= flow.Fields & fields;

    private static void ProjectState(in PackedFlow flow, SyncOptions sender, ref PackedFlow seen)
    {
        switch (flow.Original.Protocol)
        {
            case IpProtocol.Tcp when flow.Has(FlowFields.TcpState):
                seen.Fields |= FlowFields.TcpState;
                if (sender.TcpWindowTracking)
                    Keep(FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply, in flow, ref seen);
                break;
            case IpProtocol.Sctp when flow.Has(FlowFields.SctpState):
                seen.Fields |= FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;
                if (!flow.Has(FlowFields.SctpTagOriginal)) seen.SctpTagOriginal = 0;
                if (!flow.Has(FlowFields.SctpTagReply)) seen.SctpTagReply = 0;
                break;
        }
    }

    private static void ProjectTranslation(in PackedFlow flow, ref PackedFlow seen)
    {
        FlowStatus status = flow.Has(FlowFields.Status) ? flow.Status : (FlowStatus)uint.MaxValue;
        bool hasPorts = flow.Original.Has(TupleParts.Ports) && flow.Reply.Has(TupleParts.Ports);
        seen.SourceNat = default;
        seen.DestinationNat = default;
        if ((status & FlowStatus.SourceNatDone) != 0)
        {
            seen.SourceNat.First = flow.Reply.Destination;
            seen.SourceNat.FirstPort = flow.Reply.DestinationPort;
            if (flow.Reply.Destination != flow.Original.Source) seen.Fields |= FlowFields.SourceNat;
            if (hasPorts && flow.Reply.DestinationPort != flow.Original.SourcePort)
                seen.Fields |= FlowFields.SourceNatPort;
        }

        if ((status & FlowStatus.DestinationNatDone) == 0) return;
        seen.DestinationNat.First = flow.Reply.Source;
        seen.DestinationNat.FirstPort = flow.Reply.SourcePort;
        if (flow.Reply.Source != flow.Original.Destination) seen.Fields |= FlowFields.DestinationNat;
        if (hasPorts && flow.Reply.SourcePort != flow.Original.DestinationPort)
            seen.Fields |= FlowFields.DestinationNatPort;
    }
}
