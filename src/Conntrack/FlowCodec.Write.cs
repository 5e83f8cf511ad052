using System.Runtime.InteropServices;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

public static partial class FlowCodec
{
    private const FlowFields TcpFields =
        FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply
        | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;

    private const FlowFields SctpFields =
        FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;

    private const FlowFields DccpFields = FlowFields.DccpState | FlowFields.DccpRole | FlowFields.DccpHandshake;

    private const FlowFields StateFields = TcpFields | SctpFields | DccpFields;

    private const FlowFields NatFields =
        FlowFields.SourceNat | FlowFields.SourceNatPort | FlowFields.DestinationNat | FlowFields.DestinationNatPort;

    private const FlowFields NumberFields =
        FlowFields.Status | FlowFields.StatusMask | FlowFields.Timeout | FlowFields.Mark | FlowFields.MarkMask
        | FlowFields.Zone | FlowFields.Id | FlowFields.Use | FlowFields.SecurityMark | FlowFields.TimestampEvent;

    private const FlowFields RareFields =
        FlowFields.Labels | FlowFields.LabelsMask | FlowFields.SequenceOriginal | FlowFields.SequenceReply
        | FlowFields.SynProxy | FlowFields.SecurityContext | FlowFields.Helper | FlowFields.HelperInfo
        | FlowFields.CountersOriginal | FlowFields.CountersReply | FlowFields.TimestampStart
        | FlowFields.TimestampStop;

    /// <summary>
    /// Writes the attributes of those fields that are known and wanted, into an open message or nest.
    /// </summary>
    /// <param name="writer">Where they go.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="wanted">Which fields to write at most.</param>
    public static void WriteAttributes(NetlinkWriter writer, in PackedFlow flow, FlowFields wanted)
    {
        FlowFields fields = flow.Fields & wanted;
        if (Has(fields, FlowFields.Original))
            TupleCodec.Write(writer, FlowAttributeType.TupleOriginal, in flow.Original);
        if (Has(fields, FlowFields.Reply)) TupleCodec.Write(writer, FlowAttributeType.TupleReply, in flow.Reply);
        if (Has(fields, FlowFields.Master)) TupleCodec.Write(writer, FlowAttributeType.TupleMaster, in flow.Master);
        if (Has(fields, NumberFields)) WriteNumbers(writer, in flow, fields);
        if (Has(fields, StateFields)) WriteState(writer, in flow, fields);
        if (Has(fields, NatFields)) WriteNats(writer, in flow, fields);
        if (Has(fields, RareFields)) WriteRare(writer, in flow, fields);
    }

    // Any of them, unlike PackedFlow.Has: a nest is written for the least of its fields.
    private static bool Has(FlowFields fields, FlowFields any) => (fields & any) != FlowFields.None;

    private static void WriteNumbers(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        if (Has(fields, FlowFields.Zone)) writer.PutUInt16(FlowAttributeType.Zone, flow.Zone);
        if (Has(fields, FlowFields.Status)) writer.PutUInt32(FlowAttributeType.Status, (uint)flow.Status);
        if (Has(fields, FlowFields.StatusMask)) writer.PutUInt32(FlowAttributeType.StatusMask, (uint)flow.StatusMask);
        if (Has(fields, FlowFields.Timeout)) writer.PutUInt32(FlowAttributeType.Timeout, flow.Timeout);
        if (Has(fields, FlowFields.Mark)) writer.PutUInt32(FlowAttributeType.Mark, flow.Mark);
        if (Has(fields, FlowFields.MarkMask)) writer.PutUInt32(FlowAttributeType.MarkMask, flow.MarkMask);
        if (Has(fields, FlowFields.Id)) writer.PutUInt32(FlowAttributeType.Id, flow.Id);
        if (Has(fields, FlowFields.Use)) writer.PutUInt32(FlowAttributeType.Use, flow.Use);
        if (Has(fields, FlowFields.SecurityMark))
            writer.PutUInt32(FlowAttributeType.SecurityMark, flow.SecurityMark);
        if (Has(fields, FlowFields.TimestampEvent))
            writer.PutUInt64(FlowAttributeType.TimestampEvent, flow.TimestampEvent);
    }

