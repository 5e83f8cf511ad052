using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TwinTrack.Conntrack;

/// <summary>Fields of a flow that may be absent. A field that is absent is not zero: it is unknown.</summary>
[Flags]
public enum FlowFields : ulong
{
    /// <summary>Nothing is known.</summary>
    None = 0,

    /// <summary>CTA_TUPLE_ORIG; which parts of it, says <see cref="FlowTuple.Parts"/>.</summary>
    Original = 1UL << 0,

    /// <summary>CTA_TUPLE_REPLY.</summary>
    Reply = 1UL << 1,

    /// <summary>CTA_TUPLE_MASTER.</summary>
    Master = 1UL << 2,

    /// <summary>CTA_STATUS.</summary>
    Status = 1UL << 3,

    /// <summary>CTA_STATUS_MASK (requests).</summary>
    StatusMask = 1UL << 4,

    /// <summary>CTA_TIMEOUT.</summary>
    Timeout = 1UL << 5,

    /// <summary>CTA_MARK.</summary>
    Mark = 1UL << 6,

    /// <summary>CTA_MARK_MASK (requests).</summary>
    MarkMask = 1UL << 7,

    /// <summary>CTA_ZONE.</summary>
    Zone = 1UL << 8,

    /// <summary>CTA_ID.</summary>
    Id = 1UL << 9,

    /// <summary>CTA_USE.</summary>
    Use = 1UL << 10,

    /// <summary>CTA_SECMARK (obsolete).</summary>
    SecurityMark = 1UL << 11,

    /// <summary>CTA_SECCTX.</summary>
    SecurityContext = 1UL << 12,

    /// <summary>CTA_COUNTERS_ORIG.</summary>
    CountersOriginal = 1UL << 13,

    /// <summary>CTA_COUNTERS_REPLY.</summary>
    CountersReply = 1UL << 14,

    /// <summary>CTA_TIMESTAMP_START.</summary>
    TimestampStart = 1UL << 15,

    /// <summary>CTA_TIMESTAMP_STOP.</summary>
    TimestampStop = 1UL << 16,

    /// <summary>CTA_TIMESTAMP_EVENT.</summary>
    TimestampEvent = 1UL << 17,

    /// <summary>CTA_PROTOINFO_TCP_STATE.</summary>
    TcpState = 1UL << 18,

    /// <summary>CTA_PROTOINFO_TCP_WSCALE_ORIGINAL.</summary>
    TcpWindowScaleOriginal = 1UL << 19,

    /// <summary>CTA_PROTOINFO_TCP_WSCALE_REPLY.</summary>
    TcpWindowScaleReply = 1UL << 20,

    /// <summary>CTA_PROTOINFO_TCP_FLAGS_ORIGINAL.</summary>
    TcpFlagsOriginal = 1UL << 21,

    /// <summary>CTA_PROTOINFO_TCP_FLAGS_REPLY.</summary>
    TcpFlagsReply = 1UL << 22,

    /// <summary>CTA_PROTOINFO_SCTP_STATE.</summary>
    SctpState = 1UL << 23,

    /// <summary>CTA_PROTOINFO_SCTP_VTAG_ORIGINAL.</summary>
    SctpTagOriginal = 1UL << 24,

    /// <summary>CTA_PROTOINFO_SCTP_VTAG_REPLY.</summary>
    SctpTagReply = 1UL << 25,

    /// <summary>CTA_PROTOINFO_DCCP_STATE.</summary>
    DccpState = 1UL << 26,

    /// <summary>CTA_PROTOINFO_DCCP_ROLE.</summary>
    DccpRole = 1UL << 27,

    /// <summary>CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ.</summary>
    DccpHandshake = 1UL << 28,

    /// <summary>CTA_HELP_NAME.</summary>
    Helper = 1UL << 29,

    /// <summary>CTA_HELP_INFO: private data of the helper.</summary>
    HelperInfo = 1UL << 30,

    /// <summary>CTA_LABELS.</summary>
    Labels = 1UL << 31,

    /// <summary>CTA_LABELS_MASK (requests).</summary>
    LabelsMask = 1UL << 32,

    /// <summary>CTA_SEQ_ADJ_ORIG.</summary>
    SequenceOriginal = 1UL << 33,

    /// <summary>CTA_SEQ_ADJ_REPLY.</summary>
    SequenceReply = 1UL << 34,

    /// <summary>CTA_SYNPROXY.</summary>
    SynProxy = 1UL << 35,

    /// <summary>CTA_NAT_SRC (requests), or SNAT_IPV4/SNAT_IPV6 of a peer's message: the address.</summary>
    SourceNat = 1UL << 36,

    /// <summary>CTA_NAT_DST (requests), or DNAT_IPV4/DNAT_IPV6 of a peer's message: the address.</summary>
    DestinationNat = 1UL << 37,

