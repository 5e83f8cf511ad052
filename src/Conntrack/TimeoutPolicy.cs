namespace TwinTrack.Conntrack;

/// <summary>A named set of timeouts for one protocol, attached to flows by a rule (nfnetlink_cttimeout).</summary>
public sealed class TimeoutPolicy
{
    /// <summary>Bytes of the longest name (CTNL_TIMEOUT_NAME_MAX without terminator).</summary>
    public const int NameLimit = 31;

    /// <summary>IPPROTO_RAW: stands for all protocols without a tracker of their own.</summary>
    public const byte GenericProtocol = 255;

    private readonly SortedDictionary<int, uint> _seconds = [];

    /// <summary>CTA_TIMEOUT_NAME; empty for the defaults of a protocol.</summary>
    public string Name { get; init; } = "";

    /// <summary>CTA_TIMEOUT_L3PROTO: 2 or 10.</summary>
    public byte Family { get; init; }

    /// <summary>CTA_TIMEOUT_L4PROTO: IP protocol number, or <see cref="GenericProtocol"/>.</summary>
    public byte Protocol { get; init; }

    /// <summary>CTA_TIMEOUT_USE: references, as the kernel tells them.</summary>
    public uint Uses { get; init; }

    /// <summary>CTA_TIMEOUT_DATA: seconds by the number of the state, in ascending order.</summary>
    public IReadOnlyDictionary<int, uint> Seconds => _seconds;

    /// <summary>Sets the timeout of one state.</summary>
    /// <param name="state">Number of the state, see <see cref="StatesOf"/>.</param>
    /// <param name="seconds">Seconds.</param>
    /// <returns>This policy.</returns>
    public TimeoutPolicy Set(int state, uint seconds)
    {
        _seconds[state] = seconds;
        return this;
    }

    /// <summary>Sets the timeout of one state.</summary>
    /// <param name="state">Name of the state, see <see cref="StatesOf"/>; upper or lower case.</param>
    /// <param name="seconds">Seconds.</param>
    /// <returns>This policy.</returns>
    /// <exception cref="ArgumentException">The protocol has no such state.</exception>
    public TimeoutPolicy Set(string state, uint seconds)
    {
        IReadOnlyList<string> names = StatesOf(Protocol);
        for (int i = 0; i < names.Count; i++)
        {
            if (string.Equals(names[i], state, StringComparison.OrdinalIgnoreCase)) return Set(i + 1, seconds);
        }

        throw new ArgumentException($"Protocol {Protocol} has no state {state}.", nameof(state));
    }

    /// <summary>
    /// The kernel's names of a protocol's states (CTA_TIMEOUT_TCP_* and so on); the first has the number 1. Empty for
    /// protocols without timeouts.
    /// </summary>
    public static IReadOnlyList<string> StatesOf(byte protocol) => protocol switch
    {
        IpProtocol.Tcp =>
        [
            "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
            "SYN_SENT2", "RETRANS", "UNACK",
        ],
        IpProtocol.Udp or IpProtocol.UdpLite or IpProtocol.Gre => ["UNREPLIED", "REPLIED"],
        IpProtocol.Icmp or IpProtocol.IcmpV6 or GenericProtocol => ["TIMEOUT"],
        IpProtocol.Sctp =>
        [
            "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
            "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT", "HEARTBEAT_ACKED",
        ],
        IpProtocol.Dccp => ["REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT"],
        _ => [],
    };
}
