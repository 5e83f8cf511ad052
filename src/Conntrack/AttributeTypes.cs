namespace TwinTrack.Conntrack;

// Attribute numbers of linux/netfilter/nfnetlink_conntrack.h, one class for each level.

/// <summary>enum ctattr_type: the attributes of a flow.</summary>
internal static class FlowAttributeType
{
    public const int TupleOriginal = 1;      // CTA_TUPLE_ORIG
    public const int TupleReply = 2;         // CTA_TUPLE_REPLY
    public const int Status = 3;             // CTA_STATUS
    public const int ProtocolInfo = 4;       // CTA_PROTOINFO
    public const int Help = 5;               // CTA_HELP
    public const int NatSource = 6;          // CTA_NAT_SRC
    public const int Timeout = 7;            // CTA_TIMEOUT
    public const int Mark = 8;               // CTA_MARK
    public const int CountersOriginal = 9;   // CTA_COUNTERS_ORIG
    public const int CountersReply = 10;     // CTA_COUNTERS_REPLY
    public const int Use = 11;               // CTA_USE
    public const int Id = 12;                // CTA_ID
    public const int NatDestination = 13;    // CTA_NAT_DST
    public const int TupleMaster = 14;       // CTA_TUPLE_MASTER
    public const int SequenceOriginal = 15;  // CTA_SEQ_ADJ_ORIG
    public const int SequenceReply = 16;     // CTA_SEQ_ADJ_REPLY
    public const int SecurityMark = 17;      // CTA_SECMARK
    public const int Zone = 18;              // CTA_ZONE
    public const int SecurityContext = 19;   // CTA_SECCTX
    public const int Timestamp = 20;         // CTA_TIMESTAMP
    public const int MarkMask = 21;          // CTA_MARK_MASK
    public const int Labels = 22;            // CTA_LABELS
    public const int LabelsMask = 23;        // CTA_LABELS_MASK
    public const int SynProxy = 24;          // CTA_SYNPROXY
    public const int Filter = 25;            // CTA_FILTER
    public const int StatusMask = 26;        // CTA_STATUS_MASK
    public const int TimestampEvent = 27;    // CTA_TIMESTAMP_EVENT
}

/// <summary>enum ctattr_tuple.</summary>
internal static class TupleAttributeType
{
    public const int Address = 1;  // CTA_TUPLE_IP
    public const int Protocol = 2; // CTA_TUPLE_PROTO
    public const int Zone = 3;     // CTA_TUPLE_ZONE
}

/// <summary>enum ctattr_ip.</summary>
internal static class AddressAttributeType
{
    public const int IPv4Source = 1;      // CTA_IP_V4_SRC
    public const int IPv4Destination = 2; // CTA_IP_V4_DST
    public const int IPv6Source = 3;      // CTA_IP_V6_SRC
    public const int IPv6Destination = 4; // CTA_IP_V6_DST
}

/// <summary>enum ctattr_l4proto.</summary>
internal static class PortAttributeType
{
    public const int Number = 1;          // CTA_PROTO_NUM
    public const int SourcePort = 2;      // CTA_PROTO_SRC_PORT
    public const int DestinationPort = 3; // CTA_PROTO_DST_PORT
    public const int IcmpId = 4;          // CTA_PROTO_ICMP_ID
    public const int IcmpType = 5;        // CTA_PROTO_ICMP_TYPE
    public const int IcmpCode = 6;        // CTA_PROTO_ICMP_CODE
    public const int IcmpV6Id = 7;        // CTA_PROTO_ICMPV6_ID
    public const int IcmpV6Type = 8;      // CTA_PROTO_ICMPV6_TYPE
    public const int IcmpV6Code = 9;      // CTA_PROTO_ICMPV6_CODE
}

/// <summary>enum ctattr_protoinfo and the levels below it.</summary>
internal static class StateAttributeType
{
    public const int Tcp = 1;                    // CTA_PROTOINFO_TCP
    public const int Dccp = 2;                   // CTA_PROTOINFO_DCCP
    public const int Sctp = 3;                   // CTA_PROTOINFO_SCTP