    /// <summary>CTA_PROTONAT_PORT_MIN of CTA_NAT_SRC, or SPAT_PORT of a peer's message.</summary>
    SourceNatPort = 1UL << 38,

    /// <summary>CTA_PROTONAT_PORT_MIN of CTA_NAT_DST, or DPAT_PORT of a peer's message.</summary>
    DestinationNatPort = 1UL << 39,
}

/// <summary>Bytes and packets of one direction (CTA_COUNTERS_*).</summary>
public record struct FlowCounters(ulong Packets, ulong Bytes);

/// <summary>Shift of TCP sequence numbers in one direction (CTA_SEQ_ADJ_*); offsets are signed.</summary>
/// <param name="CorrectionPosition">
/// CTA_SEQADJ_CORRECTION_POS: the sequence number from which on the second offset holds.
/// </param>
/// <param name="OffsetBefore">CTA_SEQADJ_OFFSET_BEFORE.</param>
/// <param name="OffsetAfter">CTA_SEQADJ_OFFSET_AFTER.</param>
public record struct SequenceAdjustment(uint CorrectionPosition, int OffsetBefore, int OffsetAfter);

/// <summary>What SYNPROXY remembers of the handshake (CTA_SYNPROXY).</summary>
/// <param name="InitialSequence">CTA_SYNPROXY_ISN.</param>
/// <param name="InitialTimestamp">CTA_SYNPROXY_ITS.</param>
/// <param name="TimestampOffset">CTA_SYNPROXY_TSOFF.</param>
public record struct SynProxyState(uint InitialSequence, uint InitialTimestamp, uint TimestampOffset);

/// <summary>
/// A target of address translation as requested (CTA_NAT_*): a range, usually of one address and port.
/// </summary>
public struct NatRange
{
    /// <summary>CTA_NAT_V4_MINIP or CTA_NAT_V6_MINIP.</summary>
    public Address First;

    /// <summary>CTA_NAT_V4_MAXIP or CTA_NAT_V6_MAXIP; equal to <see cref="First"/> for a single address.</summary>
    public Address Last;

    /// <summary>CTA_PROTONAT_PORT_MIN, host order.</summary>
    public ushort FirstPort;

    /// <summary>CTA_PROTONAT_PORT_MAX, host order.</summary>
    public ushort LastPort;
}

/// <summary>Sixteen bytes of connection labels as the kernel stores them: bit n is in byte n/8, bit n%8.</summary>
public record struct LabelBits(ulong First, ulong Second)
{
    /// <summary>Whether no label is set.</summary>
    public readonly bool IsEmpty => (First | Second) == 0;

    /// <summary>These labels and one more.</summary>
    /// <param name="bit">0 to 127.</param>
    public readonly LabelBits With(int bit)
    {
        LabelBits labels = this;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<LabelBits>(ref labels));
        bytes[bit / 8] |= (byte)(1 << (bit % 8));
        return labels;
    }

    /// <summary>Whether a label is set.</summary>
    /// <param name="bit">0 to 127.</param>
    public readonly bool Has(int bit)
    {
        LabelBits labels = this;
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<LabelBits>(in labels));
        return (bytes[bit / 8] >> (bit % 8) & 1) != 0;
    }
}

/// <summary>A short name, NUL-padded, as ctnetlink carries it (helper: 15 bytes and a terminator).</summary>
[InlineArray(16)]
public struct NameBytes
{
    private byte _first;
}

/// <summary>Private data of a helper (CTA_HELP_INFO).</summary>
[InlineArray(64)]
public struct HelperInfoBytes
{
    private byte _first;
}

/// <summary>A security context (CTA_SECCTX_NAME) without terminator.</summary>
[InlineArray(256)]
public struct SecurityContextBytes
{
    private byte _first;
}

/// <summary>
/// A flow as plain memory: every attribute of ctnetlink, with a mask that says which are known.
/// It is decoded into in place and reused; clearing the mask empties it.
/// </summary>
/// <remarks>
/// Numbers are in host order, addresses in network order. Fields not named in <see cref="Fields"/> hold leftovers.
/// The struct is large: pass it by reference.
/// </remarks>
public struct PackedFlow
{
    /// <summary>Which fields are known.</summary>
    public FlowFields Fields;

    /// <summary>CTA_TUPLE_ORIG.</summary>
    public FlowTuple Original;

    /// <summary>CTA_TUPLE_REPLY.</summary>
    public FlowTuple Reply;

    /// <summary>CTA_TUPLE_MASTER: the original tuple of the flow this one is related to.</summary>
    public FlowTuple Master;

    /// <summary>CTA_STATUS.</summary>
    public FlowStatus Status;

    /// <summary>CTA_STATUS_MASK.</summary>
    public FlowStatus StatusMask;

