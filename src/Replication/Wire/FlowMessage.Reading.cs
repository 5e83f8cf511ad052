using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Wire;

/// <content>What each attribute means.</content>
internal static partial class FlowMessage
{
    /// <summary>Takes one value in; the caller has checked its length.</summary>
    public static void ReadAttribute(
        FlowAttribute number, ReadOnlySpan<byte> value, bool swapped, ref PackedFlow flow)
    {
        switch (number)
        {
            case FlowAttribute.IPv4 or FlowAttribute.IPv6:
                PeerValue.ReadAddresses(value, ref flow.Original);
                flow.Fields |= FlowFields.Original;
                break;
            case FlowAttribute.Protocol:
                flow.Original.Protocol = value[0];
                flow.Original.Parts |= TupleParts.Protocol;
                break;
            case FlowAttribute.Ports:
                PeerValue.ReadPorts(value, ref flow.Original);
                break;
            case FlowAttribute.MasterIPv4 or FlowAttribute.MasterIPv6:
                PeerValue.ReadAddresses(value, ref flow.Master);
                flow.Fields |= FlowFields.Master;
                break;
            case FlowAttribute.MasterProtocol:
                flow.Master.Protocol = value[0];
                flow.Master.Parts |= TupleParts.Protocol;
                break;
            case FlowAttribute.MasterPorts:
                PeerValue.ReadPorts(value, ref flow.Master);
                break;
            case FlowAttribute.IcmpType:
                flow.Original.IcmpType = value[0];
                flow.Original.Parts |= TupleParts.IcmpTypeCode;
                break;
            case FlowAttribute.IcmpCode:
                flow.Original.IcmpCode = value[0];
                break;
            case FlowAttribute.IcmpId:
                flow.Original.IcmpId = ReadSwapped(value, swapped);
                flow.Original.Parts |= TupleParts.IcmpId;
                break;
            case FlowAttribute.SourceNatIPv4 or FlowAttribute.SourceNatIPv6:
                flow.SourceNat.First = flow.SourceNat.Last = Address.Read(value);
                flow.Fields |= FlowFields.SourceNat;
                break;
            case FlowAttribute.DestinationNatIPv4 or FlowAttribute.DestinationNatIPv6:
                flow.DestinationNat.First = flow.DestinationNat.Last = Address.Read(value);
                flow.Fields |= FlowFields.DestinationNat;
                break;
            case FlowAttribute.SourceNatPort:
                flow.SourceNat.FirstPort = flow.SourceNat.LastPort = ReadSwapped(value, swapped);
                flow.Fields |= FlowFields.SourceNatPort;
                break;
            case FlowAttribute.DestinationNatPort:
                flow.DestinationNat.FirstPort = flow.DestinationNat.LastPort = ReadSwapped(value, swapped);
                flow.Fields |= FlowFields.DestinationNatPort;
                break;
            default:
                ReadScalar(number, value, ref flow);
                break;
        }
    }

    private static void ReadScalar(FlowAttribute number, ReadOnlySpan<byte> value, ref PackedFlow flow)
    {
        switch (number)
        {
            case FlowAttribute.Status:
                flow.Status = (FlowStatus)BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.Status;
                break;
            case FlowAttribute.Timeout:
                flow.Timeout = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.Timeout;
                break;
            case FlowAttribute.Mark:
                flow.Mark = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.Mark;
                break;
            case FlowAttribute.Zone:
                flow.Zone = BinaryPrimitives.ReadUInt16BigEndian(value);
                flow.Fields |= FlowFields.Zone;
                break;
            case FlowAttribute.TcpState:
                flow.TcpState = value[0];
                flow.Fields |= FlowFields.TcpState;
                break;
            case FlowAttribute.TcpWindowScaleOriginal:
                flow.TcpWindowScaleOriginal = value[0];
                flow.Fields |= FlowFields.TcpWindowScaleOriginal;
                break;
            case FlowAttribute.TcpWindowScaleReply:
                flow.TcpWindowScaleReply = value[0];
                flow.Fields |= FlowFields.TcpWindowScaleReply;
                break;
            case FlowAttribute.SctpState:
                flow.SctpState = value[0];
                flow.Fields |= FlowFields.SctpState;
                break;
            case FlowAttribute.SctpTagOriginal:
                flow.SctpTagOriginal = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.SctpTagOriginal;
                break;
            case FlowAttribute.SctpTagReply:
                flow.SctpTagReply = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.SctpTagReply;
                break;
            case FlowAttribute.DccpState:
                flow.DccpState = value[0];
                flow.Fields |= FlowFields.DccpState;
                break;
            case FlowAttribute.DccpRole:
                flow.DccpRole = value[0];
                flow.Fields |= FlowFields.DccpRole;
                break;
            case FlowAttribute.SequenceAdjustment:
                flow.SequenceOriginal = ReadSequence(value);
                flow.SequenceReply = ReadSequence(value[12..]);
                flow.Fields |= FlowFields.SequenceOriginal | FlowFields.SequenceReply;
                break;
            case FlowAttribute.Helper:
                if (PeerValue.ReadName(value, flow.Helper)) flow.Fields |= FlowFields.Helper;
                break;
            case FlowAttribute.Labels:
                ReadLabels(value, ref flow);
                break;
            case FlowAttribute.SynProxy:
                flow.SynProxy = new SynProxyState(
                    InitialSequence: BinaryPrimitives.ReadUInt32BigEndian(value[4..]),
                    InitialTimestamp: BinaryPrimitives.ReadUInt32BigEndian(value),
                    TimestampOffset: BinaryPrimitives.ReadUInt32BigEndian(value[8..]));
                flow.Fields |= FlowFields.SynProxy;
                break;
        }
    }

    private static ushort ReadSwapped(ReadOnlySpan<byte> value, bool littleEndian) =>
        littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(value) : BinaryPrimitives.ReadUInt16BigEndian(value);

    private static SequenceAdjustment ReadSequence(ReadOnlySpan<byte> three) => new(
        BinaryPrimitives.ReadUInt32BigEndian(three),
        BinaryPrimitives.ReadInt32BigEndian(three[4..]),
        BinaryPrimitives.ReadInt32BigEndian(three[8..]));

    // Bits beyond those the kernel can hold are dropped: it would refuse them, and the flow with them.
    private static void ReadLabels(ReadOnlySpan<byte> value, ref PackedFlow flow)
    {
        if (value.IsEmpty || value.Length % 4 != 0) return;

        Span<uint> words = stackalloc uint[LabelBytes / 4];
        words.Clear();
        for (int word = 0; word < Math.Min(value.Length / 4, words.Length); word++)
            words[word] = BinaryPrimitives.ReadUInt32BigEndian(value[(4 * word)..]);
        flow.Labels = new LabelBits(words[0] | ((ulong)words[1] << 32), words[2] | ((ulong)words[3] << 32));
        flow.Fields |= FlowFields.Labels;
    }
}