    public const int TcpState = 1;               // CTA_PROTOINFO_TCP_STATE
    public const int TcpWindowScaleOriginal = 2; // CTA_PROTOINFO_TCP_WSCALE_ORIGINAL
    public const int TcpWindowScaleReply = 3;    // CTA_PROTOINFO_TCP_WSCALE_REPLY
    public const int TcpFlagsOriginal = 4;       // CTA_PROTOINFO_TCP_FLAGS_ORIGINAL
    public const int TcpFlagsReply = 5;          // CTA_PROTOINFO_TCP_FLAGS_REPLY

    public const int DccpState = 1;              // CTA_PROTOINFO_DCCP_STATE
    public const int DccpRole = 2;               // CTA_PROTOINFO_DCCP_ROLE
    public const int DccpHandshake = 3;          // CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ

    public const int SctpState = 1;              // CTA_PROTOINFO_SCTP_STATE
    public const int SctpTagOriginal = 2;        // CTA_PROTOINFO_SCTP_VTAG_ORIGINAL
    public const int SctpTagReply = 3;           // CTA_PROTOINFO_SCTP_VTAG_REPLY
}

/// <summary>The small nests of a flow.</summary>
internal static class DetailAttributeType
{
    public const int CounterPackets = 1;      // CTA_COUNTERS_PACKETS
    public const int CounterBytes = 2;        // CTA_COUNTERS_BYTES
    public const int CounterPackets32 = 3;    // CTA_COUNTERS32_PACKETS
    public const int CounterBytes32 = 4;      // CTA_COUNTERS32_BYTES

    public const int TimestampStart = 1;      // CTA_TIMESTAMP_START
    public const int TimestampStop = 2;       // CTA_TIMESTAMP_STOP

    public const int HelperName = 1;          // CTA_HELP_NAME
    public const int HelperInfo = 2;          // CTA_HELP_INFO

    public const int SequencePosition = 1;    // CTA_SEQADJ_CORRECTION_POS
    public const int SequenceBefore = 2;      // CTA_SEQADJ_OFFSET_BEFORE
    public const int SequenceAfter = 3;       // CTA_SEQADJ_OFFSET_AFTER

    public const int SynProxySequence = 1;    // CTA_SYNPROXY_ISN
    public const int SynProxyTimestamp = 2;   // CTA_SYNPROXY_ITS
    public const int SynProxyOffset = 3;      // CTA_SYNPROXY_TSOFF

    public const int SecurityContextName = 1; // CTA_SECCTX_NAME

    public const int FilterOriginal = 1;      // CTA_FILTER_ORIG_FLAGS
    public const int FilterReply = 2;         // CTA_FILTER_REPLY_FLAGS
}

/// <summary>enum ctattr_nat and ctattr_protonat.</summary>
internal static class NatAttributeType
{
    public const int IPv4First = 1; // CTA_NAT_V4_MINIP
    public const int IPv4Last = 2;  // CTA_NAT_V4_MAXIP
    public const int Ports = 3;     // CTA_NAT_PROTO
    public const int IPv6First = 4; // CTA_NAT_V6_MINIP
    public const int IPv6Last = 5;  // CTA_NAT_V6_MAXIP

    public const int FirstPort = 1; // CTA_PROTONAT_PORT_MIN
    public const int LastPort = 2;  // CTA_PROTONAT_PORT_MAX
}

/// <summary>enum ctattr_expect and ctattr_expect_nat.</summary>
internal static class ExpectationAttributeType
{
    public const int Master = 1;       // CTA_EXPECT_MASTER
    public const int Tuple = 2;        // CTA_EXPECT_TUPLE
    public const int Mask = 3;         // CTA_EXPECT_MASK
    public const int Timeout = 4;      // CTA_EXPECT_TIMEOUT
    public const int Id = 5;           // CTA_EXPECT_ID
    public const int HelperName = 6;   // CTA_EXPECT_HELP_NAME
    public const int Zone = 7;         // CTA_EXPECT_ZONE
    public const int Flags = 8;        // CTA_EXPECT_FLAGS
    public const int Class = 9;        // CTA_EXPECT_CLASS
    public const int Nat = 10;         // CTA_EXPECT_NAT
    public const int Function = 11;    // CTA_EXPECT_FN

    public const int NatDirection = 1; // CTA_EXPECT_NAT_DIR
    public const int NatTuple = 2;     // CTA_EXPECT_NAT_TUPLE
}
