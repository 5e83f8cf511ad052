using TwinTrack.Conntrack;

namespace TwinTrack.Sim;

/// <summary>Compares flows field by field.</summary>
internal static class FlowDiff
{
    /// <summary>Names the first field of a set in which two flows differ; null when there is none.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <param name="fields">What to compare; a field that only one of them has is a difference.</param>
    /// <param name="timeoutTolerance">Seconds.</param>
    public static string? Find(in PackedFlow left, in PackedFlow right, FlowFields fields, uint timeoutTolerance = 0)
    {
        FlowFields onlyOne = (left.Fields ^ right.Fields) & fields;
        if (onlyOne != 0)
            return $"{onlyOne & ~(onlyOne - 1)} is known to {((left.Fields & onlyOne) != 0 ? "the first" : "the second")} only";
        FlowFields both = left.Fields & fields;
        return FindInTuples(in left, in right, both) ?? FindInNumbers(in left, in right, both, timeoutTolerance)
            ?? FindInState(in left, in right, both) ?? FindInRest(in left, in right, both);
    }

    private static string? FindInTuples(in PackedFlow left, in PackedFlow right, FlowFields both)
    {
        if ((both & FlowFields.Original) != 0 && left.Original != right.Original)
            return Differ("original", Text(in left.Original), Text(in right.Original));
        if ((both & FlowFields.Reply) != 0 && left.Reply != right.Reply)
            return Differ("reply", Text(in left.Reply), Text(in right.Reply));
        return (both & FlowFields.Master) != 0 && left.Master != right.Master
            ? Differ("master", Text(in left.Master), Text(in right.Master))
            : null;
    }

    private static string? FindInNumbers(in PackedFlow left, in PackedFlow right, FlowFields both, uint tolerance)
    {
        if ((both & FlowFields.Status) != 0 && left.Status != right.Status)
            return Differ("status", left.Status, right.Status);
        if ((both & FlowFields.Mark) != 0 && left.Mark != right.Mark) return Differ("mark", left.Mark, right.Mark);
        if ((both & FlowFields.Zone) != 0 && left.Zone != right.Zone) return Differ("zone", left.Zone, right.Zone);
        return (both & FlowFields.Timeout) != 0
            && Math.Abs((long)left.Timeout - right.Timeout) > tolerance
                ? Differ("timeout", left.Timeout, right.Timeout)
                : null;
    }

    private static string? FindInState(in PackedFlow left, in PackedFlow right, FlowFields both)
    {
        if ((both & FlowFields.TcpState) != 0 && left.TcpState != right.TcpState)
            return Differ("TCP state", left.TcpState, right.TcpState);
        if ((both & FlowFields.TcpWindowScaleOriginal) != 0
            && left.TcpWindowScaleOriginal != right.TcpWindowScaleOriginal)
            return Differ("original scale", left.TcpWindowScaleOriginal, right.TcpWindowScaleOriginal);
        if ((both & FlowFields.TcpWindowScaleReply) != 0 && left.TcpWindowScaleReply != right.TcpWindowScaleReply)
            return Differ("reply scale", left.TcpWindowScaleReply, right.TcpWindowScaleReply);
        if ((both & FlowFields.TcpFlagsOriginal) != 0 && left.TcpFlagsOriginal != right.TcpFlagsOriginal)
            return Differ("original flags", left.TcpFlagsOriginal, right.TcpFlagsOriginal);
        if ((both & FlowFields.TcpFlagsReply) != 0 && left.TcpFlagsReply != right.TcpFlagsReply)
            return Differ("reply flags", left.TcpFlagsReply, right.TcpFlagsReply);
        if ((both & FlowFields.SctpState) != 0 && left.SctpState != right.SctpState)
            return Differ("SCTP state", left.SctpState, right.SctpState);
        if ((both & FlowFields.SctpTagOriginal) != 0 && left.SctpTagOriginal != right.SctpTagOriginal)
            return Differ("original tag", left.SctpTagOriginal, right.SctpTagOriginal);
        return (both & FlowFields.SctpTagReply) != 0 && left.SctpTagReply != right.SctpTagReply
            ? Differ("reply tag", left.SctpTagReply, right.SctpTagReply)
            : null;
    }

    private static string? FindInRest(in PackedFlow left, in PackedFlow right, FlowFields both)
    {
        if ((both & FlowFields.Helper) != 0 && Names.Read(in left.Helper) != Names.Read(in right.Helper))
            return Differ("helper", Names.Read(in left.Helper), Names.Read(in right.Helper));
        if ((both & FlowFields.Labels) != 0 && left.Labels != right.Labels)
            return Differ("labels", left.Labels, right.Labels);
        if ((both & FlowFields.SequenceOriginal) != 0 && left.SequenceOriginal != right.SequenceOriginal)
            return Differ("original sequence", left.SequenceOriginal, right.SequenceOriginal);
        if ((both & FlowFields.SequenceReply) != 0 && left.SequenceReply != right.SequenceReply)
            return Differ("reply sequence", left.SequenceReply, right.SequenceReply);
        if ((both & FlowFields.SynProxy) != 0 && left.SynProxy != right.SynProxy)
            return Differ("synproxy", left.SynProxy, right.SynProxy);
        return FindInNat(in left, in right, both);
    }

    private static string? FindInNat(in PackedFlow left, in PackedFlow right, FlowFields both)
    {
        if ((both & FlowFields.SourceNat) != 0 && left.SourceNat.First != right.SourceNat.First)
            return Differ("SNAT address", left.SourceNat.First, right.SourceNat.First);
        if ((both & FlowFields.SourceNatPort) != 0 && left.SourceNat.FirstPort != right.SourceNat.FirstPort)
            return Differ("SNAT port", left.SourceNat.FirstPort, right.SourceNat.FirstPort);
        if ((both & FlowFields.DestinationNat) != 0 && left.DestinationNat.First != right.DestinationNat.First)
            return Differ("DNAT address", left.DestinationNat.First, right.DestinationNat.First);
        return (both & FlowFields.DestinationNatPort) != 0
            && left.DestinationNat.FirstPort != right.DestinationNat.FirstPort
                ? Differ("DNAT port", left.DestinationNat.FirstPort, right.DestinationNat.FirstPort)
                : null;
    }

    private static string Text(in FlowTuple tuple) => TupleKey.Of(in tuple, 0).ToString();

    private static string Differ<T>(string what, T left, T right) => $"{what}: {left} against {right}";
}
