using System.Text;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Messages of NFNL_SUBSYS_CTHELPER (enum nfnl_cthelper_msg_types).</summary>
public static class HelperMessage
{
    /// <summary>NFNL_MSG_CTHELPER_NEW: create or update; also entries of dumps and replies.</summary>
    public const byte New = 0;

    /// <summary>NFNL_MSG_CTHELPER_GET: read one, or dump.</summary>
    public const byte Get = 1;

    /// <summary>NFNL_MSG_CTHELPER_DEL: delete one, or all.</summary>
    public const byte Delete = 2;
}

/// <summary>User-space helpers between netlink messages and <see cref="HelperDefinition"/>.</summary>
public static class HelperCodec
{
    private const int Name = 1;          // NFCTH_NAME
    private const int Tuple = 2;         // NFCTH_TUPLE
    private const int Queue = 3;         // NFCTH_QUEUE_NUM
    private const int Policy = 4;        // NFCTH_POLICY
    private const int PrivateData = 5;   // NFCTH_PRIV_DATA_LEN
    private const int Status = 6;        // NFCTH_STATUS

    private const int TupleFamily = 1;   // NFCTH_TUPLE_L3PROTONUM
    private const int TupleProtocol = 2; // NFCTH_TUPLE_L4PROTONUM
    private const int PolicyCount = 1;   // NFCTH_POLICY_SET_NUM
    private const int PolicyFirst = 2;   // NFCTH_POLICY_SET1
    private const int PolicyName = 1;    // NFCTH_POLICY_NAME
    private const int PolicyLimit = 2;   // NFCTH_POLICY_EXPECT_MAX
    private const int PolicySeconds = 3; // NFCTH_POLICY_EXPECT_TIMEOUT

    /// <summary>Reads a helper.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <returns>Null for another message and for damage.</returns>
    public static HelperDefinition? Read(ReadOnlySpan<byte> message)
    {
        if (!NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> body)) return null;
        if (header.Subsystem != NetfilterSubsystem.Helper) return null;

