using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Expectations between netlink messages and memory. Nothing here allocates.</summary>
public static class ExpectationCodec
{
    private const ExpectationFields CreateFields =
        ExpectationFields.Master | ExpectationFields.Tuple | ExpectationFields.Mask | ExpectationFields.Timeout
        | ExpectationFields.Helper | ExpectationFields.Zone | ExpectationFields.Flags | ExpectationFields.Class
        | ExpectationFields.NatDirection | ExpectationFields.NatTuple | ExpectationFields.Function;

    private const ExpectationFields KeyFields =
        ExpectationFields.Tuple | ExpectationFields.Zone | ExpectationFields.Id;

    /// <summary>Reads an expectation of a message: event, entry of a dump, reply to a get.</summary>
    /// <param name="message">The message with its nlmsghdr; bytes beyond the length it tells are ignored.</param>
    /// <param name="expectation">Overwritten; on failure nothing in it is known.</param>
    /// <returns>False for damage. Attributes this library does not know are skipped.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, ref PackedExpectation expectation)
    {
        expectation.Clear();
        return NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> attributes)
            && TryReadAttributes(attributes, header.Family, ref expectation);
    }

    /// <summary>Reads an expectation of bare attributes, as in NFQA_EXP.</summary>
    /// <param name="attributes">The attributes CTA_EXPECT_*.</param>
    /// <param name="family">2 or 10; 0 lets the addresses decide.</param>
    /// <param name="expectation">Overwritten; on failure nothing in it is known.</param>
    /// <returns>False for damage.</returns>
    public static bool TryReadAttributes(
        ReadOnlySpan<byte> attributes, byte family, ref PackedExpectation expectation)
    {
        expectation.Clear();
        var reader = new AttributeReader(attributes);
        while (reader.MoveNext())
        {
            if (!TryReadAttribute(ref reader, family, ref expectation)) reader.Fail();
        }

        if (!reader.IsMalformed) return true;

        expectation.Clear();
        return false;
    }

    /// <summary>Writes a request to create an expectation (IPCTNL_MSG_EXP_NEW with NLM_F_CREATE).</summary>
    /// <remarks>
    /// The kernel needs tuple, mask and master. The master must exist and have a helper. The timeout counts for
    /// user-space helpers only. An expectation that exists cannot be changed.
    /// </remarks>
    public static void WriteCreate(
        NetlinkWriter writer,
        in PackedExpectation expectation,
        uint sequence,
        bool exclusive = true,
        MessageFlags flags = MessageFlags.None)
    {
        flags |= MessageFlags.Create | (exclusive ? MessageFlags.Exclusive : MessageFlags.None);
        Begin(writer, ExpectationMessageType.New, flags, sequence, in expectation);
        WriteAttributes(writer, in expectation, CreateFields);
        writer.End();
    }

    /// <summary>Writes a request to delete one expectation, found by tuple and zone (IPCTNL_MSG_EXP_DELETE).</summary>
    public static void WriteDelete(
        NetlinkWriter writer,
        in PackedExpectation expectation,
        uint sequence,
        MessageFlags flags = MessageFlags.None)
    {
        // Without a tuple the kernel would take the request for a flush.
        if (!expectation.Has(ExpectationFields.Tuple))
            throw new ArgumentException("An expectation to delete needs a tuple.", nameof(expectation));

        Begin(writer, ExpectationMessageType.Delete, flags, sequence, in expectation);
        WriteAttributes(writer, in expectation, KeyFields);
        writer.End();
    }

    /// <summary>Writes a request to read one expectation, found by tuple and zone (IPCTNL_MSG_EXP_GET).</summary>
    public static void WriteGet(
        NetlinkWriter writer,
        in PackedExpectation expectation,
        uint sequence,
        MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, ExpectationMessageType.Get, flags, sequence, in expectation);
        WriteAttributes(writer, in expectation, KeyFields);
        writer.End();
    }

    /// <summary>Writes a request to dump all expectations (IPCTNL_MSG_EXP_GET with NLM_F_DUMP).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    public static void WriteDump(NetlinkWriter writer, uint sequence, byte family = AddressFamily.Unspecified)
    {
        const MessageFlags Flags = MessageFlags.Request | MessageFlags.Dump;
        writer.Begin(NetfilterSubsystem.Expectation, ExpectationMessageType.Get, Flags, sequence, family);
        writer.End();
    }

    /// <summary>Writes a request to delete all expectations (IPCTNL_MSG_EXP_DELETE without tuple).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="helper">Only those of this helper; empty for all.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteFlush(
        NetlinkWriter writer,
        uint sequence,
        ReadOnlySpan<char> helper = default,
        MessageFlags flags = MessageFlags.None)
    {
        flags |= MessageFlags.Request;
        writer.Begin(
            NetfilterSubsystem.Expectation, ExpectationMessageType.Delete, flags, sequence, AddressFamily.Unspecified);
        if (!helper.IsEmpty) writer.PutString(ExpectationAttributeType.HelperName, helper);
        writer.End();
    }

    /// <summary>
    /// Writes the attributes of those fields that are known and wanted, into an open message or nest.
    /// </summary>
    /// <param name="writer">Where they go.</param>
    /// <param name="expectation">The expectation.</param>
    /// <param name="wanted">Which fields to write at most.</param>
    public static void WriteAttributes(
        NetlinkWriter writer, in PackedExpectation expectation, ExpectationFields wanted)
    {
        ExpectationFields fields = expectation.Fields & wanted;
        if (Has(fields, ExpectationFields.Tuple))
            TupleCodec.Write(writer, ExpectationAttributeType.Tuple, in expectation.Tuple);
        if (Has(fields, ExpectationFields.Mask))
            TupleCodec.Write(writer, ExpectationAttributeType.Mask, in expectation.Mask);
        if (Has(fields, ExpectationFields.Master))
            TupleCodec.Write(writer, ExpectationAttributeType.Master, in expectation.Master);
        if (Has(fields, ExpectationFields.NatDirection | ExpectationFields.NatTuple))
        {
            using (writer.Nest(ExpectationAttributeType.Nat))
            {
                if (Has(fields, ExpectationFields.NatDirection))
                    writer.PutUInt32(ExpectationAttributeType.NatDirection, expectation.NatDirection);
                if (Has(fields, ExpectationFields.NatTuple))
                    TupleCodec.Write(writer, ExpectationAttributeType.NatTuple, in expectation.NatTuple);
            }
        }

        if (Has(fields, ExpectationFields.Timeout))
            writer.PutUInt32(ExpectationAttributeType.Timeout, expectation.Timeout);
        if (Has(fields, ExpectationFields.Id)) writer.PutUInt32(ExpectationAttributeType.Id, expectation.Id);
        if (Has(fields, ExpectationFields.Flags))
            writer.PutUInt32(ExpectationAttributeType.Flags, (uint)expectation.Flags);
        if (Has(fields, ExpectationFields.Class)) writer.PutUInt32(ExpectationAttributeType.Class, expectation.Class);
        if (Has(fields, ExpectationFields.Zone)) writer.PutUInt16(ExpectationAttributeType.Zone, expectation.Zone);
        if (Has(fields, ExpectationFields.Helper))
            writer.PutString(ExpectationAttributeType.HelperName, NameText.Of(expectation.Helper));
        if (Has(fields, ExpectationFields.Function))
            writer.PutString(ExpectationAttributeType.Function, NameText.Of(expectation.Function));
    }

    /// <summary>The family of an expectation's messages: that of its tuple, else of its master.</summary>
    public static byte FamilyOf(in PackedExpectation expectation) =>
        expectation.Has(ExpectationFields.Tuple) ? expectation.Tuple.Family
        : expectation.Has(ExpectationFields.Master) ? expectation.Master.Family
        : AddressFamily.Unspecified;

    private static bool Has(ExpectationFields fields, ExpectationFields any) =>
        (fields & any) != ExpectationFields.None;

    private static void Begin(
        NetlinkWriter writer, byte message, MessageFlags flags, uint sequence, in PackedExpectation expectation) =>
        writer.Begin(
            NetfilterSubsystem.Expectation, message, flags | MessageFlags.Request, sequence, FamilyOf(in expectation));

    private static bool TryReadAttribute(ref AttributeReader reader, byte family, ref PackedExpectation expectation)
    {
        switch (reader.Type)
        {
            case ExpectationAttributeType.Master:
                expectation.Fields |= ExpectationFields.Master;
                return TupleCodec.TryRead(reader.Value, AddressFamily.Unspecified, ref expectation.Master);
            case ExpectationAttributeType.Tuple:
                expectation.Fields |= ExpectationFields.Tuple;
                return TupleCodec.TryRead(reader.Value, family, ref expectation.Tuple);
            case ExpectationAttributeType.Mask:
                expectation.Fields |= ExpectationFields.Mask;
                return TupleCodec.TryRead(reader.Value, family, ref expectation.Mask);
            case ExpectationAttributeType.Timeout:
                expectation.Fields |= ExpectationFields.Timeout;
                expectation.Timeout = reader.ReadUInt32();
                return true;
            case ExpectationAttributeType.Id:
                expectation.Fields |= ExpectationFields.Id;
                expectation.Id = reader.ReadUInt32();
                return true;
            case ExpectationAttributeType.Zone:
                expectation.Fields |= ExpectationFields.Zone;
                expectation.Zone = reader.ReadUInt16();
                return true;
            case ExpectationAttributeType.Flags:
                expectation.Fields |= ExpectationFields.Flags;
                expectation.Flags = (ExpectationFlags)reader.ReadUInt32();
                return true;
            case ExpectationAttributeType.Class:
                expectation.Fields |= ExpectationFields.Class;
                expectation.Class = reader.ReadUInt32();
                return true;
            case ExpectationAttributeType.Nat:
                return TryReadNat(reader.Value, family, ref expectation);
            case ExpectationAttributeType.HelperName:
                expectation.Fields |= ExpectationFields.Helper;
                return NameText.TryCopy(reader.ReadString(), expectation.Helper);
            case ExpectationAttributeType.Function:
                // A longer name than is modelled is unknown, not damage.
                if (NameText.TryCopy(reader.ReadString(), expectation.Function))
                    expectation.Fields |= ExpectationFields.Function;
                return true;
            default:
                return true;
        }
    }

    private static bool TryReadNat(ReadOnlySpan<byte> nest, byte family, ref PackedExpectation expectation)
    {
        var reader = new AttributeReader(nest);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case ExpectationAttributeType.NatDirection:
                    expectation.NatDirection = reader.ReadUInt32();
                    expectation.Fields |= ExpectationFields.NatDirection;
                    break;
                case ExpectationAttributeType.NatTuple:
                    if (!TupleCodec.TryRead(reader.Value, family, ref expectation.NatTuple)) return false;
                    expectation.Fields |= ExpectationFields.NatTuple;
                    break;
            }
        }

        return !reader.IsMalformed;
    }
}
