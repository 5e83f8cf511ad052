namespace TwinTrack.Conntrack;

/// <summary>Flows as JSON objects of one line, without newline. The names of the members stay as they are.</summary>
/// <remarks>
/// What is unknown is left out. Everything known is in it, whatever the style shows; of the style it uses the kind of
/// event, the time and the names of labels.
/// </remarks>
public static class FlowJson
{
    private static ReadOnlySpan<FlowStatus> StatusBits =>
    [
        FlowStatus.Expected, FlowStatus.SeenReply, FlowStatus.Assured, FlowStatus.Confirmed, FlowStatus.SourceNat,
        FlowStatus.DestinationNat, FlowStatus.SequenceAdjust, FlowStatus.SourceNatDone,
        FlowStatus.DestinationNatDone, FlowStatus.Dying, FlowStatus.FixedTimeout, FlowStatus.Template,
        FlowStatus.NatClash, FlowStatus.Helper, FlowStatus.Offload, FlowStatus.HardwareOffload,
    ];

    /// <summary>Writes one object.</summary>
    public static void Write(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        JsonText json = default;
        json.Open(ref line);
        WriteEvent(ref json, ref line, FlowText.EventTime(in flow, in style), in style);
        byte protocol = flow.Original.Has(TupleParts.Protocol) ? flow.Original.Protocol : (byte)0;
        json.PutText(ref line, "family"u8, FlowNames.Family(flow.Original.Family));
        json.PutText(ref line, "protocol"u8, FlowNames.Protocol(protocol));
        json.PutNumber(ref line, "protocol_number"u8, protocol);
        if (flow.Has(FlowFields.Timeout)) json.PutNumber(ref line, "timeout"u8, flow.Timeout);
        ReadOnlySpan<byte> state = FlowNames.State(in flow);
        if (!state.IsEmpty) json.PutText(ref line, "state"u8, state);

        WriteDirection(
            ref json, ref line, "original"u8, in flow.Original, flow.Has(FlowFields.Original),
            flow.CountersOriginal, flow.Has(FlowFields.CountersOriginal));
        WriteDirection(
            ref json, ref line, "reply"u8, in flow.Reply, flow.Has(FlowFields.Reply), flow.CountersReply,
            flow.Has(FlowFields.CountersReply));
        if (flow.Has(FlowFields.Master))
            WriteDirection(ref json, ref line, "master"u8, in flow.Master, isKnown: true, default, hasCounters: false);
        if (flow.Has(FlowFields.Status)) WriteStatus(ref json, ref line, flow.Status);
        WriteNumbers(ref json, ref line, in flow);
        WriteTimes(ref json, ref line, in flow, in style);
        if (flow.Has(FlowFields.Helper)) json.PutText(ref line, "helper"u8, NameText.Of(flow.Helper));
        if (flow.Has(FlowFields.Labels)) WriteLabels(ref json, ref line, in flow.Labels, style.LabelNames);
        WriteState(ref json, ref line, in flow);
        WriteAdjustments(ref json, ref line, in flow);
        json.Close(ref line);
    }

    /// <summary>Writes what happened, and when.</summary>
    internal static void WriteEvent(ref JsonText json, ref LineWriter line, ulong time, in FlowTextStyle style)
    {
        if (style.Shows(FlowTextParts.New)) json.PutText(ref line, "event"u8, "new"u8);
        else if (style.Shows(FlowTextParts.Update)) json.PutText(ref line, "event"u8, "update"u8);
        else if (style.Shows(FlowTextParts.Destroy)) json.PutText(ref line, "event"u8, "destroy"u8);
        if (style.Shows(FlowTextParts.EventTime)) json.PutNumber(ref line, "time_ns"u8, time);
    }

