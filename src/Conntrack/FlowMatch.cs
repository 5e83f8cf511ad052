using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Conditions on flows, told by a flow: whatever it knows must be equal.</summary>
/// <remarks>
/// <para>Known parts of both tuples, mark (under its mask, else all bits), status (under its mask, else its own bits:
/// all of them set) and zone are conditions; everything else in the pattern is ignored.</para>
/// <para>The kernel can apply most of them in a dump (CTA_MARK, CTA_STATUS, CTA_ZONE, CTA_FILTER), which only saves
/// work: old kernels ignore what they do not know. So whoever dumps compares again here.</para>
/// </remarks>
public static class FlowMatch
{
    // Bits of CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS: the attribute is in host order.
    private const uint SourceFlag = 0x001;
    private const uint DestinationFlag = 0x002;
    private const uint ProtocolFlag = 0x008;
    private const uint SourcePortFlag = 0x010;
    private const uint DestinationPortFlag = 0x020;
    private const uint IcmpTypeCodeFlags = 0x040 | 0x080;
    private const uint IcmpIdFlag = 0x100;
    private const uint IcmpV6TypeCodeFlags = 0x200 | 0x400;
    private const uint IcmpV6IdFlag = 0x800;

    /// <summary>Whether a flow fulfils every condition.</summary>
    /// <param name="pattern">The conditions.</param>
    /// <param name="flow">The flow; a mark or zone that is absent counts as 0.</param>
    public static bool Matches(in PackedFlow pattern, in PackedFlow flow)
    {
        if (pattern.Has(FlowFields.Original) && !MatchesTuple(in pattern.Original, in flow.Original)) return false;
        if (pattern.Has(FlowFields.Reply) && !MatchesTuple(in pattern.Reply, in flow.Reply)) return false;
        if (pattern.Has(FlowFields.Mark))
        {
            uint mask = pattern.Has(FlowFields.MarkMask) ? pattern.MarkMask : uint.MaxValue;
            uint mark = flow.Has(FlowFields.Mark) ? flow.Mark : 0;
            if ((mark & mask) != pattern.Mark) return false;
        }

        if (pattern.Has(FlowFields.Status))
        {
            FlowStatus mask = pattern.Has(FlowFields.StatusMask) ? pattern.StatusMask : pattern.Status;
            if ((flow.Status & mask) != pattern.Status) return false;
        }

        return !pattern.Has(FlowFields.Zone) || IsInZone(in flow, pattern.Zone);
    }

    private static bool MatchesTuple(in FlowTuple pattern, in FlowTuple tuple)
    {
        TupleParts parts = pattern.Parts;
        if (!tuple.Has(parts)) return false;
        if ((parts & TupleParts.Addresses) != TupleParts.None && pattern.Family != tuple.Family) return false;
        return (!pattern.Has(TupleParts.Source) || pattern.Source == tuple.Source)
            && (!pattern.Has(TupleParts.Destination) || pattern.Destination == tuple.Destination)
            && (!pattern.Has(TupleParts.Protocol) || pattern.Protocol == tuple.Protocol)
            && (!pattern.Has(TupleParts.SourcePort) || pattern.SourcePort == tuple.SourcePort)
            && (!pattern.Has(TupleParts.DestinationPort) || pattern.DestinationPort == tuple.DestinationPort)
            && (!pattern.Has(TupleParts.IcmpId) || pattern.IcmpId == tuple.IcmpId)
            && (!pattern.Has(TupleParts.IcmpTypeCode)
                || (pattern.IcmpType == tuple.IcmpType && pattern.IcmpCode == tuple.IcmpCode))
            && (!pattern.Has(TupleParts.Zone) || pattern.Zone == tuple.Zone);
    }

    /// <summary>The family that the addresses of a pattern demand; 0 if it has none.</summary>
    internal static byte FamilyOf(in PackedFlow pattern)
    {
        bool original = pattern.Has(FlowFields.Original)
            && (pattern.Original.Parts & TupleParts.Addresses) != TupleParts.None;
        if (original) return pattern.Original.Family;

        bool reply = pattern.Has(FlowFields.Reply) && (pattern.Reply.Parts & TupleParts.Addresses) != TupleParts.None;
        return reply ? pattern.Reply.Family : AddressFamily.Unspecified;
    }

