using TwinTrack.Cli.Flows;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Objects;

/// <summary>Protocols and states of timeout policies by the words of nfct(8).</summary>
internal static class TimeoutStates
{
    // What the kernel knows beyond the words that are printed, accepted all the same.
    private const string SctpHeartbeat = "HEARTBEAT_SENT";

    private static readonly string[] _tcp =
    [
        "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
        "SYN_SENT2", "RETRANS", "UNACKNOWLEDGED",
    ];

    private static readonly string[] _udp = ["UNREPLIED", "REPLIED"];

    private static readonly string[] _single = ["TIMEOUT"];

    private static readonly string[] _sctp =
    [
        "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
        "SHUTDOWN_ACK_SENT",
    ];

    private static readonly string[] _dccp =
        ["REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT"];

    /// <summary>Words of a protocol's states; the first has the number 1. Empty for one without timeouts.</summary>
    public static string[] Of(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => _tcp,
        IpProtocol.Udp or IpProtocol.UdpLite or IpProtocol.Gre => _udp,
        IpProtocol.Icmp or IpProtocol.IcmpV6 or TimeoutPolicy.GenericProtocol => _single,
        IpProtocol.Sctp => _sctp,
        IpProtocol.Dccp => _dccp,
        _ => [],
    };

    /// <summary>The number of a state; 0 for a word that is none.</summary>
    public static int Number(byte protocol, string word)
    {
        string[] words = Of(protocol);
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i].Equals(word, StringComparison.OrdinalIgnoreCase)) return i + 1;
        }

        bool isHeartbeat = protocol == IpProtocol.Sctp
            && SctpHeartbeat.Equals(word, StringComparison.OrdinalIgnoreCase);
        return isHeartbeat ? words.Length + 1 : 0;
    }

    /// <summary>The word of a state; null for one without: SCTP's ninth is not used by the kernel.</summary>
    public static string? Name(byte protocol, int state)
    {
        string[] words = Of(protocol);
        return state <= words.Length ? words[state - 1]
            : protocol == IpProtocol.Sctp && state == words.Length + 1 ? SctpHeartbeat
            : null;
    }

    /// <summary>The number of a protocol; null for a word that is none.</summary>
    /// <remarks>The system's database decides; what it lacks goes by the usual name.</remarks>
    public static byte? Protocol(string word)
    {
        if (word is "icmpv6") return IpProtocol.IcmpV6;
        if (word is "generic") return TimeoutPolicy.GenericProtocol;
        if (ProtocolNames.Find(word) is { } number) return number;
        foreach (ProtocolRow row in ProtocolTable.Known)
        {
            if (row.Name == word) return row.Number;
        }

        return null;
    }

    /// <summary>The number of a family.</summary>
    /// <exception cref="ToolException">The word is none.</exception>
    public static byte Family(string word) => word switch
    {
        "inet" => AddressFamily.IPv4,
        "inet6" => AddressFamily.IPv6,
        _ => throw NfctTool.Error("unknown layer 3 protocol"),
    };
}
