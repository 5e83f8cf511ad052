using System.Globalization;
using TwinTrack.Cli.CommandLine;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>A protocol of conntrack(8) with its options.</summary>
/// <param name="Number">IP protocol number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Options">Its options, in the order in which they are checked.</param>
/// <param name="Rules">Which commands take which of them; null: no check.</param>
internal sealed record ProtocolRow(byte Number, string Name, OptionRow[] Options, ProtocolRules? Rules)
{
    /// <summary>Whether the protocol has ports, or keys.</summary>
    public bool HasPorts => Rules is { CoupleError: not null };

    /// <summary>Whether a translation can name a port: it has ports, which keys are not.</summary>
    public bool TakesTranslatedPort => HasPorts && Number != IpProtocol.Gre;

    /// <summary>Whether it is ICMP of either family.</summary>
    public bool IsIcmp => Number is IpProtocol.Icmp or IpProtocol.IcmpV6;
}

/// <summary>Which commands take which options of a protocol: a character for each, as in OptionTable.</summary>
/// <param name="Filter">For -L, -U, -D and -E.</param>
/// <param name="Create">For -I and -A.</param>
/// <param name="Get">For -G.</param>
/// <param name="CreateExpectation">For -I expect.</param>
/// <param name="Expectation">For -D expect and -G expect.</param>
/// <param name="CoupleError">What to say when the original couple is incomplete; null: there are no couples.</param>
/// <param name="ReplyCoupleError">What to say when the reply couple is incomplete.</param>
internal sealed record ProtocolRules(
    string Filter,
    string Create,
    string Get,
    string CreateExpectation,
    string Expectation,
    string? CoupleError = null,
    string? ReplyCoupleError = null)
{
    /// <summary>For -U and -D, where they differ from the other filters: saved lines shall be taken.</summary>
    public string? Saved { get; init; }

    /// <summary>The characters for a command.</summary>
    /// <returns>Null when the command takes none of the options.</returns>
    public string? For(CommandId command, TableId table) => (command, table) switch
    {
        (CommandId.Create, TableId.Expect) => CreateExpectation,
        (CommandId.Delete or CommandId.Get, TableId.Expect) => Expectation,
        (_, TableId.Expect) => null,
        (CommandId.Update or CommandId.Delete, _) => Saved ?? Filter,
        (CommandId.List or CommandId.Event, _) => Filter,
        (CommandId.Create or CommandId.Add, _) => Create,
        (CommandId.Get, _) => Get,
        _ => null,
    };
}

/// <summary>The protocols of conntrack(8).</summary>
internal static class ProtocolTable
{
    private const string PortError = "you have to specify `--sport' and `--dport'";
    private const string ReplyPortError = "you have to specify `--reply-src-port' and `--reply-dst-port'";

    private static readonly OptionRow[] _ports =
    [
        Row(ProtocolOption.SourcePort, "PORT", "original source port", "sport", "orig-port-src"),
        Row(ProtocolOption.DestinationPort, "PORT", "original destination port", "dport", "orig-port-dst"),
        Row(ProtocolOption.ReplySourcePort, "PORT", "reply source port", "reply-port-src"),
        Row(ProtocolOption.ReplyDestinationPort, "PORT", "reply destination port", "reply-port-dst"),
        Row(ProtocolOption.MaskSourcePort, "MASK", "mask of the source port", "mask-port-src"),
        Row(ProtocolOption.MaskDestinationPort, "MASK", "mask of the destination port", "mask-port-dst"),
    ];

    private static readonly OptionRow[] _expectedPorts =
    [
        Row(ProtocolOption.TupleSourcePort, "PORT", "source port of the expected flow", "tuple-port-src"),
        Row(ProtocolOption.TupleDestinationPort, "PORT", "destination port of the expected flow", "tuple-port-dst"),
    ];

    private static readonly OptionRow[] _statePorts =
    [
        .. _ports, Row(ProtocolOption.State, "STATE", "state of the protocol", "state"), .. _expectedPorts,
    ];