    /// <summary>Writes the conditions a kernel can apply.</summary>
    /// <returns>Whether these were all of them.</returns>
    internal static bool Write(NetlinkWriter writer, in PackedFlow pattern, byte family)
    {
        if (pattern.Has(FlowFields.Mark))
        {
            writer.PutUInt32(FlowAttributeType.Mark, pattern.Mark);
            uint mask = pattern.Has(FlowFields.MarkMask) ? pattern.MarkMask : uint.MaxValue;
            writer.PutUInt32(FlowAttributeType.MarkMask, mask);
        }

        FlowStatus statusMask = pattern.Has(FlowFields.StatusMask) ? pattern.StatusMask : pattern.Status;
        if (pattern.Has(FlowFields.Status) && (pattern.Status | statusMask) != FlowStatus.None)
        {
            writer.PutUInt32(FlowAttributeType.Status, (uint)pattern.Status);
            writer.PutUInt32(FlowAttributeType.StatusMask, (uint)statusMask);
        }

        if (pattern.Has(FlowFields.Zone)) writer.PutUInt16(FlowAttributeType.Zone, pattern.Zone);
        return WriteTuples(writer, in pattern, family);
    }

    private static bool WriteTuples(NetlinkWriter writer, in PackedFlow pattern, byte family)
    {
        FlowTuple original = pattern.Original;
        FlowTuple reply = pattern.Reply;
        if (!pattern.Has(FlowFields.Original)) original.Parts = TupleParts.None;
        if (!pattern.Has(FlowFields.Reply)) reply.Parts = TupleParts.None;
        TupleParts wanted = original.Parts | reply.Parts;
        if (wanted == TupleParts.None) return true;

        // The kernel takes CTA_FILTER for one family only.
        if (family == AddressFamily.Unspecified) return false;

        uint originalFlags = Reduce(ref original);
        uint replyFlags = Reduce(ref reply);
        bool isComplete = (original.Parts | reply.Parts) == wanted
            && (!pattern.Has(FlowFields.Original) || original.Parts == pattern.Original.Parts)
            && (!pattern.Has(FlowFields.Reply) || reply.Parts == pattern.Reply.Parts);
        if ((originalFlags | replyFlags) == 0) return isComplete;

        if (originalFlags != 0) TupleCodec.Write(writer, FlowAttributeType.TupleOriginal, in original);
        if (replyFlags != 0) TupleCodec.Write(writer, FlowAttributeType.TupleReply, in reply);
        using (writer.Nest(FlowAttributeType.Filter))
        {
            if (originalFlags != 0) writer.PutHostUInt32(DetailAttributeType.FilterOriginal, originalFlags);
            if (replyFlags != 0) writer.PutHostUInt32(DetailAttributeType.FilterReply, replyFlags);
        }

        return isComplete;
    }

    // Leaves the parts the kernel compares rightly, and returns their flags.
    private static uint Reduce(ref FlowTuple tuple)
    {
        TupleParts parts = TupleParts.None;
        uint flags = 0;

        // Linux compares IPv6 addresses the wrong way round: entries that differ come back.
        if (tuple.Family == AddressFamily.IPv4)
        {
            Take(in tuple, TupleParts.Source, SourceFlag, ref parts, ref flags);
            Take(in tuple, TupleParts.Destination, DestinationFlag, ref parts, ref flags);
        }

        Take(in tuple, TupleParts.Protocol, ProtocolFlag, ref parts, ref flags);
        switch (tuple.Has(TupleParts.Protocol) ? tuple.Protocol : 0)
        {
            case IpProtocol.Tcp or IpProtocol.Udp: // ports of other protocols are not compared
                Take(in tuple, TupleParts.SourcePort, SourcePortFlag, ref parts, ref flags);
                Take(in tuple, TupleParts.DestinationPort, DestinationPortFlag, ref parts, ref flags);
                break;
            case IpProtocol.Icmp:
                Take(in tuple, TupleParts.IcmpTypeCode, IcmpTypeCodeFlags, ref parts, ref flags);
                Take(in tuple, TupleParts.IcmpId, IcmpIdFlag, ref parts, ref flags);
                break;
            case IpProtocol.IcmpV6:
                Take(in tuple, TupleParts.IcmpTypeCode, IcmpV6TypeCodeFlags, ref parts, ref flags);
                Take(in tuple, TupleParts.IcmpId, IcmpV6IdFlag, ref parts, ref flags);
                break;
        }

        tuple.Parts = parts;
        return flags;
    }

    private static void Take(in FlowTuple tuple, TupleParts part, uint flag, ref TupleParts parts, ref uint flags)
    {
        if (!tuple.Has(part)) return;

        parts |= part;
        flags |= flag;
    }

    private static bool IsInZone(in PackedFlow flow, ushort zone)
    {
        if (flow.Has(FlowFields.Zone)) return flow.Zone == zone;

        bool original = flow.Original.Has(TupleParts.Zone);
        bool reply = flow.Reply.Has(TupleParts.Zone);
        if (!original && !reply) return zone == 0;
        return (original && flow.Original.Zone == zone) || (reply && flow.Reply.Zone == zone);
    }
}
