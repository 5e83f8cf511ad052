using System.Buffers.Binary;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Messages of NFNL_SUBSYS_QUEUE (enum nfqnl_msg_types).</summary>
public static class PacketQueueMessage
{
    /// <summary>NFQNL_MSG_PACKET: a packet waits for a verdict.</summary>
    public const byte Packet = 0;

    /// <summary>NFQNL_MSG_VERDICT.</summary>
    public const byte Verdict = 1;

    /// <summary>NFQNL_MSG_CONFIG.</summary>
    public const byte Config = 2;
}

/// <summary>What the kernel does with packets of a queue (NFQA_CFG_F_*).</summary>
[Flags]
public enum PacketQueueFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>NFQA_CFG_F_FAIL_OPEN: packets that find the queue full pass instead of being dropped.</summary>
    FailOpen = 1,

    /// <summary>NFQA_CFG_F_CONNTRACK: packets come with their flow; needs NETFILTER_NETLINK_GLUE_CT.</summary>
    Conntrack = 2,
}

/// <summary>What happens to a packet (NF_*).</summary>
public enum PacketVerdict : uint
{
    /// <summary>NF_DROP.</summary>
    Drop = 0,

    /// <summary>NF_ACCEPT.</summary>
    Accept = 1,
}

/// <summary>How a packet stands to its flow (enum ip_conntrack_info).</summary>
public enum PacketFlowState : uint
{
    /// <summary>IP_CT_ESTABLISHED: original direction, and replies were seen.</summary>
    Established = 0,

    /// <summary>IP_CT_RELATED: original direction of an expected flow, or an error message about one.</summary>
    Related = 1,

    /// <summary>IP_CT_NEW: original direction, no reply was seen.</summary>
    New = 2,

    /// <summary>IP_CT_ESTABLISHED_REPLY.</summary>
    EstablishedReply = 3,

    /// <summary>IP_CT_RELATED_REPLY.</summary>
    RelatedReply = 4,
}

/// <summary>A packet that waits in a queue for its verdict. Valid as long as the message it was read from.</summary>
public ref struct QueuedPacket
{
    /// <summary>Number of the queue.</summary>
    public ushort Queue;

    /// <summary>The packet's number, for the verdict.</summary>
    public uint Id;

    /// <summary>2 or 10 (nfgen_family).</summary>
    public byte Family;

    /// <summary>Whether <see cref="FlowAttributes"/> and <see cref="State"/> are there.</summary>
    public bool HasFlow;

    /// <summary>NFQA_CT: attributes of the flow, for <see cref="FlowCodec.TryReadAttributes"/>.</summary>
    public ReadOnlySpan<byte> FlowAttributes;

    /// <summary>NFQA_CT_INFO.</summary>
    public PacketFlowState State;

    /// <summary>Whether the end of the payload is missing (NFQA_CAP_LEN).</summary>
    public bool IsCut;

    /// <summary>NFQA_PAYLOAD: the packet from its IP header on.</summary>
    public ReadOnlySpan<byte> Payload;
}

/// <summary>What to answer for a packet.</summary>
public ref struct PacketAnswer
{
    /// <summary>Accept or drop.</summary>
    public PacketVerdict Verdict;

    /// <summary>The changed packet; empty when it stays as it is. It needs right lengths and checksums.</summary>
    public ReadOnlySpan<byte> Payload;

    /// <summary>Whether the kernel shall move sequence numbers by the change of length; only with NAT.</summary>
    public bool AdjustsSequence;

    /// <summary>Fields of the flow to change: helper with its private data, timeout. None for nothing.</summary>
    public FlowFields Changes;
}

/// <summary>Packet queues (nfnetlink_queue) between netlink messages and memory. Nothing here allocates.</summary>
public static class PacketQueueCodec
{
    private const int PacketHeader = 1;    // NFQA_PACKET_HDR: u32 id, u16 protocol, u8 hook
    private const int VerdictHeader = 2;   // NFQA_VERDICT_HDR: u32 verdict, u32 id
    private const int Payload = 10;        // NFQA_PAYLOAD
    private const int Flow = 11;           // NFQA_CT
    private const int FlowInfo = 12;       // NFQA_CT_INFO
    private const int CutFrom = 13;        // NFQA_CAP_LEN
    private const int Expectation = 15;    // NFQA_EXP

    private const int ConfigCommand = 1;   // NFQA_CFG_CMD
    private const int ConfigParams = 2;    // NFQA_CFG_PARAMS
    private const int ConfigLength = 3;    // NFQA_CFG_QUEUE_MAXLEN
    private const int ConfigMask = 4;      // NFQA_CFG_MASK
    private const int ConfigFlags = 5;     // NFQA_CFG_FLAGS

    private const byte CommandBind = 1;    // NFQNL_CFG_CMD_BIND
    private const byte CopyPacket = 2;     // NFQNL_COPY_PACKET
    private const uint WholePacket = 0xffff;
    private const ExpectationFields ExpectationInVerdict =
        ExpectationFields.Tuple | ExpectationFields.Mask | ExpectationFields.Helper | ExpectationFields.Flags
        | ExpectationFields.Class | ExpectationFields.NatDirection | ExpectationFields.NatTuple
        | ExpectationFields.Function;