    /// <summary>Writes the members of a tuple into an open object.</summary>
    internal static void WriteTuple(ref JsonText json, ref LineWriter line, in FlowTuple tuple, byte protocol)
    {
        if (tuple.Has(TupleParts.Source)) json.PutAddress(ref line, "src"u8, tuple.Source, tuple.Family);
        if (tuple.Has(TupleParts.Destination)) json.PutAddress(ref line, "dst"u8, tuple.Destination, tuple.Family);
        bool isGre = protocol == IpProtocol.Gre;
        if (tuple.Has(TupleParts.SourcePort))
            json.PutNumber(ref line, isGre ? "srckey"u8 : "sport"u8, tuple.SourcePort);
        if (tuple.Has(TupleParts.DestinationPort))
            json.PutNumber(ref line, isGre ? "dstkey"u8 : "dport"u8, tuple.DestinationPort);
        if (tuple.Has(TupleParts.IcmpTypeCode))
        {
            json.PutNumber(ref line, "type"u8, tuple.IcmpType);
            json.PutNumber(ref line, "code"u8, tuple.IcmpCode);
        }

        if (tuple.Has(TupleParts.IcmpId)) json.PutNumber(ref line, "id"u8, tuple.IcmpId);
        if (tuple.Has(TupleParts.Zone)) json.PutNumber(ref line, "zone"u8, tuple.Zone);
    }

    private static void WriteDirection(
        ref JsonText json,
        ref LineWriter line,
        scoped ReadOnlySpan<byte> key,
        in FlowTuple tuple,
        bool isKnown,
        FlowCounters counters,
        bool hasCounters)
    {
        if (!isKnown) return;
        json.Open(ref line, key);
        WriteTuple(ref json, ref line, in tuple, tuple.Protocol);
        if (hasCounters)
        {
            json.PutNumber(ref line, "packets"u8, counters.Packets);
            json.PutNumber(ref line, "bytes"u8, counters.Bytes);
        }

        json.Close(ref line);
    }

    private static void WriteStatus(ref JsonText json, ref LineWriter line, FlowStatus status)
    {
        json.OpenList(ref line, "status"u8);
        foreach (FlowStatus bit in StatusBits)
        {
            if ((status & bit) != FlowStatus.None) json.PutItem(ref line, NameOf(bit));
        }

        json.CloseList(ref line);
    }

    private static ReadOnlySpan<byte> NameOf(FlowStatus bit) => bit switch
    {
        FlowStatus.Expected => "EXPECTED"u8,
        FlowStatus.SeenReply => "SEEN_REPLY"u8,
        FlowStatus.Assured => "ASSURED"u8,
        FlowStatus.Confirmed => "CONFIRMED"u8,
        FlowStatus.SourceNat => "SRC_NAT"u8,
        FlowStatus.DestinationNat => "DST_NAT"u8,
        FlowStatus.SequenceAdjust => "SEQ_ADJUST"u8,
        FlowStatus.SourceNatDone => "SRC_NAT_DONE"u8,
        FlowStatus.DestinationNatDone => "DST_NAT_DONE"u8,
        FlowStatus.Dying => "DYING"u8,
        FlowStatus.FixedTimeout => "FIXED_TIMEOUT"u8,
        FlowStatus.Template => "TEMPLATE"u8,
        FlowStatus.NatClash => "NAT_CLASH"u8,
        FlowStatus.Helper => "HELPER"u8,
        FlowStatus.Offload => "OFFLOAD"u8,
        _ => "HW_OFFLOAD"u8,
    };

    private static void WriteNumbers(ref JsonText json, ref LineWriter line, in PackedFlow flow)
    {
        if (flow.Has(FlowFields.Mark)) json.PutNumber(ref line, "mark"u8, flow.Mark);
        if (flow.Has(FlowFields.SecurityMark)) json.PutNumber(ref line, "secmark"u8, flow.SecurityMark);
        if (flow.Has(FlowFields.SecurityContext))
            json.PutText(ref line, "secctx"u8, flow.SecurityContext[..flow.SecurityContextLength]);
        if (flow.Has(FlowFields.Zone)) json.PutNumber(ref line, "zone"u8, flow.Zone);
        if (flow.Has(FlowFields.Use)) json.PutNumber(ref line, "use"u8, flow.Use);
        if (flow.Has(FlowFields.Id)) json.PutNumber(ref line, "id"u8, flow.Id);
    }

