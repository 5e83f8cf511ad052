using System.Globalization;
using System.Runtime.InteropServices;

namespace TwinTrack.Conntrack.Tests;

/// <summary>Writes what a decoded object knows in the names of the kernel, to be compared with a recording.</summary>
internal static class Described
{
    public static SortedDictionary<string, string> Flow(in PackedFlow flow)
    {
        SortedDictionary<string, string> all = new(StringComparer.Ordinal);
        if (flow.Has(FlowFields.Original)) Tuple(all, "CTA_TUPLE_ORIG", in flow.Original);
        if (flow.Has(FlowFields.Reply)) Tuple(all, "CTA_TUPLE_REPLY", in flow.Reply);
        if (flow.Has(FlowFields.Master)) Tuple(all, "CTA_TUPLE_MASTER", in flow.Master);
        Numbers(all, in flow);
        States(all, in flow);
        Details(all, in flow);
        return all;
    }

    public static SortedDictionary<string, string> Expectation(in PackedExpectation one)
    {
        SortedDictionary<string, string> all = new(StringComparer.Ordinal);
        if (one.Has(ExpectationFields.Tuple)) Tuple(all, "CTA_EXPECT_TUPLE", in one.Tuple);
        if (one.Has(ExpectationFields.Mask)) Tuple(all, "CTA_EXPECT_MASK", in one.Mask);
        if (one.Has(ExpectationFields.Master)) Tuple(all, "CTA_EXPECT_MASTER", in one.Master);
        if (one.Has(ExpectationFields.NatTuple))
            Tuple(all, "CTA_EXPECT_NAT/CTA_EXPECT_NAT_TUPLE", in one.NatTuple);
        Put(all, one.Has(ExpectationFields.NatDirection), "CTA_EXPECT_NAT/CTA_EXPECT_NAT_DIR", one.NatDirection);
        Put(all, one.Has(ExpectationFields.Timeout), "CTA_EXPECT_TIMEOUT", one.Timeout);
        Put(all, one.Has(ExpectationFields.Id), "CTA_EXPECT_ID", one.Id);
        Put(all, one.Has(ExpectationFields.Zone), "CTA_EXPECT_ZONE", one.Zone);
        Put(all, one.Has(ExpectationFields.Flags), "CTA_EXPECT_FLAGS", (uint)one.Flags);
        Put(all, one.Has(ExpectationFields.Class), "CTA_EXPECT_CLASS", one.Class);
        var friendly = new Expectation(in one);
        if (friendly.Helper is { } helper) all.Add("CTA_EXPECT_HELP_NAME", helper);
        if (friendly.Function is { } function) all.Add("CTA_EXPECT_FN", function);
        return all;
    }

    private static void Tuple(SortedDictionary<string, string> all, string path, in FlowTuple tuple)
    {
        bool v4 = tuple.Family == AddressFamily.IPv4;
        if (tuple.Has(TupleParts.Source))
            all.Add($"{path}/CTA_TUPLE_IP/CTA_IP_V{(v4 ? 4 : 6)}_SRC", tuple.Source.ToText(tuple.Family));
        if (tuple.Has(TupleParts.Destination))
            all.Add($"{path}/CTA_TUPLE_IP/CTA_IP_V{(v4 ? 4 : 6)}_DST", tuple.Destination.ToText(tuple.Family));
        string proto = $"{path}/CTA_TUPLE_PROTO/CTA_PROTO_";
        Put(all, tuple.Has(TupleParts.Protocol), proto + "NUM", tuple.Protocol);
        Put(all, tuple.Has(TupleParts.SourcePort), proto + "SRC_PORT", tuple.SourcePort);
        Put(all, tuple.Has(TupleParts.DestinationPort), proto + "DST_PORT", tuple.DestinationPort);
        string icmp = proto + (tuple.Protocol == IpProtocol.IcmpV6 ? "ICMPV6_" : "ICMP_");
        Put(all, tuple.Has(TupleParts.IcmpId), icmp + "ID", tuple.IcmpId);
        Put(all, tuple.Has(TupleParts.IcmpTypeCode), icmp + "TYPE", tuple.IcmpType);
        Put(all, tuple.Has(TupleParts.IcmpTypeCode), icmp + "CODE", tuple.IcmpCode);
        Put(all, tuple.Has(TupleParts.Zone), $"{path}/CTA_TUPLE_ZONE", tuple.Zone);
    }

