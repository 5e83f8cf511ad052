using System.Buffers.Binary;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

public static partial class FlowCodec
{
    private static bool TryReadInto(ReadOnlySpan<byte> attributes, byte family, ref PackedFlow flow)
    {
        var reader = new AttributeReader(attributes);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case FlowAttributeType.TupleOriginal:
                    if (!TupleCodec.TryRead(reader.Value, family, ref flow.Original)) return false;
                    flow.Fields |= FlowFields.Original;
                    break;
                case FlowAttributeType.TupleReply:
                    if (!TupleCodec.TryRead(reader.Value, family, ref flow.Reply)) return false;
                    flow.Fields |= FlowFields.Reply;
                    break;
                case FlowAttributeType.TupleMaster:
                    // The message's family is that of the flow, not of its master.
                    if (!TupleCodec.TryRead(reader.Value, AddressFamily.Unspecified, ref flow.Master)) return false;
                    flow.Fields |= FlowFields.Master;
                    break;
                case FlowAttributeType.ProtocolInfo:
                    if (!TryReadState(reader.Value, ref flow)) return false;
                    break;
                case FlowAttributeType.Status:
                case FlowAttributeType.Timeout:
                case FlowAttributeType.Mark:
                case FlowAttributeType.Zone:
                case FlowAttributeType.Id:
                case FlowAttributeType.Use:
                case FlowAttributeType.StatusMask:
                case FlowAttributeType.MarkMask:
                case FlowAttributeType.SecurityMark:
                case FlowAttributeType.TimestampEvent:
                    if (!TryReadNumber(reader.Type, reader.Value, ref flow)) return false;
                    break;
                case FlowAttributeType.Labels:
                    flow.Labels = ReadLabels(reader.Value);
                    flow.Fields |= FlowFields.Labels;
                    break;
                case FlowAttributeType.LabelsMask:
                    flow.LabelsMask = ReadLabels(reader.Value);
                    flow.Fields |= FlowFields.LabelsMask;
                    break;
                default:
                    if (!TryReadNest(reader.Type, reader.Value, ref flow)) return false;
                    break;
            }
        }

        return !reader.IsMalformed && HasOneFamily(in flow);
    }

    // Only a message that does not tell its family could have tuples of two.
    private static bool HasOneFamily(in PackedFlow flow) =>
        !flow.Has(FlowFields.Original | FlowFields.Reply) || flow.Original.Family == flow.Reply.Family
        || flow.Original.Family == AddressFamily.Unspecified || flow.Reply.Family == AddressFamily.Unspecified;

    private static bool TryReadNumber(int type, ReadOnlySpan<byte> value, ref PackedFlow flow)
    {
        switch (type)
        {
            case FlowAttributeType.Zone:
                flow.Fields |= FlowFields.Zone;
                return BinaryPrimitives.TryReadUInt16BigEndian(value, out flow.Zone) && value.Length == 2;
            case FlowAttributeType.TimestampEvent:
                flow.Fields |= FlowFields.TimestampEvent;
                return BinaryPrimitives.TryReadUInt64BigEndian(value, out flow.TimestampEvent) && value.Length == 8;
        }

        if (value.Length != sizeof(uint)) return false;

        uint number = BinaryPrimitives.ReadUInt32BigEndian(value);
        switch (type)
        {
            case FlowAttributeType.Status:
                flow.Status = (FlowStatus)number;
                flow.Fields |= FlowFields.Status;
                break;
            case FlowAttributeType.Timeout:
                flow.Timeout = number;
                flow.Fields |= FlowFields.Timeout;
                break;
            case FlowAttributeType.Mark:
                flow.Mark = number;
                flow.Fields |= FlowFields.Mark;
                break;
            case FlowAttributeType.Id:
                flow.Id = number;
                flow.Fields |= FlowFields.Id;
                break;
            case FlowAttributeType.Use:
                flow.Use = number;
                flow.Fields |= FlowFields.Use;
                break;
            case FlowAttributeType.StatusMask:
                flow.StatusMask = (FlowStatus)number;
                flow.Fields |= FlowFields.StatusMask;
                break;
            case FlowAttributeType.MarkMask:
                flow.MarkMask = number;
                flow.Fields |= FlowFields.MarkMask;
                break;
            case FlowAttributeType.SecurityMark:
                flow.SecurityMark = number;
                flow.Fields |= FlowFields.SecurityMark;
                break;
        }

        return true;
    }

    private static bool TryReadNest(int type, ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        switch (type)
        {
            case FlowAttributeType.CountersOriginal:
                flow.Fields |= FlowFields.CountersOriginal;
                return TryReadCounters(nest, out flow.CountersOriginal);
            case FlowAttributeType.CountersReply:
                flow.Fields |= FlowFields.CountersReply;
                return TryReadCounters(nest, out flow.CountersReply);
            case FlowAttributeType.Timestamp:
                return TryReadTimestamp(nest, ref flow);
            case FlowAttributeType.Help:
                return TryReadHelp(nest, ref flow);
            case FlowAttributeType.SequenceOriginal:
                flow.Fields |= FlowFields.SequenceOriginal;
                return TryReadSequence(nest, out flow.SequenceOriginal);
            case FlowAttributeType.SequenceReply:
                flow.Fields |= FlowFields.SequenceReply;
                return TryReadSequence(nest, out flow.SequenceReply);
            case FlowAttributeType.SynProxy:
                return TryReadSynProxy(nest, ref flow);
            case FlowAttributeType.SecurityContext:
                return TryReadSecurityContext(nest, ref flow);
            case FlowAttributeType.NatSource:
                return TryReadNat(
                    nest, FlowFields.SourceNat, FlowFields.SourceNatPort, ref flow.SourceNat, ref flow.Fields);
            case FlowAttributeType.NatDestination:
                return TryReadNat(
                    nest,
                    FlowFields.DestinationNat,
                    FlowFields.DestinationNatPort,
                    ref flow.DestinationNat,
                    ref flow.Fields);
            default:
                return true; // newer kernels know more
        }
    }

    private static bool TryReadState(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            bool read = reader.Type switch
            {
                StateAttributeType.Tcp => TryReadTcp(reader.Value, ref flow),
                StateAttributeType.Sctp => TryReadSctp(reader.Value, ref flow),
                StateAttributeType.Dccp => TryReadDccp(reader.Value, ref flow),
                _ => true,
            };
            if (!read) return false;
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadTcp(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case StateAttributeType.TcpState:
                    flow.TcpState = reader.ReadByte();
                    flow.Fields |= FlowFields.TcpState;
                    break;
                case StateAttributeType.TcpWindowScaleOriginal:
                    flow.TcpWindowScaleOriginal = reader.ReadByte();
                    flow.Fields |= FlowFields.TcpWindowScaleOriginal;
                    break;
                case StateAttributeType.TcpWindowScaleReply:
                    flow.TcpWindowScaleReply = reader.ReadByte();
                    flow.Fields |= FlowFields.TcpWindowScaleReply;
                    break;
                case StateAttributeType.TcpFlagsOriginal: // struct nf_ct_tcp_flags: u8 flags, u8 mask
                    if (reader.Value.Length != 2) return false;
                    flow.TcpFlagsOriginal = reader.Value[0];
                    flow.TcpFlagsOriginalMask = reader.Value[1];
                    flow.Fields |= FlowFields.TcpFlagsOriginal;
                    break;
                case StateAttributeType.TcpFlagsReply:
                    if (reader.Value.Length != 2) return false;
                    flow.TcpFlagsReply = reader.Value[0];
                    flow.TcpFlagsReplyMask = reader.Value[1];
                    flow.Fields |= FlowFields.TcpFlagsReply;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadSctp(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case StateAttributeType.SctpState:
                    flow.SctpState = reader.ReadByte();
                    flow.Fields |= FlowFields.SctpState;
                    break;
                case StateAttributeType.SctpTagOriginal:
                    flow.SctpTagOriginal = reader.ReadUInt32();
                    flow.Fields |= FlowFields.SctpTagOriginal;
                    break;
                case StateAttributeType.SctpTagReply:
                    flow.SctpTagReply = reader.ReadUInt32();
                    flow.Fields |= FlowFields.SctpTagReply;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadDccp(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case StateAttributeType.DccpState:
                    flow.DccpState = reader.ReadByte();
                    flow.Fields |= FlowFields.DccpState;
                    break;
                case StateAttributeType.DccpRole:
                    flow.DccpRole = reader.ReadByte();
                    flow.Fields |= FlowFields.DccpRole;
                    break;
                case StateAttributeType.DccpHandshake:
                    flow.DccpHandshake = reader.ReadUInt64();
                    flow.Fields |= FlowFields.DccpHandshake;
                    break;
            }
        }

        return !reader.IsMalformed;
    }
}