    /// <summary>Reads a packet.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <param name="packet">The result; nothing in it is known when false is returned.</param>
    /// <returns>False for other messages and for damage, or when the packet has no number.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out QueuedPacket packet)
    {
        packet = default;
        if (!NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> attributes))
            return false;
        if (header.Subsystem != NetfilterSubsystem.Queue || header.Message != PacketQueueMessage.Packet) return false;

        packet.Queue = header.Resource;
        packet.Family = header.Family;
        bool hasId = false, hasFlow = false, hasState = false;
        var reader = new AttributeReader(attributes);
        while (reader.MoveNext())
        {
            switch (reader.Type)
            {
                case PacketHeader when reader.Value.Length >= 4:
                    packet.Id = BinaryPrimitives.ReadUInt32BigEndian(reader.Value);
                    hasId = true;
                    break;
                case Payload:
                    packet.Payload = reader.Value;
                    break;
                case Flow:
                    packet.FlowAttributes = reader.Value;
                    hasFlow = true;
                    break;
                case FlowInfo:
                    packet.State = (PacketFlowState)reader.ReadUInt32();
                    hasState = true;
                    break;
                case CutFrom:
                    packet.IsCut = true;
                    break;
            }
        }

        packet.HasFlow = hasFlow && hasState;
        if (hasId && !reader.IsMalformed) return true;

        packet = default;
        return false;
    }

    /// <summary>Writes a request to receive the packets of a queue on the socket that sends it.</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="queue">Number of the queue.</param>
    /// <param name="sequence">Comes back in the answer: <see cref="Errno.Busy"/> if another has the queue.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteBind(
        NetlinkWriter writer, ushort queue, uint sequence, MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, PacketQueueMessage.Config, queue, sequence, flags);
        Span<byte> command = writer.Attribute(ConfigCommand, 4); // u8 command, u8 padding, u16 family
        command.Clear();
        command[0] = CommandBind;
        writer.End();
    }

    /// <summary>Writes a request that has a bound queue deliver whole packets.</summary>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="queue">Number of the queue.</param>
    /// <param name="length">Packets that may wait; 0 leaves the kernel's 1024.</param>
    /// <param name="queueFlags">How packets are queued; those not named are switched off.</param>
    /// <param name="sequence">
    /// Comes back in the answer: <see cref="Errno.NotSupported"/> for a flag the kernel does not have.
    /// </param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteParameters(
        NetlinkWriter writer,
        ushort queue,
        uint length,
        PacketQueueFlags queueFlags,
        uint sequence,
        MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, PacketQueueMessage.Config, queue, sequence, flags);
        Span<byte> parameters = writer.Attribute(ConfigParams, 5); // u32 copy range, u8 copy mode
        BinaryPrimitives.WriteUInt32BigEndian(parameters, WholePacket);
        parameters[4] = CopyPacket;
        writer.PutUInt32(ConfigFlags, (uint)queueFlags);
        writer.PutUInt32(ConfigMask, (uint)(PacketQueueFlags.FailOpen | PacketQueueFlags.Conntrack));
        if (length > 0) writer.PutUInt32(ConfigLength, length);
        writer.End();
    }

    /// <summary>Writes a verdict.</summary>
    /// <remarks>
    /// The kernel acknowledges a verdict whose changes or expectation it did not take: those errors are not reported.
    /// </remarks>
    /// <param name="writer">Where the message goes.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="answer">What to do with it.</param>
    /// <param name="flow">Values of <see cref="PacketAnswer.Changes"/>; looked at for nothing else.</param>
    /// <param name="expectation">An expectation of the packet's flow; with no field known there is none.</param>
    /// <param name="sequence">Comes back in an error.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Ack"/>.</param>
    public static void WriteVerdict(
        NetlinkWriter writer,
        in QueuedPacket packet,
        in PacketAnswer answer,
        in PackedFlow flow,
        in PackedExpectation expectation,
        uint sequence,
        MessageFlags flags = MessageFlags.None)
    {
        Begin(writer, PacketQueueMessage.Verdict, packet.Queue, sequence, flags);
        Span<byte> header = writer.Attribute(VerdictHeader, 8);
        BinaryPrimitives.WriteUInt32BigEndian(header, (uint)answer.Verdict);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], packet.Id);
        if (!answer.Payload.IsEmpty) writer.PutBytes(Payload, answer.Payload);

        // The kernel looks at an expectation, and adjusts sequence numbers, only if there is this nest, empty or not.
        bool hasExpectation = expectation.Fields != ExpectationFields.None;
        if (answer.Changes != FlowFields.None || hasExpectation || answer.AdjustsSequence)
        {
            using (writer.Nest(Flow)) FlowCodec.WriteAttributes(writer, in flow, answer.Changes);
        }

        if (hasExpectation)
        {
            using (writer.Nest(Expectation))
                ExpectationCodec.WriteAttributes(writer, in expectation, ExpectationInVerdict);
        }

        writer.End();
    }

    private static void Begin(
        NetlinkWriter writer, byte message, ushort queue, uint sequence, MessageFlags flags) =>
        writer.Begin(
            NetfilterSubsystem.Queue,
            message,
            flags | MessageFlags.Request,
            sequence,
            AddressFamily.Unspecified,
            resource: queue);
}