        var helper = new HelperDefinition();
        var reader = new AttributeReader(body);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case Name: helper = helper with { Name = Encoding.UTF8.GetString(reader.ReadString()) }; break;
                case Queue: helper = helper with { Queue = reader.ReadUInt32() }; break;
                case PrivateData: helper = helper with { PrivateDataLength = reader.ReadUInt32() }; break;
                case Status: helper = helper with { IsEnabled = reader.ReadUInt32() != 0 }; break;
                case Tuple:
                    AttributeReader tuple = reader.Nested();
                    helper = ReadTuple(ref tuple, helper);
                    reader.Include(in tuple);
                    break;
                case Policy:
                    AttributeReader policies = reader.Nested();
                    helper = helper with { Policies = ReadPolicies(ref policies) };
                    reader.Include(in policies);
                    break;
            }
        }

        return reader.IsMalformed ? null : helper;
    }

    /// <summary>Writes a request to create a helper, or to change its queue, status and policies (NEW).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="helper">Complete for a creation.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="exclusive">Whether an existing helper is an error (EEXIST), else it is changed.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteCreate(
        NetlinkWriter writer,
        HelperDefinition helper,
        uint sequence,
        bool exclusive = true,
        MessageFlags flags = MessageFlags.None)
    {
        ArgumentNullException.ThrowIfNull(helper);
        flags |= MessageFlags.Create | (exclusive ? MessageFlags.Exclusive : MessageFlags.None);
        Begin(writer, HelperMessage.New, flags, sequence);
        writer.PutString(Name, helper.Name);
        WriteTuple(writer, helper.Family, helper.Protocol);
        writer.PutUInt32(Queue, helper.Queue);
        if (helper.Policies.Count > 0) WritePolicies(writer, helper.Policies);
        writer.PutUInt32(PrivateData, helper.PrivateDataLength);
        if (helper.IsEnabled is { } isEnabled) writer.PutUInt32(Status, isEnabled ? 1u : 0u);
        writer.End();
    }

    /// <summary>Writes a request to send no more packets to a helper's queue (NEW with a status alone).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="name">Its name.</param>
    /// <param name="family">2 or 10.</param>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteDisable(
        NetlinkWriter writer,
        string name,
        byte family,
        byte protocol,
        uint sequence,
        MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, HelperMessage.New, flags | MessageFlags.Create, sequence);
        writer.PutString(Name, name);
        WriteTuple(writer, family, protocol);
        writer.PutUInt32(Status, 0);
        writer.End();
    }

    /// <summary>Writes a request to read one helper, or all (NFNL_MSG_CTHELPER_GET).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="name">Null for all: a dump.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="family">2 or 10 for one of several of that name; 0 for the first.</param>
    /// <param name="protocol">IP protocol number; counts only with a family.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteGet(
        NetlinkWriter writer,
        string? name,
        uint sequence,
        byte family = AddressFamily.Unspecified,
        byte protocol = 0,
        MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, HelperMessage.Get, name is null ? flags | MessageFlags.Dump : flags, sequence);
        if (name is not null) writer.PutString(Name, name);
        if (family != AddressFamily.Unspecified) WriteTuple(writer, family, protocol);
        writer.End();
    }

    /// <summary>Writes a request to delete a helper (NFNL_MSG_CTHELPER_DEL).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="name">Null for all.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="family">2 or 10 for one of several of that name; 0 for all of them.</param>
    /// <param name="protocol">IP protocol number; counts only with a family.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteDelete(
        NetlinkWriter writer,
        string? name,
        uint sequence,
        byte family = AddressFamily.Unspecified,
        byte protocol = 0,
        MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, HelperMessage.Delete, flags, sequence);
        if (name is not null) writer.PutString(Name, name);
        if (family != AddressFamily.Unspecified) WriteTuple(writer, family, protocol);
        writer.End();
    }

    private static void Begin(NetlinkWriter writer, byte message, MessageFlags flags, uint sequence) =>
        writer.Begin(
            NetfilterSubsystem.Helper, message, flags | MessageFlags.Request, sequence, AddressFamily.Unspecified);

    private static void WriteTuple(NetlinkWriter writer, byte family, byte protocol)
    {
        using (writer.Nest(Tuple))
        {
            writer.PutUInt16(TupleFamily, family);
            writer.PutByte(TupleProtocol, protocol);
        }
    }

    private static void WritePolicies(NetlinkWriter writer, IReadOnlyList<HelperPolicy> policies)
    {
        using (writer.Nest(Policy))
        {
            writer.PutUInt32(PolicyCount, (uint)policies.Count);
            for (int i = 0; i < policies.Count; i++)
            {
                using (writer.Nest(PolicyFirst + i))
                {
                    writer.PutString(PolicyName, policies[i].Name);
                    writer.PutUInt32(PolicyLimit, policies[i].Limit);
                    writer.PutUInt32(PolicySeconds, policies[i].Seconds);
                }
            }
        }
    }

    private static HelperDefinition ReadTuple(ref AttributeReader reader, HelperDefinition helper)
    {
        while (reader.MoveNext())
        {
            if (reader.Type == TupleFamily) helper = helper with { Family = (byte)reader.ReadUInt16() };
            else if (reader.Type == TupleProtocol) helper = helper with { Protocol = reader.ReadByte() };
        }

        return helper;
    }

    private static List<HelperPolicy> ReadPolicies(ref AttributeReader reader)
    {
        List<HelperPolicy> policies = [];
        while (reader.MoveNext())
        {
            if (reader.Type is < PolicyFirst or >= PolicyFirst + HelperDefinition.PolicyLimit) continue;

            AttributeReader one = reader.Nested();
            HelperPolicy policy = new("", 0, 0);
            while (one.MoveNext())
            {
                switch (one.Type)
                {
                    case PolicyName: policy = policy with { Name = Encoding.UTF8.GetString(one.ReadString()) }; break;
                    case PolicyLimit: policy = policy with { Limit = one.ReadUInt32() }; break;
                    case PolicySeconds: policy = policy with { Seconds = one.ReadUInt32() }; break;
                }
            }

            reader.Include(in one);
            policies.Add(policy);
        }

        return policies;
    }
}