    private static readonly OptionRow[] _keys =
    [
        Row(ProtocolOption.SourcePort, "KEY", "original source key", "srckey", "orig-key-src"),
        Row(ProtocolOption.DestinationPort, "KEY", "original destination key", "dstkey", "orig-key-dst"),
        Row(ProtocolOption.ReplySourcePort, "KEY", "reply source key", "reply-key-src"),
        Row(ProtocolOption.ReplyDestinationPort, "KEY", "reply destination key", "reply-key-dst"),
        Row(ProtocolOption.MaskSourcePort, "MASK", "mask of the source key", "mask-key-src"),
        Row(ProtocolOption.MaskDestinationPort, "MASK", "mask of the destination key", "mask-key-dst"),
        Row(ProtocolOption.TupleSourcePort, "KEY", "source key of the expected flow", "tuple-key-src"),
        Row(ProtocolOption.TupleDestinationPort, "KEY", "destination key of the expected flow", "tuple-key-dst"),
    ];

    private static readonly ProtocolRules _portRules =
        new("oooo....", "cccc....", "cccc....", "!!..!!!!", "!!!!....", PortError, ReplyPortError);

    /// <summary>Those with options of their own.</summary>
    public static readonly ProtocolRow[] Known =
    [
        new(IpProtocol.Tcp, "tcp", _statePorts, new(
            "oooo..o..", "cccc..!..", "cccc..o..", "!!..!!.!!", "!!!!.....", PortError, ReplyPortError)),
        new(IpProtocol.Udp, "udp", [.. _ports, .. _expectedPorts], _portRules),
        new(IpProtocol.UdpLite, "udplite", [.. _ports, .. _expectedPorts], _portRules),
        new(
            IpProtocol.Sctp,
            "sctp",
            [
                .. _statePorts,
                Row(ProtocolOption.OriginalTag, "TAG", "verification tag of the original direction", "orig-vtag"),
                Row(ProtocolOption.ReplyTag, "TAG", "verification tag of the reply direction", "reply-vtag"),
            ],
            new(
                "oooo..o....", "cccc..!..!!", "cccc..o..oo", "!!..!!.!!!!", "!!!!.......", PortError,
                ReplyPortError)
            {
                Saved = "oooo..o..oo",
            }),
        new(
            IpProtocol.Dccp,
            "dccp",
            [.. _statePorts, Row(ProtocolOption.Role, "ROLE", "role of the original source: client, server", "role")],
            new(
                "oooo..o...", "cccc..!..!", "cccc..o...", "!!..!!.!!!", "!!!!......", PortError,
                "you have to specify `--reply-src-port' and `--report-port-dst'")
            {
                Saved = "oooo..o..o",
            }),
        new(IpProtocol.Icmp, "icmp", Icmp("icmp"), new("ooo", "!!o", "!!o", "...", "...")),
        new(IpProtocol.IcmpV6, "icmpv6", Icmp("icmpv6"), new("ooo", "!!o", "!!o", "...", "...")),
        new(IpProtocol.Gre, "gre", _keys, new(
            "oooo....", "cccc....", "cccc....", "!!!!!!!!", "!!!!....",
            "you have to specify `--srckey' and `--dstkey'",
            "you have to specify `--reply-src-key' and `--reply-dst-key'")),
    ];

    /// <summary>Finds a protocol by its name, by its name in /etc/protocols, or by its number.</summary>
    /// <returns>Null when it is none.</returns>
    public static ProtocolRow? Find(ReadOnlySpan<char> text)
    {
        foreach (ProtocolRow row in Known)
        {
            if (text.Equals(row.Name, StringComparison.OrdinalIgnoreCase)) return row;
        }

        if (ProtocolNames.Find(text) is { } named) return Of(named);
        return Numbers.TryParse(text, byte.MaxValue, out uint number) ? Of((byte)number) : null;
    }

    private static ProtocolRow Of(byte number)
    {
        foreach (ProtocolRow row in Known)
        {
            if (row.Number == number) return row;
        }

        return new(number, ProtocolNames.Name(number) ?? number.ToString(CultureInfo.InvariantCulture), [], null);
    }

    private static OptionRow[] Icmp(string name) =>
    [
        Row(ProtocolOption.IcmpType, "TYPE", "type of the message", $"{name}-type"),
        Row(ProtocolOption.IcmpCode, "CODE", "code of the message", $"{name}-code"),
        Row(ProtocolOption.IcmpId, "ID", "identifier", $"{name}-id"),
    ];

    private static OptionRow Row(ProtocolOption option, string value, string help, params string[] names) =>
        new(OptionTable.FirstProtocolOption + (int)option, '\0', names, ValuePlace.Required, value, help);
}
