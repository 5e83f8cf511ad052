using TwinTrack.Conntrack;

namespace TwinTrack.Sim;

/// <summary>Works on whole flows.</summary>
internal static class Flows
{
    /// <summary>Overwrites every field that is known in the other.</summary>
    public static void Overwrite(ref PackedFlow into, in PackedFlow from)
    {
        FlowFields fields = from.Fields;
        into.Fields |= fields;
        if ((fields & FlowFields.Original) != 0) into.Original = from.Original;
        if ((fields & FlowFields.Reply) != 0) into.Reply = from.Reply;
        if ((fields & FlowFields.Master) != 0) into.Master = from.Master;
        if ((fields & FlowFields.Status) != 0) into.Status = from.Status;
        if ((fields & FlowFields.Timeout) != 0) into.Timeout = from.Timeout;
        if ((fields & FlowFields.Mark) != 0) into.Mark = from.Mark;
        if ((fields & FlowFields.Zone) != 0) into.Zone = from.Zone;
        if ((fields & FlowFields.TcpState) != 0) into.TcpState = from.TcpState;
        if ((fields & FlowFields.TcpWindowScaleOriginal) != 0)
            into.TcpWindowScaleOriginal = from.TcpWindowScaleOriginal;
        if ((fields & FlowFields.TcpWindowScaleReply) != 0) into.TcpWindowScaleReply = from.TcpWindowScaleReply;
        if ((fields & FlowFields.SctpState) != 0) into.SctpState = from.SctpState;
        if ((fields & FlowFields.SctpTagOriginal) != 0) into.SctpTagOriginal = from.SctpTagOriginal;
        if ((fields & FlowFields.SctpTagReply) != 0) into.SctpTagReply = from.SctpTagReply;
        OverwriteRare(ref into, in from, fields);
    }

    private static void OverwriteRare(ref PackedFlow into, in PackedFlow from, FlowFields fields)
    {
        if ((fields & FlowFields.Helper) != 0) into.Helper = from.Helper;
        if ((fields & FlowFields.Labels) != 0) into.Labels = from.Labels;
        if ((fields & FlowFields.SequenceOriginal) != 0) into.SequenceOriginal = from.SequenceOriginal;
        if ((fields & FlowFields.SequenceReply) != 0) into.SequenceReply = from.SequenceReply;
        if ((fields & FlowFields.SynProxy) != 0) into.SynProxy = from.SynProxy;
        if ((fields & FlowFields.SourceNat) != 0)
        {
            into.SourceNat.First = from.SourceNat.First;
            into.SourceNat.Last = from.SourceNat.Last;
        }

        if ((fields & FlowFields.SourceNatPort) != 0)
        {
            into.SourceNat.FirstPort = from.SourceNat.FirstPort;
            into.SourceNat.LastPort = from.SourceNat.LastPort;
        }

        if ((fields & FlowFields.DestinationNat) != 0)
        {
            into.DestinationNat.First = from.DestinationNat.First;
            into.DestinationNat.Last = from.DestinationNat.Last;
        }

        if ((fields & FlowFields.DestinationNatPort) != 0)
        {
            into.DestinationNat.FirstPort = from.DestinationNat.FirstPort;
            into.DestinationNat.LastPort = from.DestinationNat.LastPort;
        }
    }
}