    /// <summary>CTA_TIMEOUT: seconds left.</summary>
    public uint Timeout;

    /// <summary>CTA_MARK.</summary>
    public uint Mark;

    /// <summary>CTA_MARK_MASK.</summary>
    public uint MarkMask;

    /// <summary>CTA_ID: a keyed hash, stable for the life of the flow.</summary>
    public uint Id;

    /// <summary>CTA_USE: references.</summary>
    public uint Use;

    /// <summary>CTA_SECMARK.</summary>
    public uint SecurityMark;

    /// <summary>CTA_ZONE: zone of both directions.</summary>
    public ushort Zone;

    /// <summary>CTA_PROTOINFO_TCP_STATE, see <see cref="Conntrack.TcpState"/>.</summary>
    public byte TcpState;

    /// <summary>CTA_PROTOINFO_TCP_WSCALE_ORIGINAL: shift.</summary>
    public byte TcpWindowScaleOriginal;

    /// <summary>CTA_PROTOINFO_TCP_WSCALE_REPLY: shift.</summary>
    public byte TcpWindowScaleReply;

    /// <summary>Value byte of CTA_PROTOINFO_TCP_FLAGS_ORIGINAL.</summary>
    public byte TcpFlagsOriginal;

    /// <summary>Mask byte of CTA_PROTOINFO_TCP_FLAGS_ORIGINAL; 0 in dumps.</summary>
    public byte TcpFlagsOriginalMask;

    /// <summary>Value byte of CTA_PROTOINFO_TCP_FLAGS_REPLY.</summary>
    public byte TcpFlagsReply;

    /// <summary>Mask byte of CTA_PROTOINFO_TCP_FLAGS_REPLY; 0 in dumps.</summary>
    public byte TcpFlagsReplyMask;

    /// <summary>CTA_PROTOINFO_SCTP_STATE.</summary>
    public byte SctpState;

    /// <summary>CTA_PROTOINFO_DCCP_STATE.</summary>
    public byte DccpState;

    /// <summary>CTA_PROTOINFO_DCCP_ROLE: 0 client, 1 server.</summary>
    public byte DccpRole;

    /// <summary>CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, host order.</summary>
    public uint SctpTagOriginal;

    /// <summary>CTA_PROTOINFO_SCTP_VTAG_REPLY, host order.</summary>
    public uint SctpTagReply;

    /// <summary>CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ.</summary>
    public ulong DccpHandshake;

    /// <summary>CTA_COUNTERS_ORIG.</summary>
    public FlowCounters CountersOriginal;

    /// <summary>CTA_COUNTERS_REPLY.</summary>
    public FlowCounters CountersReply;

    /// <summary>CTA_TIMESTAMP_START: nanoseconds since the epoch.</summary>
    public ulong TimestampStart;

    /// <summary>CTA_TIMESTAMP_STOP: nanoseconds since the epoch.</summary>
    public ulong TimestampStop;

    /// <summary>CTA_TIMESTAMP_EVENT: nanoseconds since the epoch.</summary>
    public ulong TimestampEvent;

    /// <summary>CTA_LABELS, bits beyond 128 cut off (the kernel stores no more).</summary>
    public LabelBits Labels;

    /// <summary>CTA_LABELS_MASK.</summary>
    public LabelBits LabelsMask;

    /// <summary>CTA_SEQ_ADJ_ORIG.</summary>
    public SequenceAdjustment SequenceOriginal;

    /// <summary>CTA_SEQ_ADJ_REPLY.</summary>
    public SequenceAdjustment SequenceReply;

    /// <summary>CTA_SYNPROXY.</summary>
    public SynProxyState SynProxy;

    /// <summary>CTA_NAT_SRC.</summary>
    public NatRange SourceNat;

    /// <summary>CTA_NAT_DST.</summary>
    public NatRange DestinationNat;

    /// <summary>CTA_HELP_NAME.</summary>
    public NameBytes Helper;

    /// <summary>Bytes used in <see cref="HelperInfo"/>.</summary>
    public byte HelperInfoLength;

    /// <summary>Bytes used in <see cref="SecurityContext"/>.</summary>
    public ushort SecurityContextLength;

    /// <summary>CTA_HELP_INFO.</summary>
    public HelperInfoBytes HelperInfo;

    /// <summary>CTA_SECCTX_NAME.</summary>
    public SecurityContextBytes SecurityContext;

    /// <summary>Whether every field in <paramref name="fields"/> is known.</summary>
    public readonly bool Has(FlowFields fields) => (Fields & fields) == fields;

    /// <summary>Forgets everything without touching the rest of the memory.</summary>
    public void Clear()
    {
        Fields = FlowFields.None;
        Original.Parts = TupleParts.None;
        Reply.Parts = TupleParts.None;
        Master.Parts = TupleParts.None;
    }
}
