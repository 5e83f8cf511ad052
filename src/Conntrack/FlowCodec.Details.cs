using System.Runtime.InteropServices;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

// Reading the small nests of a flow: everything that is not tuple, number or protocol state.
public static partial class FlowCodec
{
    private const int LabelBytes = 16;

    private static bool TryReadCounters(ReadOnlySpan<byte> nest, out FlowCounters counters)
    {
        counters = default;
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case DetailAttributeType.CounterPackets: counters.Packets = reader.ReadUInt64(); break;
                case DetailAttributeType.CounterBytes: counters.Bytes = reader.ReadUInt64(); break;
                case DetailAttributeType.CounterPackets32: counters.Packets = reader.ReadUInt32(); break;
                case DetailAttributeType.CounterBytes32: counters.Bytes = reader.ReadUInt32(); break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadTimestamp(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case DetailAttributeType.TimestampStart:
                    flow.TimestampStart = reader.ReadUInt64();
                    flow.Fields |= FlowFields.TimestampStart;
                    break;
                case DetailAttributeType.TimestampStop:
                    flow.TimestampStop = reader.ReadUInt64();
                    flow.Fields |= FlowFields.TimestampStop;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadHelp(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case DetailAttributeType.HelperName:
                    if (!NameText.TryCopy(reader.ReadString(), flow.Helper)) return false; // NF_CT_HELPER_NAME_LEN
                    flow.Fields |= FlowFields.Helper;
                    break;
                case DetailAttributeType.HelperInfo:
                    Span<byte> info = flow.HelperInfo;
                    if (reader.Value.Length > info.Length) break; // beyond what is modelled: unknown, not damage
                    reader.Value.CopyTo(info);
                    flow.HelperInfoLength = (byte)reader.Value.Length;
                    flow.Fields |= FlowFields.HelperInfo;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadSequence(ReadOnlySpan<byte> nest, out SequenceAdjustment adjustment)
    {
        adjustment = default;
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case DetailAttributeType.SequencePosition: adjustment.CorrectionPosition = reader.ReadUInt32(); break;
                case DetailAttributeType.SequenceBefore: adjustment.OffsetBefore = (int)reader.ReadUInt32(); break;
                case DetailAttributeType.SequenceAfter: adjustment.OffsetAfter = (int)reader.ReadUInt32(); break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadSynProxy(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        SynProxyState state = default;
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case DetailAttributeType.SynProxySequence: state.InitialSequence = reader.ReadUInt32(); break;
                case DetailAttributeType.SynProxyTimestamp: state.InitialTimestamp = reader.ReadUInt32(); break;
                case DetailAttributeType.SynProxyOffset: state.TimestampOffset = reader.ReadUInt32(); break;
            }
        }

        flow.SynProxy = state;
        flow.Fields |= FlowFields.SynProxy;
        return !reader.IsMalformed;
    }

    private static bool TryReadSecurityContext(ReadOnlySpan<byte> nest, ref PackedFlow flow)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            if (reader.Type != DetailAttributeType.SecurityContextName) continue;

            ReadOnlySpan<byte> name = reader.ReadString();
            Span<byte> place = flow.SecurityContext;
            if (name.Length > place.Length) continue; // beyond what is modelled: unknown, not damage
            name.CopyTo(place);
            flow.SecurityContextLength = (ushort)name.Length;
            flow.Fields |= FlowFields.SecurityContext;
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadNat(
        ReadOnlySpan<byte> nest, FlowFields address, FlowFields port, ref NatRange range, ref FlowFields fields)
    {
        range = default;
        bool hasLast = false;
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            bool isIPv6 = reader.Type is NatAttributeType.IPv6First or NatAttributeType.IPv6Last;
            switch (reader.Type)
            {
                case NatAttributeType.IPv4First or NatAttributeType.IPv6First:
                    if (reader.Value.Length != (isIPv6 ? 16 : 4)) return false;
                    range.First = Address.Read(reader.Value);
                    fields |= address;
                    break;
                case NatAttributeType.IPv4Last or NatAttributeType.IPv6Last:
                    if (reader.Value.Length != (isIPv6 ? 16 : 4)) return false;
                    range.Last = Address.Read(reader.Value);
                    hasLast = true;
                    break;
                case NatAttributeType.Ports:
                    if (!TryReadNatPorts(reader.Value, port, ref range, ref fields)) return false;
                    break;
            }
        }

        if (!hasLast) range.Last = range.First;
        return !reader.IsMalformed;
    }

    private static bool TryReadNatPorts(
        ReadOnlySpan<byte> nest, FlowFields port, ref NatRange range, ref FlowFields fields)
    {
        bool hasLast = false;
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case NatAttributeType.FirstPort:
                    range.FirstPort = reader.ReadUInt16();
                    fields |= port;
                    break;
                case NatAttributeType.LastPort:
                    range.LastPort = reader.ReadUInt16();
                    hasLast = true;
                    break;
            }
        }

        if (!hasLast) range.LastPort = range.FirstPort;
        return !reader.IsMalformed;
    }

    private static LabelBits ReadLabels(ReadOnlySpan<byte> bits)
    {
        Span<byte> padded = stackalloc byte[LabelBytes];
        padded.Clear();
        bits[..Math.Min(bits.Length, LabelBytes)].CopyTo(padded);
        return new(MemoryMarshal.Read<ulong>(padded), MemoryMarshal.Read<ulong>(padded[8..]));
    }
}
