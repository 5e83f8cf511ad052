using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Config;

/// <summary>Block Filter of General.</summary>
internal static class FilterKeywords
{
    private const string Accept = "Accept";
    private const string Ignore = "Ignore";

    private static readonly (string Name, TcpState State)[] States =
    [
        ("SYN_SENT", TcpState.SynSent), ("SYN_RECV", TcpState.SynReceived), ("ESTABLISHED", TcpState.Established),
        ("FIN_WAIT", TcpState.FinWait), ("CLOSE_WAIT", TcpState.CloseWait), ("LAST_ACK", TcpState.LastAck),
        ("TIME_WAIT", TcpState.TimeWait), ("CLOSE", TcpState.Close), ("LISTEN", TcpState.SynSent2),
        ("CLOSED", TcpState.Close),
    ];

    private static readonly Argument Action = new("action", Accept, Ignore);

    private static readonly Block Protocols = new("Protocol", [])
    {
        Item = new("protocol", "Name from /etc/protocols.")
        {
            Value = ValueKind.Name,
            Expected = "the name of a protocol",
            Set = AddProtocol,
        },
    };

    private static readonly Block Addresses = new("Address",
    [
        new("IPv4_address", "Host or network, compared with the original source and the reply source.")
        {
            Value = ValueKind.Address,
            Expected = "an IPv4 host or network",
            Set = (draft, value) => AddNetwork(draft, value, AddressFamily.IPv4),
        },
        new("IPv6_address", "Host or network, compared with the original source and the reply source.")
        {
            Value = ValueKind.Address,
            Expected = "an IPv6 host or network",
            Set = (draft, value) => AddNetwork(draft, value, AddressFamily.IPv6),
        },
    ]);

    private static readonly Block TcpStates = new("State",
    [
        new("for", "Ends a list of states with the protocol they belong to.")
        {
            Value = ValueKind.Name,
            Expected = "TCP",
            Set = TakeStates,
        },
    ])
    {
        Item = new("state", "TCP state: " + string.Join(", ", States.Select(state => state.Name)) + ".")
        {
            Value = ValueKind.Name,
            Expected = "a TCP state",
            Set = AddState,
        },
    };

    public static readonly Keyword Filter = new("Filter", "Which flows are handled; a flow must pass every set named.")
    {
        Arguments = [new("place", "Userspace", "Kernelspace") { IsOptional = true, Announcement = "From" }],
        Open = (draft, _, arguments) =>
        {
            draft.Filter ??= new FilterDraft();
            draft.Filter.InKernel = arguments[0] is { Text: "Kernelspace" };
        },
        Body = new("Filter",
        [
            new("Protocol", "Accept only the listed protocols, or ignore them.")
            {
                Arguments = [Action],
                Open = (draft, at, arguments) =>
                    draft.Filter!.ProtocolAction = Choose(draft, at, draft.Filter.ProtocolAction, arguments[0]),
                Body = Protocols,
            },
            new("Address", "Accept only flows of the listed hosts and networks, or ignore them.")
            {
                Arguments = [Action],
                Open = (draft, at, arguments) =>
                    draft.Filter!.AddressAction = Choose(draft, at, draft.Filter.AddressAction, arguments[0]),
                Body = Addresses,
            },
            new("State", "Accept only the listed TCP states, or ignore them; other protocols pass.")
            {
                Arguments = [Action],
                Open = (draft, at, arguments) =>
                    draft.Filter!.StateAction = Choose(draft, at, draft.Filter.StateAction, arguments[0]),
                Body = TcpStates,
                Close = (draft, at) =>
                {
                    if (draft.Filter!.PendingStates.Count == 0) return;
                    draft.Fail(at, "the list of states ends without `for', expected `for TCP'");
                    draft.Filter.PendingStates.Clear();
                },
            },
        ]),
    };

    /// <summary>The name of a state in the file.</summary>
    public static string NameOf(TcpState state) => Array.Find(States, entry => entry.State == state).Name;

