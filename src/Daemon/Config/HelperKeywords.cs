using TwinTrack.Conntrack;
using TwinTrack.Helpers;

namespace TwinTrack.Daemon.Config;

/// <summary>Section Helper.</summary>
internal static class HelperKeywords
{
    /// <summary>IPPROTO_TCP.</summary>
    public const byte Tcp = 6;

    private const byte Udp = 17;   // IPPROTO_UDP
    private const int LongestPolicyName = 16;
    private const uint MostExpectations = 255; // NF_CT_EXPECT_MAX_CNT

    private static readonly Block Policy = new("Policy",
    [
        new("ExpectMax", "Most expectations per master flow.")
        {
            Value = ValueKind.Number,
            Most = MostExpectations,
            Set = (draft, value) => SetPolicy(draft, policy => policy with { ExpectMax = value.Number }),
        },
        new("ExpectTimeout", "Life time of an expectation in seconds.")
        {
            Value = ValueKind.Number,
            Set = (draft, value) => SetPolicy(draft, policy => policy with { ExpectSeconds = value.Number }),
        },
    ]);

    private static readonly Block Type = new("Type",
    [
        new("QueueNum", "Netfilter queue the packets come from.")
        {
            Value = ValueKind.Number,
            Most = ushort.MaxValue,
            Default = "0",
            Set = (draft, value) => draft.Helper!.Type!.QueueNumber = (ushort)value.Number,
        },
        new("QueueLen", "Length of that queue.")
        {
            Value = ValueKind.Number,
            Default = "1024",
            Set = (draft, value) => draft.Helper!.Type!.QueueLength = value.Number,
        },
        new("FailOpen", "Packets that find the queue full pass unseen instead of being dropped.")
        {
            Value = ValueKind.Bool,
            Default = "on",
            IsOurs = true,
            Set = (draft, value) => draft.Helper!.Type!.FailOpen = value.On,
        },
        new("MinimumPort", "The lowest port the helper opens.")
        {
            Value = ValueKind.Number,
            Most = ushort.MaxValue,
            IsOurs = true,
            Set = (draft, value) => draft.Helper!.Type!.LeastPort = (ushort)value.Number,
        },
        new("Policy", "Limits of the expectations this helper announces; named like the helper.")
        {
            Arguments = [new("name")],
            Body = Policy,
            Open = OpenPolicy,
            Close = ClosePolicy,
        },
    ]);

    public static readonly Block Helper = new("Helper",
    [
        new("Setup", "Register the helpers with the kernel.")
        {
            Value = ValueKind.Bool,
            Default = "off",
            Set = (draft, value) => draft.Helper!.Setup = value.On,
        },
        new("Type", "A helper, its layer 3 protocol (inet, inet6) and its layer 4 protocol (tcp, udp).")
        {
            Arguments = [new("name"), new("layer 3"), new("layer 4")],
            Body = Type,
            Open = OpenType,
            Close = CloseType,
        },
    ]);

    private static void OpenType(ConfigDraft draft, Token at, Token?[] arguments)
    {
        (Token name, Token layer3, Token layer4) = (arguments[0]!.Value, arguments[1]!.Value, arguments[2]!.Value);
        Helper? known = null;
        byte family = layer3.Text switch
        {
            "inet" => AddressFamily.IPv4,
            "inet6" => AddressFamily.IPv6,
            _ => AddressFamily.Unspecified,
        };
        byte protocol = layer4.Text switch { "tcp" => Tcp, "udp" => Udp, _ => 0 };

        if (family == AddressFamily.Unspecified) draft.Fail(layer3, "unknown layer 3 protocol, expected inet or inet6");
        else if (protocol == 0) draft.Fail(layer4, "unknown layer 4 protocol, expected tcp or udp");
        else if (HelperTable.All.All(helper => helper.Name != name.Text))
            draft.Fail(name, $"Unknown `{name.Text}' helper, expected {Names()}");
        else if ((known = HelperTable.Find(name.Text, protocol)) is null)
            draft.Fail(layer4, $"Unknown `{name.Text}' helper, expected {(protocol == Tcp ? "udp" : "tcp")} for it");
        draft.Helper!.Type = new HelperTypeDraft(name.Text, family, protocol, known);
    }

    private static void CloseType(ConfigDraft draft, Token at)
    {
        draft.Helper!.Types.Add(draft.Helper.Type!);
        draft.Helper.Type = null;
    }

    private static void OpenPolicy(ConfigDraft draft, Token at, Token?[] arguments)
    {
        Token name = arguments[0]!.Value;
        HelperTypeDraft type = draft.Helper!.Type!;
        if (name.Text.Length > LongestPolicyName)
            draft.Fail(name, $"Helper Policy is longer than {LongestPolicyName} characters");
        else if (type.Known is { } known && known.Name != name.Text)
            draft.Fail(name, $"Unknown policy `{name.Text}' in helper configuration, expected `{known.Name}'");

        // What the block leaves out keeps its built-in value.
        type.Policy = type.BuiltInPolicy ?? new HelperPolicyConfig(name.Text, 0, 0);
        type.PolicyIsEmpty = true;
    }

    private static void ClosePolicy(ConfigDraft draft, Token at)
    {
        if (draft.Helper!.Type!.PolicyIsEmpty)
            draft.Fail(at, "Helper policy configuration empty, fix your configuration file, please");
    }

    private static void SetPolicy(ConfigDraft draft, Func<HelperPolicyConfig, HelperPolicyConfig> change)
    {
        HelperTypeDraft type = draft.Helper!.Type!;
        type.Policy = change(type.Policy!);
        type.PolicyIsEmpty = false;
    }

    private static string Names() =>
        string.Join(", ", HelperTable.All.Select(helper => helper.Name).Distinct(StringComparer.Ordinal));
}

/// <summary>Section Helper while it is read.</summary>
internal sealed class HelperDraft
{
    public bool Setup { get; set; }

    public List<HelperTypeDraft> Types { get; } = [];

    /// <summary>The helper whose block is open.</summary>
    public HelperTypeDraft? Type { get; set; }

    public HelperConfig Finish() => new() { Setup = Setup, Types = [.. Types.Select(type => type.Finish())] };
}

/// <summary>A Type block while it is read.</summary>
internal sealed class HelperTypeDraft(string name, byte family, byte protocol, Helper? known)
{
    public Helper? Known { get; } = known;

    public ushort QueueNumber { get; set; }

    public uint QueueLength { get; set; }

    public bool FailOpen { get; set; } = true;

    public ushort? LeastPort { get; set; }

    public HelperPolicyConfig? BuiltInPolicy =>
        Known is { } helper ? new(helper.Name, helper.ExpectMax, helper.ExpectSeconds) : null;

    public HelperPolicyConfig? Policy { get; set; }

    public bool PolicyIsEmpty { get; set; }

    public HelperTypeConfig Finish() => new()
    {
        Name = name,
        Family = family,
        Protocol = protocol,
        QueueNumber = QueueNumber,
        QueueLength = QueueLength,
        FailOpen = FailOpen,
        LeastPort = LeastPort,
        Policies = [Policy ?? BuiltInPolicy!],
    };
}
