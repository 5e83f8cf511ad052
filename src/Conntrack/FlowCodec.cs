using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Flows between netlink messages and memory. Nothing here allocates.</summary>
/// <remarks>
/// Reading marks a field as known only if its attribute is there. Writing writes what is known and the kind of request
/// takes; each request is one message, begun and ended, and asks for no acknowledgement unless the flags say so.
/// </remarks>
public static partial class FlowCodec
{
    // What the kernel would refuse or ignore in a create request.
    private const FlowFields CreateFields =
        FlowFields.Original | FlowFields.Reply | FlowFields.Master | FlowFields.Status | FlowFields.Timeout
        | FlowFields.Mark | FlowFields.Zone | StateFields | FlowFields.Helper | FlowFields.HelperInfo
        | FlowFields.Labels | FlowFields.LabelsMask | FlowFields.SequenceOriginal | FlowFields.SequenceReply
        | FlowFields.SynProxy | NatFields;

    private const FlowFields UpdateFields = (CreateFields & ~(FlowFields.Master | NatFields)) | FlowFields.MarkMask;

    // A new entry must be confirmed; the rest of these bits the kernel sets itself.
    private const FlowStatus StatusKernelSets = FlowStatus.Expected | FlowStatus.Dying;

    /// <summary>Reads a flow of a message: event, entry of a dump, reply to a get.</summary>
    /// <param name="message">The message with its nlmsghdr; bytes beyond the length it tells are ignored.</param>
    /// <param name="flow">Overwritten; on failure nothing in it is known.</param>
    /// <returns>False for damage. Attributes this library does not know are skipped.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, ref PackedFlow flow)
    {
        flow.Clear();
        return NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> attributes)
            && TryReadAttributes(attributes, header.Family, ref flow);
    }

    /// <summary>Reads a flow of bare attributes, as in NFQA_CT.</summary>
    /// <param name="attributes">The attributes CTA_*.</param>
    /// <param name="family">2 or 10; 0 lets the addresses decide.</param>
    /// <param name="flow">Overwritten; on failure nothing in it is known.</param>
    /// <returns>False for damage.</returns>
    public static bool TryReadAttributes(ReadOnlySpan<byte> attributes, byte family, ref PackedFlow flow)
    {
        flow.Clear();
        if (TryReadInto(attributes, family, ref flow)) return true;

        flow.Clear();
        return false;
    }

    /// <summary>Writes a request to create a flow (IPCTNL_MSG_CT_NEW with NLM_F_CREATE).</summary>
    /// <remarks>
    /// The kernel needs both tuples and a timeout, for SCTP its state and both tags. It keeps the status bits it does
    /// not let others set; <see cref="FlowStatus.Confirmed"/> is added, <see cref="FlowStatus.Expected"/> left to the
    /// master. NAT ranges are written when their fields are known; counters, times, id and security context are not.
    /// </remarks>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="exclusive">Whether an existing flow is an error (EEXIST); else it is updated.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteCreate(
        NetlinkWriter writer,
        in PackedFlow flow,
        uint sequence,
        bool exclusive = true,
        MessageFlags flags = MessageFlags.None)
    {
        flags |= MessageFlags.Request | MessageFlags.Create | (exclusive ? MessageFlags.Exclusive : MessageFlags.None);
        Begin(writer, ConntrackMessage.New, flags, sequence, in flow);
        FlowStatus status = (flow.Status | FlowStatus.Confirmed) & ~StatusKernelSets;
        WriteAttributes(writer, in flow, CreateFields & ~FlowFields.Status);
        if (flow.Has(FlowFields.Status)) writer.PutUInt32(FlowAttributeType.Status, (uint)status);
        writer.End();
    }

    /// <summary>Writes a request to change a flow (IPCTNL_MSG_CT_NEW without NLM_F_CREATE).</summary>
    /// <remarks>
    /// Found by the original tuple, else the reply tuple, and the zone. Changes what is known of status, timeout, mark
    /// (with mask), protocol state, helper, labels (with mask; keep the labels a subset of it), sequence adjustment,
    /// SYNPROXY. Status bits can only be added.
    /// </remarks>
    public static void WriteUpdate(
        NetlinkWriter writer, in PackedFlow flow, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, ConntrackMessage.New, flags | MessageFlags.Request, sequence, in flow);
        WriteAttributes(writer, in flow, UpdateFields);
        writer.End();
    }

    /// <summary>Writes a request to delete a flow (IPCTNL_MSG_CT_DELETE).</summary>
    /// <remarks>Found by the original tuple, else the reply tuple, and the zone. A known id must match.</remarks>
    public static void WriteDelete(
        NetlinkWriter writer, in PackedFlow flow, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        // Without a tuple the kernel would take the request for a flush.
        if ((flow.Fields & (FlowFields.Original | FlowFields.Reply)) == FlowFields.None)
            throw new ArgumentException("A flow to delete needs a tuple.", nameof(flow));

        Begin(writer, ConntrackMessage.Delete, flags | MessageFlags.Request, sequence, in flow);
        WriteAttributes(writer, in flow, KeyOf(in flow) | FlowFields.Id);
        writer.End();
    }

    /// <summary>Writes a request to read one flow (IPCTNL_MSG_CT_GET).</summary>
    /// <remarks>Found by either tuple, and the zone.</remarks>
    public static void WriteGet(
        NetlinkWriter writer, in PackedFlow flow, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, ConntrackMessage.Get, flags | MessageFlags.Request, sequence, in flow);
        WriteAttributes(writer, in flow, KeyOf(in flow));
        writer.End();
    }

    /// <summary>Writes a request to dump the table (IPCTNL_MSG_CT_GET with NLM_F_DUMP).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    /// <param name="message">
    /// <see cref="ConntrackMessage.Get"/>, <see cref="ConntrackMessage.GetAndZero"/>,
    /// <see cref="ConntrackMessage.GetDying"/> or <see cref="ConntrackMessage.GetUnconfirmed"/>.
    /// </param>
    public static void WriteDump(
        NetlinkWriter writer,
        uint sequence,
        byte family = AddressFamily.Unspecified,
        byte message = ConntrackMessage.Get)
    {
        const MessageFlags Flags = MessageFlags.Request | MessageFlags.Dump;
        writer.Begin(NetfilterSubsystem.Conntrack, message, Flags, sequence, family);
        writer.End();
    }

    /// <summary>Writes a request to dump the flows that match a pattern, see <see cref="FlowMatch"/>.</summary>
    /// <remarks>The kernel may send flows that do not match: check each with <see cref="FlowMatch"/>.</remarks>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="pattern">The conditions.</param>
    /// <param name="family">2 or 10 for one family; 0 for that of the pattern's addresses, or both.</param>
    /// <param name="message"><see cref="ConntrackMessage.Get"/> or <see cref="ConntrackMessage.GetAndZero"/>.</param>
    public static void WriteDump(
        NetlinkWriter writer,
        uint sequence,
        in PackedFlow pattern,
        byte family = AddressFamily.Unspecified,
        byte message = ConntrackMessage.Get)
    {
        const MessageFlags Flags = MessageFlags.Request | MessageFlags.Dump;
        if (family == AddressFamily.Unspecified) family = FlowMatch.FamilyOf(in pattern);
        writer.Begin(NetfilterSubsystem.Conntrack, message, Flags, sequence, family);
        FlowMatch.Write(writer, in pattern, family);
        writer.End();
    }

    /// <summary>Writes a request to delete every flow (IPCTNL_MSG_CT_DELETE without tuple).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="family">2 or 10 for one family (nfgenmsg version 1), 0 for both.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteFlush(
        NetlinkWriter writer,
        uint sequence,
        byte family = AddressFamily.Unspecified,
        MessageFlags flags = MessageFlags.None)
    {
        // Only version 1 makes the kernel look at the family.
        byte version = family == AddressFamily.Unspecified ? (byte)0 : (byte)1;
        flags |= MessageFlags.Request;
        writer.Begin(NetfilterSubsystem.Conntrack, ConntrackMessage.Delete, flags, sequence, family, version);
        writer.End();
    }

    /// <summary>Writes a request to delete the flows that match a pattern, see <see cref="FlowMatch"/>.</summary>
    /// <remarks>
    /// A kernel that does not know a condition ignores it and deletes more: 5.8 brought CTA_STATUS and CTA_FILTER, 6.8
    /// CTA_ZONE. <see cref="Kernel.ConntrackClient.DeleteMatching"/> works with all.
    /// </remarks>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="pattern">The conditions.</param>
    /// <param name="family">2 or 10 for one family; 0 for that of the pattern's addresses, or both.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    /// <returns>
    /// False, and nothing is written, if no kernel can apply the conditions exactly: IPv6 addresses, ports without TCP
    /// or UDP, no condition at all.
    /// </returns>
    public static bool TryWriteFlush(
        NetlinkWriter writer,
        uint sequence,
        in PackedFlow pattern,
        byte family = AddressFamily.Unspecified,
        MessageFlags flags = MessageFlags.None)
    {
        if (family == AddressFamily.Unspecified) family = FlowMatch.FamilyOf(in pattern);
        byte version = family == AddressFamily.Unspecified ? (byte)0 : (byte)1;
        flags |= MessageFlags.Request;
        int start = writer.Length;
        writer.Begin(NetfilterSubsystem.Conntrack, ConntrackMessage.Delete, flags, sequence, family, version);
        bool isExact = FlowMatch.Write(writer, in pattern, family);
        if (isExact && writer.Length > start + NetfilterHeader.Size)
        {
            writer.End();
            return true;
        }

        writer.Drop();
        return false;
    }

    /// <summary>The family of a flow's messages: that of its original tuple, else of its reply tuple.</summary>
    public static byte FamilyOf(in PackedFlow flow) =>
        flow.Has(FlowFields.Original) ? flow.Original.Family
        : flow.Has(FlowFields.Reply) ? flow.Reply.Family
        : AddressFamily.Unspecified;

    // The kernel looks at the reply tuple only if there is no other.
    private static FlowFields KeyOf(in PackedFlow flow) =>
        FlowFields.Zone | (flow.Has(FlowFields.Original) ? FlowFields.Original : FlowFields.Reply);

    private static void Begin(
        NetlinkWriter writer, byte message, MessageFlags flags, uint sequence, in PackedFlow flow) =>
        writer.Begin(NetfilterSubsystem.Conntrack, message, flags, sequence, FamilyOf(in flow));
}