    private static void Numbers(SortedDictionary<string, string> all, in PackedFlow flow)
    {
        Put(all, flow.Has(FlowFields.Status), "CTA_STATUS", (uint)flow.Status);
        Put(all, flow.Has(FlowFields.StatusMask), "CTA_STATUS_MASK", (uint)flow.StatusMask);
        Put(all, flow.Has(FlowFields.Timeout), "CTA_TIMEOUT", flow.Timeout);
        Put(all, flow.Has(FlowFields.Mark), "CTA_MARK", flow.Mark);
        Put(all, flow.Has(FlowFields.MarkMask), "CTA_MARK_MASK", flow.MarkMask);
        Put(all, flow.Has(FlowFields.Zone), "CTA_ZONE", flow.Zone);
        Put(all, flow.Has(FlowFields.Id), "CTA_ID", flow.Id);
        Put(all, flow.Has(FlowFields.Use), "CTA_USE", flow.Use);
        Put(all, flow.Has(FlowFields.SecurityMark), "CTA_SECMARK", flow.SecurityMark);
        Put(all, flow.Has(FlowFields.TimestampEvent), "CTA_TIMESTAMP_EVENT", flow.TimestampEvent);
    }

    private static void States(SortedDictionary<string, string> all, in PackedFlow flow)
    {
        const string Tcp = "CTA_PROTOINFO/CTA_PROTOINFO_TCP/CTA_PROTOINFO_TCP_";
        const string Sctp = "CTA_PROTOINFO/CTA_PROTOINFO_SCTP/CTA_PROTOINFO_SCTP_";
        const string Dccp = "CTA_PROTOINFO/CTA_PROTOINFO_DCCP/CTA_PROTOINFO_DCCP_";
        Put(all, flow.Has(FlowFields.TcpState), Tcp + "STATE", flow.TcpState);
        Put(all, flow.Has(FlowFields.TcpWindowScaleOriginal), Tcp + "WSCALE_ORIGINAL", flow.TcpWindowScaleOriginal);
        Put(all, flow.Has(FlowFields.TcpWindowScaleReply), Tcp + "WSCALE_REPLY", flow.TcpWindowScaleReply);
        if (flow.Has(FlowFields.TcpFlagsOriginal))
            all.Add(Tcp + "FLAGS_ORIGINAL", $"{flow.TcpFlagsOriginal}/{flow.TcpFlagsOriginalMask}");
        if (flow.Has(FlowFields.TcpFlagsReply))
            all.Add(Tcp + "FLAGS_REPLY", $"{flow.TcpFlagsReply}/{flow.TcpFlagsReplyMask}");
        Put(all, flow.Has(FlowFields.SctpState), Sctp + "STATE", flow.SctpState);
        Put(all, flow.Has(FlowFields.SctpTagOriginal), Sctp + "VTAG_ORIGINAL", flow.SctpTagOriginal);
        Put(all, flow.Has(FlowFields.SctpTagReply), Sctp + "VTAG_REPLY", flow.SctpTagReply);
        Put(all, flow.Has(FlowFields.DccpState), Dccp + "STATE", flow.DccpState);
        Put(all, flow.Has(FlowFields.DccpRole), Dccp + "ROLE", flow.DccpRole);
        Put(all, flow.Has(FlowFields.DccpHandshake), Dccp + "HANDSHAKE_SEQ", flow.DccpHandshake);
    }