    private static void WriteState(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        using (writer.Nest(FlowAttributeType.ProtocolInfo))
        {
            if (Has(fields, TcpFields))
            {
                using (writer.Nest(StateAttributeType.Tcp)) WriteTcp(writer, in flow, fields);
            }

            if (Has(fields, SctpFields))
            {
                using (writer.Nest(StateAttributeType.Sctp)) WriteSctp(writer, in flow, fields);
            }

            if (Has(fields, DccpFields))
            {
                using (writer.Nest(StateAttributeType.Dccp)) WriteDccp(writer, in flow, fields);
            }
        }
    }

    private static void WriteTcp(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        if (Has(fields, FlowFields.TcpState)) writer.PutByte(StateAttributeType.TcpState, flow.TcpState);
        if (Has(fields, FlowFields.TcpWindowScaleOriginal))
            writer.PutByte(StateAttributeType.TcpWindowScaleOriginal, flow.TcpWindowScaleOriginal);
        if (Has(fields, FlowFields.TcpWindowScaleReply))
            writer.PutByte(StateAttributeType.TcpWindowScaleReply, flow.TcpWindowScaleReply);
        if (Has(fields, FlowFields.TcpFlagsOriginal))
        {
            Span<byte> place = writer.Attribute(StateAttributeType.TcpFlagsOriginal, 2);
            place[0] = flow.TcpFlagsOriginal;
            place[1] = flow.TcpFlagsOriginalMask;
        }

        if (Has(fields, FlowFields.TcpFlagsReply))
        {
            Span<byte> place = writer.Attribute(StateAttributeType.TcpFlagsReply, 2);
            place[0] = flow.TcpFlagsReply;
            place[1] = flow.TcpFlagsReplyMask;
        }
    }

    private static void WriteSctp(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        if (Has(fields, FlowFields.SctpState)) writer.PutByte(StateAttributeType.SctpState, flow.SctpState);
        if (Has(fields, FlowFields.SctpTagOriginal))
            writer.PutUInt32(StateAttributeType.SctpTagOriginal, flow.SctpTagOriginal);
        if (Has(fields, FlowFields.SctpTagReply))
            writer.PutUInt32(StateAttributeType.SctpTagReply, flow.SctpTagReply);
    }

    private static void WriteDccp(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        if (Has(fields, FlowFields.DccpState)) writer.PutByte(StateAttributeType.DccpState, flow.DccpState);
        if (Has(fields, FlowFields.DccpRole)) writer.PutByte(StateAttributeType.DccpRole, flow.DccpRole);
        if (Has(fields, FlowFields.DccpHandshake))
            writer.PutUInt64(StateAttributeType.DccpHandshake, flow.DccpHandshake);
    }

    private static void WriteNats(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        byte family = FamilyOf(in flow);
        FlowFields source = fields & (FlowFields.SourceNat | FlowFields.SourceNatPort);
        if (source != FlowFields.None)
        {
            using (writer.Nest(FlowAttributeType.NatSource))
            {
                WriteNat(
                    writer, family, in flow.SourceNat, Has(source, FlowFields.SourceNat),
                    Has(source, FlowFields.SourceNatPort));
            }
        }

        FlowFields destination = fields & (FlowFields.DestinationNat | FlowFields.DestinationNatPort);
        if (destination == FlowFields.None) return;

        using (writer.Nest(FlowAttributeType.NatDestination))
        {
            WriteNat(
                writer, family, in flow.DestinationNat, Has(destination, FlowFields.DestinationNat),
                Has(destination, FlowFields.DestinationNatPort));
        }
    }

    private static void WriteNat(NetlinkWriter writer, byte family, in NatRange range, bool address, bool port)
    {
        bool isIPv4 = family == AddressFamily.IPv4;
        int size = isIPv4 ? 4 : 16;
        if (address)
        {
            int first = isIPv4 ? NatAttributeType.IPv4First : NatAttributeType.IPv6First;
            range.First.Write(writer.Attribute(first, size), family);
            if (range.Last != range.First && range.Last != default)
            {
                int last = isIPv4 ? NatAttributeType.IPv4Last : NatAttributeType.IPv6Last;
                range.Last.Write(writer.Attribute(last, size), family);
            }
        }

        if (!port) return;

        using (writer.Nest(NatAttributeType.Ports))
        {
            writer.PutUInt16(NatAttributeType.FirstPort, range.FirstPort);
            ushort last = range.LastPort == 0 ? range.FirstPort : range.LastPort;
            writer.PutUInt16(NatAttributeType.LastPort, last);
        }
    }

