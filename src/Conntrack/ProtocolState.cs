namespace TwinTrack.Conntrack;

/// <summary>TCP states of connection tracking: enum tcp_conntrack (CTA_PROTOINFO_TCP_STATE).</summary>
public enum TcpState : byte
{
    /// <summary>TCP_CONNTRACK_NONE.</summary>
    None,

    /// <summary>TCP_CONNTRACK_SYN_SENT.</summary>
    SynSent,

    /// <summary>TCP_CONNTRACK_SYN_RECV.</summary>
    SynReceived,

    /// <summary>TCP_CONNTRACK_ESTABLISHED.</summary>
    Established,

    /// <summary>TCP_CONNTRACK_FIN_WAIT.</summary>
    FinWait,

    /// <summary>TCP_CONNTRACK_CLOSE_WAIT.</summary>
    CloseWait,

    /// <summary>TCP_CONNTRACK_LAST_ACK.</summary>
    LastAck,

    /// <summary>TCP_CONNTRACK_TIME_WAIT.</summary>
    TimeWait,

    /// <summary>TCP_CONNTRACK_CLOSE.</summary>
    Close,

    /// <summary>TCP_CONNTRACK_SYN_SENT2, once LISTEN.</summary>
    SynSent2,
}

/// <summary>SCTP states: enum sctp_conntrack (CTA_PROTOINFO_SCTP_STATE).</summary>
public enum SctpState : byte
{
    /// <summary>SCTP_CONNTRACK_NONE.</summary>
    None,

    /// <summary>SCTP_CONNTRACK_CLOSED.</summary>
    Closed,

    /// <summary>SCTP_CONNTRACK_COOKIE_WAIT.</summary>
    CookieWait,

    /// <summary>SCTP_CONNTRACK_COOKIE_ECHOED.</summary>
    CookieEchoed,

    /// <summary>SCTP_CONNTRACK_ESTABLISHED.</summary>
    Established,

    /// <summary>SCTP_CONNTRACK_SHUTDOWN_SENT.</summary>
    ShutdownSent,

    /// <summary>SCTP_CONNTRACK_SHUTDOWN_RECD.</summary>
    ShutdownReceived,

    /// <summary>SCTP_CONNTRACK_SHUTDOWN_ACK_SENT.</summary>
    ShutdownAckSent,

    /// <summary>SCTP_CONNTRACK_HEARTBEAT_SENT.</summary>
    HeartbeatSent,

    /// <summary>SCTP_CONNTRACK_HEARTBEAT_ACKED, unused on current kernels.</summary>
    HeartbeatAcked,
}

/// <summary>DCCP states: enum ct_dccp_states (CTA_PROTOINFO_DCCP_STATE).</summary>
public enum DccpState : byte
{
    /// <summary>CT_DCCP_NONE.</summary>
    None,

    /// <summary>CT_DCCP_REQUEST.</summary>
    Request,

    /// <summary>CT_DCCP_RESPOND.</summary>
    Respond,

    /// <summary>CT_DCCP_PARTOPEN.</summary>
    PartOpen,

    /// <summary>CT_DCCP_OPEN.</summary>
    Open,

    /// <summary>CT_DCCP_CLOSEREQ.</summary>
    CloseRequest,

    /// <summary>CT_DCCP_CLOSING.</summary>
    Closing,

    /// <summary>CT_DCCP_TIMEWAIT.</summary>
    TimeWait,

    /// <summary>CT_DCCP_IGNORE.</summary>
    Ignore,

    /// <summary>CT_DCCP_INVALID.</summary>
    Invalid,
}

/// <summary>Flags of one TCP direction: IP_CT_TCP_FLAG_*.</summary>
[Flags]
public enum TcpFlags : byte
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>IP_CT_TCP_FLAG_WINDOW_SCALE.</summary>
    WindowScale = 0x01,

    /// <summary>IP_CT_TCP_FLAG_SACK_PERM.</summary>
    SackPermitted = 0x02,

    /// <summary>IP_CT_TCP_FLAG_CLOSE_INIT.</summary>
    CloseInitiated = 0x04,

    /// <summary>IP_CT_TCP_FLAG_BE_LIBERAL: segments outside the window are accepted.</summary>
    BeLiberal = 0x08,

    /// <summary>IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED.</summary>
    DataUnacknowledged = 0x10,

    /// <summary>IP_CT_TCP_FLAG_MAXACK_SET.</summary>
    MaxAckSet = 0x20,

    /// <summary>IP_CT_EXP_CHALLENGE_ACK.</summary>
    ChallengeAck = 0x40,

    /// <summary>IP_CT_TCP_SIMULTANEOUS_OPEN.</summary>
    SimultaneousOpen = 0x80,
}
