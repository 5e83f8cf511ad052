using System.Text;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Messages of NFNL_SUBSYS_CTNETLINK_TIMEOUT (enum ctnl_timeout_msg_types).</summary>
public static class TimeoutMessage
{
    /// <summary>IPCTNL_MSG_TIMEOUT_NEW: create or replace; also entries of dumps and replies.</summary>
    public const byte New = 0;

    /// <summary>IPCTNL_MSG_TIMEOUT_GET: read one, or dump.</summary>
    public const byte Get = 1;

    /// <summary>IPCTNL_MSG_TIMEOUT_DELETE: delete one, or all that are not in use.</summary>
    public const byte Delete = 2;

    /// <summary>IPCTNL_MSG_TIMEOUT_DEFAULT_SET: set a protocol's defaults; also the reply that tells them.</summary>
    public const byte DefaultSet = 3;

    /// <summary>IPCTNL_MSG_TIMEOUT_DEFAULT_GET: read a protocol's defaults.</summary>
    public const byte DefaultGet = 4;
}

/// <summary>Timeout policies between netlink messages and <see cref="TimeoutPolicy"/>.</summary>
public static class TimeoutPolicyCodec
{
    private const int Name = 1;     // CTA_TIMEOUT_NAME
    private const int Family = 2;   // CTA_TIMEOUT_L3PROTO
    private const int Protocol = 3; // CTA_TIMEOUT_L4PROTO
    private const int Data = 4;     // CTA_TIMEOUT_DATA
    private const int Use = 5;      // CTA_TIMEOUT_USE

    /// <summary>Reads a policy, or the defaults of a protocol.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <returns>Null for another message and for damage.</returns>
    public static TimeoutPolicy? Read(ReadOnlySpan<byte> message)
    {
        if (!NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> body)) return null;
        if (header.Subsystem != NetfilterSubsystem.Timeout) return null;

        string name = "";
        uint family = 0;
        byte protocol = 0;
        uint uses = 0;
        ReadOnlySpan<byte> data = default;
        var reader = new AttributeReader(body);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case Name: name = Encoding.UTF8.GetString(reader.ReadString()); break;
                case Family: family = reader.ReadUInt16(); break;
                case Protocol: protocol = reader.ReadByte(); break;
                case Data: data = reader.Value; break;
                case Use: uses = reader.ReadUInt32(); break;
            }
        }

        var policy = new TimeoutPolicy { Name = name, Family = (byte)family, Protocol = protocol, Uses = uses };
        var states = new AttributeReader(data);
        while (states.MoveNext()) policy.Set(states.Type, states.ReadUInt32());
        return reader.IsMalformed || states.IsMalformed ? null : policy;
    }

    /// <summary>Writes a request to create a policy (IPCTNL_MSG_TIMEOUT_NEW).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="policy">The policy; states not given take the defaults of the namespace.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="replace">
    /// Whether a policy of that name is rewritten (NLM_F_REPLACE), else an error (EEXIST).
    /// </param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteCreate(
        NetlinkWriter writer,
        TimeoutPolicy policy,
        uint sequence,
        bool replace = false,
        MessageFlags flags = MessageFlags.None)
    {
        ArgumentNullException.ThrowIfNull(policy);
        flags |= MessageFlags.Create | (replace ? MessageFlags.Replace : MessageFlags.Exclusive);
        Begin(writer, TimeoutMessage.New, flags, sequence);
        writer.PutString(Name, policy.Name);
        WriteBody(writer, policy);
        writer.End();
    }

    /// <summary>Writes a request to read a policy by its name, or all (IPCTNL_MSG_TIMEOUT_GET).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="name">Null for all: a dump.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteGet(
        NetlinkWriter writer, string? name, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, TimeoutMessage.Get, name is null ? flags | MessageFlags.Dump : flags, sequence);
        if (name is not null) writer.PutString(Name, name);
        writer.End();
    }

    /// <summary>Writes a request to delete a policy, or all that are not in use (IPCTNL_MSG_TIMEOUT_DELETE).</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="name">Null for all.</param>
    /// <param name="sequence">Comes back in the answer.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteDelete(
        NetlinkWriter writer, string? name, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, TimeoutMessage.Delete, flags, sequence);
        if (name is not null) writer.PutString(Name, name);
        writer.End();
    }

    /// <summary>Writes a request to set the defaults of a protocol (IPCTNL_MSG_TIMEOUT_DEFAULT_SET).</summary>
    public static void WriteDefaultSet(
        NetlinkWriter writer, TimeoutPolicy policy, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Begin(writer, TimeoutMessage.DefaultSet, flags, sequence);
        WriteBody(writer, policy);
        writer.End();
    }

    /// <summary>Writes a request to read the defaults of a protocol (IPCTNL_MSG_TIMEOUT_DEFAULT_GET).</summary>
    public static void WriteDefaultGet(
        NetlinkWriter writer, byte family, byte protocol, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, TimeoutMessage.DefaultGet, flags, sequence);
        writer.PutUInt16(Family, family);
        writer.PutByte(Protocol, protocol);
        writer.End();
    }

    private static void Begin(NetlinkWriter writer, byte message, MessageFlags flags, uint sequence) =>
        writer.Begin(
            NetfilterSubsystem.Timeout, message, flags | MessageFlags.Request, sequence, AddressFamily.Unspecified);

    private static void WriteBody(NetlinkWriter writer, TimeoutPolicy policy)
    {
        writer.PutUInt16(Family, policy.Family);
        writer.PutByte(Protocol, policy.Protocol);
        using (writer.Nest(Data))
        {
            foreach ((int state, uint seconds) in policy.Seconds) writer.PutUInt32(state, seconds);
        }
    }
}
