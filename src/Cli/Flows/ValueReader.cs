using System.Globalization;
using TwinTrack.Cli.CommandLine;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>Reads values of options.</summary>
internal static class ValueReader
{
    private static readonly string[] _tcpStates =
    [
        "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
        "SYN_SENT2",
    ];

    private static readonly string[] _sctpStates =
    [
        "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
        "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
    ];

    private static readonly string[] _dccpStates =
    [
        "NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT", "IGNORE", "INVALID",
    ];

    /// <summary>Names of the states of a protocol; empty when it has none.</summary>
    public static ReadOnlySpan<string> States(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => _tcpStates,
        IpProtocol.Sctp => _sctpStates,
        IpProtocol.Dccp => _dccpStates,
        _ => [],
    };

    /// <summary>Reads an address that may have a prefix length.</summary>
    /// <param name="text">The value.</param>
    /// <param name="option">The option it belongs to, when that takes no prefix length.</param>
    /// <param name="family">2 or 10.</param>
    /// <param name="prefixLength">The length, -1 when there is none or when it covers the whole address.</param>
    public static Address Address(ReadOnlySpan<char> text, string? option, out byte family, out int prefixLength)
    {
        prefixLength = -1;
        int slash = text.IndexOf('/');
        ReadOnlySpan<char> alone = slash < 0 ? text : text[..slash];
        if (!AddressReader.TryRead(alone, out Address address, out family))
            throw new ToolException($"Invalid IP address `{text}'");
        if (slash < 0) return address;
        if (option is not null) throw new ToolException($"CIDR notation unavailable for `--{option}'");

        int whole = family == AddressFamily.IPv4 ? 32 : 128;
        bool isNumber =
            int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int length);
        if (!isNumber || length > whole) throw new ToolException("Invalid netmask");
        if (length < whole) prefixLength = length;
        return address;
    }

    /// <summary>Reads what follows <c>-n</c>, <c>-g</c>, <c>-j</c>: an address, and perhaps a port.</summary>
    public static NatArgument Nat(ReadOnlySpan<char> text, string option, out byte family)
    {
        ReadOnlySpan<char> address = text;
        ReadOnlySpan<char> port = default;
        bool hasPort = false;
        int open = text.IndexOf('[');
        if (open >= 0)
        {
            ReadOnlySpan<char> inside = text[(open + 1)..];
            int close = inside.IndexOf(']');
            if (close == 0) throw new ToolException("No IPv6 address specified");
            if (close < 0) throw new ToolException("No closing ']' around IPv6 address");
            int colon = inside[close..].IndexOf(':');
            hasPort = colon >= 0;
            if (hasPort)
            {
                address = inside[..close];
                port = inside[(close + colon + 1)..];
            }
        }
        else if (text.Count(':') == 1)
        {
            int colon = text.IndexOf(':');
            hasPort = true;
            address = text[..colon];
            port = text[(colon + 1)..];
        }

        if (hasPort && port.IsEmpty) throw new ToolException("No port specified after `:'");
        ushort number = 0;
        if (hasPort && !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number))
            throw new ToolException($"Invalid port `{port}'");

        return new(true, Address(address, option, out family, out _), hasPort, number);
    }

    /// <summary>Reads a family.</summary>
    public static byte Family(ReadOnlySpan<char> text) =>
        text.StartsWith("ipv4") ? AddressFamily.IPv4
        : text.StartsWith("ipv6") ? AddressFamily.IPv6
        : throw new ToolException($"`{text}' unsupported protocol");

    /// <summary>Reads a number that must be one.</summary>
    public static uint Strict(ReadOnlySpan<char> text, char letter, uint limit = uint.MaxValue) =>
        Numbers.TryParse(text, limit, out uint value) ? value : throw Unexpected(text, letter);

    /// <summary>Reads a mark and its mask.</summary>
    public static uint Mark(ReadOnlySpan<char> text, out uint mask)
    {
        mask = uint.MaxValue;
        int slash = text.IndexOf('/');
        if (slash < 0) return Strict(text, 'm');

        mask = 0;
        ReadOnlySpan<char> tail = text[(slash + 1)..];
        if (!Numbers.TryParse(text[..slash], uint.MaxValue, out uint value)
            || (!tail.IsEmpty && !Numbers.TryParse(tail, uint.MaxValue, out mask)))
        {
            throw Unexpected(text, 'm');
        }

        return value;
    }

    /// <summary>Reads a port; it must be one.</summary>
    public static ushort Port(ReadOnlySpan<char> text) =>
        ushort.TryParse(text, NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out ushort port)
            ? port
            : throw new ToolException($"Invalid port `{text}'");

    /// <summary>Reads a GRE key.</summary>
    public static ushort Key(ReadOnlySpan<char> text) =>
        Numbers.TryParse(text, ushort.MaxValue, out uint key)
            ? (ushort)key
            : throw new ToolException($"Invalid key `{text}'");

    /// <summary>Reads the state of a protocol.</summary>
    public static byte State(byte protocol, ReadOnlySpan<char> text)
    {
        if (protocol == IpProtocol.Tcp && text is "LISTEN") return (byte)TcpState.SynSent2;
        ReadOnlySpan<string> states = States(protocol);
        for (int i = 0; i < states.Length; i++)
        {
            if (text.SequenceEqual(states[i])) return (byte)i;
        }

        throw new ToolException(protocol switch
        {
            IpProtocol.Tcp => $"unknown TCP state `{text}'",
            IpProtocol.Sctp => $"unknown SCTP state `{text}'",
            _ => $"Unknown DCCP state `{text}'",
        });
    }

    /// <summary>Reads a DCCP role.</summary>
    public static byte Role(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty && "client".AsSpan().StartsWith(text, StringComparison.OrdinalIgnoreCase)) return 0;
        if (!text.IsEmpty && "server".AsSpan().StartsWith(text, StringComparison.OrdinalIgnoreCase)) return 1;
        throw new ToolException($"Unknown DCCP role `{text}'");
    }

    private static ToolException Unexpected(ReadOnlySpan<char> text, char letter) =>
        new($"unexpected value '{text}' with -{letter} option", ExitCode.Failure);
}