    private static void Details(SortedDictionary<string, string> all, in PackedFlow flow)
    {
        Counters(all, flow.Has(FlowFields.CountersOriginal), "CTA_COUNTERS_ORIG", flow.CountersOriginal);
        Counters(all, flow.Has(FlowFields.CountersReply), "CTA_COUNTERS_REPLY", flow.CountersReply);
        Put(all, flow.Has(FlowFields.TimestampStart), "CTA_TIMESTAMP/CTA_TIMESTAMP_START", flow.TimestampStart);
        Put(all, flow.Has(FlowFields.TimestampStop), "CTA_TIMESTAMP/CTA_TIMESTAMP_STOP", flow.TimestampStop);
        Sequence(all, flow.Has(FlowFields.SequenceOriginal), "CTA_SEQ_ADJ_ORIG", flow.SequenceOriginal);
        Sequence(all, flow.Has(FlowFields.SequenceReply), "CTA_SEQ_ADJ_REPLY", flow.SequenceReply);
        Put(all, flow.Has(FlowFields.SynProxy), "CTA_SYNPROXY/CTA_SYNPROXY_ISN", flow.SynProxy.InitialSequence);
        Put(all, flow.Has(FlowFields.SynProxy), "CTA_SYNPROXY/CTA_SYNPROXY_ITS", flow.SynProxy.InitialTimestamp);
        Put(all, flow.Has(FlowFields.SynProxy), "CTA_SYNPROXY/CTA_SYNPROXY_TSOFF", flow.SynProxy.TimestampOffset);
        if (new Flow(in flow).Helper is { } helper) all.Add("CTA_HELP/CTA_HELP_NAME", helper);
        if (flow.Has(FlowFields.Labels)) all.Add("CTA_LABELS", Hex(flow.Labels));
        if (flow.Has(FlowFields.LabelsMask)) all.Add("CTA_LABELS_MASK", Hex(flow.LabelsMask));
        Nat(all, in flow, FlowFields.SourceNat, FlowFields.SourceNatPort, "CTA_NAT_SRC", in flow.SourceNat);
        Nat(
            all, in flow, FlowFields.DestinationNat, FlowFields.DestinationNatPort, "CTA_NAT_DST",
            in flow.DestinationNat);
    }

    private static void Counters(SortedDictionary<string, string> all, bool known, string path, FlowCounters counters)
    {
        Put(all, known, path + "/CTA_COUNTERS_PACKETS", counters.Packets);
        Put(all, known, path + "/CTA_COUNTERS_BYTES", counters.Bytes);
    }

    private static void Sequence(SortedDictionary<string, string> all, bool known, string path, SequenceAdjustment one)
    {
        Put(all, known, path + "/CTA_SEQADJ_CORRECTION_POS", one.CorrectionPosition);
        Put(all, known, path + "/CTA_SEQADJ_OFFSET_BEFORE", (uint)one.OffsetBefore);
        Put(all, known, path + "/CTA_SEQADJ_OFFSET_AFTER", (uint)one.OffsetAfter);
    }

    private static void Nat(
        SortedDictionary<string, string> all,
        in PackedFlow flow,
        FlowFields address,
        FlowFields port,
        string path,
        in NatRange range)
    {
        byte family = flow.Original.Family;
        string version = family == AddressFamily.IPv4 ? "V4" : "V6";
        if (flow.Has(address)) all.Add($"{path}/CTA_NAT_{version}_MINIP", range.First.ToText(family));
        if (flow.Has(address) && range.Last != range.First)
            all.Add($"{path}/CTA_NAT_{version}_MAXIP", range.Last.ToText(family));
        Put(all, flow.Has(port), $"{path}/CTA_NAT_PROTO/CTA_PROTONAT_PORT_MIN", range.FirstPort);
        Put(all, flow.Has(port), $"{path}/CTA_NAT_PROTO/CTA_PROTONAT_PORT_MAX", range.LastPort);
    }

    private static string Hex(LabelBits labels)
    {
        LabelBits copy = labels;
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<LabelBits>(in copy));
        return Convert.ToHexStringLower(bytes);
    }

    private static void Put(SortedDictionary<string, string> all, bool known, string path, ulong value)
    {
        if (known) all.Add(path, value.ToString(CultureInfo.InvariantCulture));
    }
}
