namespace TwinTrack.Conntrack;

/// <summary>Words of connection tracking for protocols, families and states, as its tools print them.</summary>
public static class FlowNames
{
    /// <summary>Name of an IP protocol; <c>unknown</c> for one that connection tracking has no words for.</summary>
    public static ReadOnlySpan<byte> Protocol(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => "tcp"u8,
        IpProtocol.Udp => "udp"u8,
        IpProtocol.UdpLite => "udplite"u8,
        IpProtocol.Icmp => "icmp"u8,
        IpProtocol.IcmpV6 => "icmpv6"u8,
        IpProtocol.Sctp => "sctp"u8,
        IpProtocol.Gre => "gre"u8,
        IpProtocol.Dccp => "dccp"u8,
        _ => "unknown"u8,
    };

    /// <summary>Name of an address family.</summary>
    public static ReadOnlySpan<byte> Family(byte family) => family switch
    {
        AddressFamily.IPv4 => "ipv4"u8,
        AddressFamily.IPv6 => "ipv6"u8,
        _ => "unknown"u8,
    };

    /// <summary>Name of a TCP state; <c>NONE</c> for a number without name.</summary>
    public static ReadOnlySpan<byte> State(TcpState state) => state switch
    {
        TcpState.SynSent => "SYN_SENT"u8,
        TcpState.SynReceived => "SYN_RECV"u8,
        TcpState.Established => "ESTABLISHED"u8,
        TcpState.FinWait => "FIN_WAIT"u8,
        TcpState.CloseWait => "CLOSE_WAIT"u8,
        TcpState.LastAck => "LAST_ACK"u8,
        TcpState.TimeWait => "TIME_WAIT"u8,
        TcpState.Close => "CLOSE"u8,
        TcpState.SynSent2 => "SYN_SENT2"u8,
        _ => "NONE"u8,
    };

    /// <summary>Name of an SCTP state; <c>NONE</c> for a number without name.</summary>
    public static ReadOnlySpan<byte> State(SctpState state) => state switch
    {
        SctpState.Closed => "CLOSED"u8,
        SctpState.CookieWait => "COOKIE_WAIT"u8,
        SctpState.CookieEchoed => "COOKIE_ECHOED"u8,
        SctpState.Established => "ESTABLISHED"u8,
        SctpState.ShutdownSent => "SHUTDOWN_SENT"u8,
        SctpState.ShutdownReceived => "SHUTDOWN_RECD"u8,
        SctpState.ShutdownAckSent => "SHUTDOWN_ACK_SENT"u8,
        SctpState.HeartbeatSent => "HEARTBEAT_SENT"u8,
        SctpState.HeartbeatAcked => "HEARTBEAT_ACKED"u8,
        _ => "NONE"u8,
    };

    /// <summary>Name of a DCCP state; <c>NONE</c> for a number without name.</summary>
    public static ReadOnlySpan<byte> State(DccpState state) => state switch
    {
        DccpState.Request => "REQUEST"u8,
        DccpState.Respond => "RESPOND"u8,
        DccpState.PartOpen => "PARTOPEN"u8,
        DccpState.Open => "OPEN"u8,
        DccpState.CloseRequest => "CLOSEREQ"u8,
        DccpState.Closing => "CLOSING"u8,
        DccpState.TimeWait => "TIMEWAIT"u8,
        DccpState.Ignore => "IGNORE"u8,
        DccpState.Invalid => "INVALID"u8,
        _ => "NONE"u8,
    };

    /// <summary>Name of the protocol state of a flow; empty when none is known.</summary>
    public static ReadOnlySpan<byte> State(in PackedFlow flow)
    {
        if (flow.Has(FlowFields.TcpState)) return State((TcpState)flow.TcpState);
        if (flow.Has(FlowFields.SctpState)) return State((SctpState)flow.SctpState);
        if (flow.Has(FlowFields.DccpState)) return State((DccpState)flow.DccpState);
        return default;
    }
}