    // One set has one action: the last one holds for what was listed before, too.
    private static FilterAction Choose(ConfigDraft draft, Token at, FilterAction earlier, Token? argument)
    {
        FilterAction action = argument is { Text: Accept } ? FilterAction.Accept : FilterAction.Ignore;
        if (earlier != FilterAction.None && earlier != action)
        {
            draft.WarnAtStart(at, $"`{at.Text}' is given twice with different actions: "
                + $"{(action == FilterAction.Accept ? Accept : Ignore)} holds for all its items");
        }

        return action;
    }

    private static void AddProtocol(ConfigDraft draft, Value value)
    {
        FilterDraft filter = draft.Filter!;
        if (byte.TryParse(value.Text, out byte byNumber))
        {
            string hint = draft.Protocols.NameOf(byNumber) is { } known ? $", `{known}' here" : string.Empty;
            draft.Fail(value.Token, $"a protocol cannot be given by its number, expected its name{hint}");
        }
        else if (!draft.Protocols.TryFind(value.Text, out byte number))
        {
            draft.Warn(value.Token, $"getprotobyname() cannot find protocol `{value.Text}' in /etc/protocols");
        }
        else if (!filter.Protocols.Exists(protocol => protocol.Number == number))
        {
            filter.Protocols.Add(new FilterProtocol(value.Text, number));
        }
    }

    private static void AddNetwork(ConfigDraft draft, Value value, byte family)
    {
        string ip = family == AddressFamily.IPv4 ? "IPv4" : "IPv6";
        int slash = value.Text.IndexOf('/');
        string address = slash < 0 ? value.Text : value.Text[..slash];
        int most = family == AddressFamily.IPv4 ? 32 : 128;
        if (!AddressSyntax.TryParse(address, family, out Address parsed))
        {
            draft.Warn(value.Token, $"{address} is not a valid {ip}, ignoring");
            return;
        }

        int prefix = most;
        if (slash >= 0 && (!int.TryParse(value.Text.AsSpan(slash + 1), out prefix) || prefix > most))
        {
            draft.Warn(value.Token, $"{value.Text} is not a valid network, ignoring");
            return;
        }

        // A repeated host is harmless and goes unmentioned, as in conntrackd.
        bool isKnown = draft.Filter!.Networks.Exists(known =>
            known.Family == family && known.PrefixLength == prefix && parsed.IsIn(known.Network, prefix));
        if (!isKnown) draft.Filter.Networks.Add(new FilterNetwork(family, parsed, prefix));
        else if (prefix < most) draft.Warn(value.Token, $"netmask {address} is repeated in the ignore pool");
    }

    private static void AddState(ConfigDraft draft, Value value)
    {
        int index = Array.FindIndex(States, entry => entry.Name == value.Text);
        if (index >= 0)
        {
            draft.Filter!.PendingStates.Add(States[index].State);
            return;
        }

        string known = string.Join(", ", States.Select(state => state.Name));
        draft.Fail(value.Token, $"unknown TCP state `{value.Text}', expected {known}");
    }

    private static void TakeStates(ConfigDraft draft, Value value)
    {
        FilterDraft filter = draft.Filter!;
        if (value.Text != "TCP")
            draft.Fail(value.Token, $"unexpected `{value.Text}', expected `TCP': only it has states");

        foreach (TcpState state in filter.PendingStates)
        {
            if (!filter.States.Contains(state)) filter.States.Add(state);
        }

        filter.PendingStates.Clear();
    }
}

/// <summary>The filter while it is read: several Filter blocks add up.</summary>
internal sealed class FilterDraft
{
    public bool InKernel { get; set; }

    public FilterAction ProtocolAction { get; set; }

    public List<FilterProtocol> Protocols { get; } = [];

    public FilterAction AddressAction { get; set; }

    public List<FilterNetwork> Networks { get; } = [];

    public FilterAction StateAction { get; set; }

    public List<TcpState> States { get; } = [];

    /// <summary>States read since the last <c>for TCP</c>.</summary>
    public List<TcpState> PendingStates { get; } = [];

    public FilterConfig Finish() => new()
    {
        InKernel = InKernel,
        ProtocolAction = ProtocolAction,
        Protocols = [.. Protocols],
        AddressAction = AddressAction,
        Networks = [.. Networks],
        StateAction = StateAction,
        States = [.. States],
    };
}