    private static void WriteTimes(
        ref JsonText json, ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        if (flow.Has(FlowFields.TimestampStart))
        {
            json.PutNumber(ref line, "start_ns"u8, flow.TimestampStart);
            json.PutNumber(ref line, "seconds"u8, FlowText.LifeSeconds(in flow, style.Now));
        }

        if (flow.Has(FlowFields.TimestampStop)) json.PutNumber(ref line, "stop_ns"u8, flow.TimestampStop);
    }

    // A label without a name goes by its number.
    private static void WriteLabels(
        ref JsonText json, ref LineWriter line, in LabelBits labels, IReadOnlyList<byte[]?>? names)
    {
        Span<byte> number = stackalloc byte[3];
        json.OpenList(ref line, "labels"u8);
        for (int bit = 0; bit < FlowText.LabelBitCount; bit++)
        {
            if (!labels.Has(bit)) continue;
            byte[]? name = names is not null && bit < names.Count ? names[bit] : null;
            bit.TryFormat(number, out int length);
            json.PutItem(ref line, name ?? number[..length]);
        }

        json.CloseList(ref line);
    }

    private static void WriteState(ref JsonText json, ref LineWriter line, in PackedFlow flow)
    {
        if (flow.Has(FlowFields.TcpWindowScaleOriginal))
            json.PutNumber(ref line, "wscale_original"u8, flow.TcpWindowScaleOriginal);
        if (flow.Has(FlowFields.TcpWindowScaleReply))
            json.PutNumber(ref line, "wscale_reply"u8, flow.TcpWindowScaleReply);
        if (flow.Has(FlowFields.TcpFlagsOriginal))
            json.PutNumber(ref line, "tcp_flags_original"u8, flow.TcpFlagsOriginal);
        if (flow.Has(FlowFields.TcpFlagsReply)) json.PutNumber(ref line, "tcp_flags_reply"u8, flow.TcpFlagsReply);
        if (flow.Has(FlowFields.SctpTagOriginal)) json.PutNumber(ref line, "vtag_original"u8, flow.SctpTagOriginal);
        if (flow.Has(FlowFields.SctpTagReply)) json.PutNumber(ref line, "vtag_reply"u8, flow.SctpTagReply);
        if (flow.Has(FlowFields.DccpRole))
            json.PutText(ref line, "role"u8, flow.DccpRole == 0 ? "client"u8 : "server"u8);
        if (flow.Has(FlowFields.DccpHandshake)) json.PutNumber(ref line, "handshake_sequence"u8, flow.DccpHandshake);
    }

    private static void WriteAdjustments(ref JsonText json, ref LineWriter line, in PackedFlow flow)
    {
        if (flow.Has(FlowFields.SequenceOriginal))
            WriteAdjustment(ref json, ref line, "sequence_original"u8, flow.SequenceOriginal);
        if (flow.Has(FlowFields.SequenceReply))
            WriteAdjustment(ref json, ref line, "sequence_reply"u8, flow.SequenceReply);
        if (!flow.Has(FlowFields.SynProxy)) return;

        json.Open(ref line, "synproxy"u8);
        json.PutNumber(ref line, "isn"u8, flow.SynProxy.InitialSequence);
        json.PutNumber(ref line, "its"u8, flow.SynProxy.InitialTimestamp);
        json.PutNumber(ref line, "tsoff"u8, flow.SynProxy.TimestampOffset);
        json.Close(ref line);
    }

    private static void WriteAdjustment(
        ref JsonText json, ref LineWriter line, scoped ReadOnlySpan<byte> key, SequenceAdjustment adjustment)
    {
        json.Open(ref line, key);
        json.PutNumber(ref line, "position"u8, adjustment.CorrectionPosition);
        json.PutSigned(ref line, "before"u8, adjustment.OffsetBefore);
        json.PutSigned(ref line, "after"u8, adjustment.OffsetAfter);
        json.Close(ref line);
    }
}