    private static void WriteRare(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        if (Has(fields, FlowFields.CountersOriginal))
            WriteCounters(writer, FlowAttributeType.CountersOriginal, flow.CountersOriginal);
        if (Has(fields, FlowFields.CountersReply))
            WriteCounters(writer, FlowAttributeType.CountersReply, flow.CountersReply);
        if (Has(fields, FlowFields.TimestampStart | FlowFields.TimestampStop))
        {
            using (writer.Nest(FlowAttributeType.Timestamp))
            {
                if (Has(fields, FlowFields.TimestampStart))
                    writer.PutUInt64(DetailAttributeType.TimestampStart, flow.TimestampStart);
                if (Has(fields, FlowFields.TimestampStop))
                    writer.PutUInt64(DetailAttributeType.TimestampStop, flow.TimestampStop);
            }
        }

        if (Has(fields, FlowFields.Helper | FlowFields.HelperInfo)) WriteHelp(writer, in flow, fields);
        if (Has(fields, FlowFields.Labels)) WriteLabels(writer, FlowAttributeType.Labels, flow.Labels);
        if (Has(fields, FlowFields.LabelsMask)) WriteLabels(writer, FlowAttributeType.LabelsMask, flow.LabelsMask);
        if (Has(fields, FlowFields.SequenceOriginal))
            WriteSequence(writer, FlowAttributeType.SequenceOriginal, flow.SequenceOriginal);
        if (Has(fields, FlowFields.SequenceReply))
            WriteSequence(writer, FlowAttributeType.SequenceReply, flow.SequenceReply);
        if (Has(fields, FlowFields.SynProxy))
        {
            using (writer.Nest(FlowAttributeType.SynProxy))
            {
                writer.PutUInt32(DetailAttributeType.SynProxySequence, flow.SynProxy.InitialSequence);
                writer.PutUInt32(DetailAttributeType.SynProxyTimestamp, flow.SynProxy.InitialTimestamp);
                writer.PutUInt32(DetailAttributeType.SynProxyOffset, flow.SynProxy.TimestampOffset);
            }
        }

        if (Has(fields, FlowFields.SecurityContext))
        {
            using (writer.Nest(FlowAttributeType.SecurityContext))
            {
                ReadOnlySpan<byte> name = flow.SecurityContext;
                writer.PutString(DetailAttributeType.SecurityContextName, name[..flow.SecurityContextLength]);
            }
        }
    }

    private static void WriteCounters(NetlinkWriter writer, int type, FlowCounters counters)
    {
        using (writer.Nest(type))
        {
            writer.PutUInt64(DetailAttributeType.CounterPackets, counters.Packets);
            writer.PutUInt64(DetailAttributeType.CounterBytes, counters.Bytes);
        }
    }

    private static void WriteHelp(NetlinkWriter writer, in PackedFlow flow, FlowFields fields)
    {
        using (writer.Nest(FlowAttributeType.Help))
        {
            if (Has(fields, FlowFields.Helper))
                writer.PutString(DetailAttributeType.HelperName, NameText.Of(flow.Helper));
            if (Has(fields, FlowFields.HelperInfo))
            {
                ReadOnlySpan<byte> info = flow.HelperInfo;
                writer.PutBytes(DetailAttributeType.HelperInfo, info[..flow.HelperInfoLength]);
            }
        }
    }

    private static void WriteSequence(NetlinkWriter writer, int type, SequenceAdjustment adjustment)
    {
        using (writer.Nest(type))
        {
            writer.PutUInt32(DetailAttributeType.SequencePosition, adjustment.CorrectionPosition);
            writer.PutUInt32(DetailAttributeType.SequenceBefore, (uint)adjustment.OffsetBefore);
            writer.PutUInt32(DetailAttributeType.SequenceAfter, (uint)adjustment.OffsetAfter);
        }
    }

    // All sixteen bytes: the kernel clears the words that are missing.
    private static void WriteLabels(NetlinkWriter writer, int type, LabelBits labels)
    {
        Span<byte> place = writer.Attribute(type, LabelBytes);
        MemoryMarshal.Write(place, labels.First);
        MemoryMarshal.Write(place[8..], labels.Second);
    }
}
