using System.Net;
using TwinTrack.Conntrack;

namespace TwinTrack.Daemon.Config;

/// <summary>The dedicated links of section Sync.</summary>
internal static class LinkKeywords
{
    private const string PeerHelp = "Address of the peer; in a UDP block once for each peer, at most 32.";

    private static readonly Keyword[] Common =
    [
        new("Interface", "Interface of the link: its MTU and state, and the scope of IPv6 addresses.")
        {
            Value = ValueKind.Name,
            Expected = "the name of an interface",
            Set = SetInterface,
        },
        new("SndSocketBuffer", "Send buffer of the socket in bytes.")
        {
            Value = ValueKind.Number,
            Most = int.MaxValue,
            Set = (draft, value) => draft.Sync!.Link!.SendBuffer = value.Number,
        },
        new("RcvSocketBuffer", "Receive buffer of the socket in bytes.")
        {
            Value = ValueKind.Number,
            Most = int.MaxValue,
            Set = (draft, value) => draft.Sync!.Link!.ReceiveBuffer = value.Number,
        },
    ];

    private static readonly Keyword Checksum = new("Checksum", "Send with UDP checksum.")
    {
        Value = ValueKind.Bool,
        Default = "on",
        Set = (draft, value) => draft.Sync!.Link!.Checksum = value.On,
    };

    private static readonly Block Multicast = new("Multicast",
    [
        LinkAddress("IPv4_address", "Address of the group.", AddressFamily.IPv4, SetGroup),
        LinkAddress("IPv6_address", "Address of the group.", AddressFamily.IPv6, SetGroup),
        LinkAddress("IPv4_interface", "Own address on the link.", AddressFamily.IPv4, SetGroupInterface),
        new("IPv6_interface", "Ignored: Interface says it.")
        {
            Value = ValueKind.Address,
            IsDeprecated = true,
            Set = (draft, value) => draft.Warn(value.Token, "`IPv6_interface' not required, ignoring"),
        },
        Port("Group", "UDP port of all members."),
        .. Common,
        Checksum,
    ]);

    private static readonly Keyword[] OneToOne =
    [
        LinkAddress("IPv4_address", "Own address to listen on.", AddressFamily.IPv4, (_, link, at) => link.Local4 = at),
        LinkAddress("IPv6_address", "Own address to listen on.", AddressFamily.IPv6, (_, link, at) => link.Local6 = at),
        LinkAddress("IPv4_Destination_Address", PeerHelp, AddressFamily.IPv4, SetPeer),
        LinkAddress("IPv6_Destination_Address", PeerHelp, AddressFamily.IPv6, SetPeer),
        Port("Port", "Port of both sides."),
        .. Common,
    ];

    private static readonly Block Udp = new("UDP", [.. OneToOne, Checksum]);

    private static readonly Block Tcp = new("TCP",
    [
        .. OneToOne,
        new("Checksum", "Ignored: TCP always has one.")
        {
            Value = ValueKind.Bool,
            IsDeprecated = true,
            Set = (draft, value) => draft.WarnAtStart(value.Token, "`Checksum' has no effect on a TCP link, ignoring"),
        },
        new("ErrorQueueLength", "Buffers kept for retry while the peer is away; one value for all links.")
        {
            Value = ValueKind.Number,
            Default = "128",
            Set = (draft, value) => draft.Sync!.Values = draft.Sync.Values with
            {
                ErrorQueueLength = value.Number == 0 ? 128 : value.Number,
            },
        },
    ]);

    public static readonly Keyword[] All =
    [
        Link("Multicast", "A dedicated link: UDP to a group.", LinkKind.Multicast, Multicast),
        Link("UDP", "A dedicated link: UDP to one peer, or to several.", LinkKind.Udp, Udp),
        Link("TCP", "A dedicated link: TCP to one peer.", LinkKind.Tcp, Tcp),
    ];

    /// <summary>The name of a kind of link in the file.</summary>
    public static string NameOf(LinkKind kind) => All[(int)kind].Name;

    private static Keyword Link(string name, string help, LinkKind kind, Block body) => new(name, help)
    {
        Arguments = [new("Default", "Default") { IsOptional = true }],
        Body = body,
        Open = (draft, at, arguments) => Open(draft, at, kind, isDefault: arguments[0] is not null),
        Close = (draft, _) => Close(draft),
    };

    private static Keyword Port(string name, string help) => new(name, help)
    {
        Value = ValueKind.Number,
        Least = 1,
        Most = ushort.MaxValue,
        Set = (draft, value) => draft.Sync!.Link!.Port = (ushort)value.Number,
    };

    private static Keyword LinkAddress(
        string name, string help, byte family, Action<ConfigDraft, LinkDraft, PlacedAddress> set)
    {
        return new Keyword(name, help)
        {
            Value = ValueKind.Address,
            Expected = family == AddressFamily.IPv4 ? "an IPv4 address" : "an IPv6 address",
            Set = (draft, value) =>
            {
                if (AddressSyntax.TryParse(value.Text, family, out _))
                    set(draft, draft.Sync!.Link!, new PlacedAddress(IPAddress.Parse(value.Text), value.Token));
                else
                    draft.Fail(value.Token, Invalid(value.Text, family));
            },
        };
    }

    private static string Invalid(string text, byte family)
    {
        string problem = $"{text} is not a valid {(family == AddressFamily.IPv4 ? "IPv4" : "IPv6")} address";
        return text.Contains('/') ? $"{problem}, expected one without prefix length" : problem;
    }

    private static void Open(ConfigDraft draft, Token at, LinkKind kind, bool isDefault)
    {
        SyncDraft sync = draft.Sync!;
        if (sync.Links.Exists(link => link.Kind != kind))
            draft.Fail(at, $"cannot use `{at.Text}' with other dedicated link protocols!");
        else if (sync.Links.Count == SyncConfig.MostLinks)
            draft.Fail(at, $"too many dedicated links in the configuration file (Maximum: {SyncConfig.MostLinks})");
        sync.Link = new LinkDraft(kind, at, isDefault) { ErrorsBefore = draft.ErrorCount };
    }

    // After an error inside the block, what is missing may only seem so.
    private static void Close(ConfigDraft draft)
    {
        LinkDraft link = draft.Sync!.Link!;
        if (draft.ErrorCount == link.ErrorsBefore && link.Finish(draft) is { } config) draft.Sync.Links.Add(config);
        draft.Sync.Link = null;
    }

    private static void SetInterface(ConfigDraft draft, Value value)
    {
        const int longestName = 15;   // IFNAMSIZ without its NUL
        string name = value.Text;
        if (name.Length > longestName)
            draft.Fail(value.Token, $"`{name}' is too long, an interface name has at most {longestName} characters");
        else if (name.All(char.IsAsciiDigit))
            draft.Fail(value.Token, $"unexpected number `{name}', expected the name of an interface");
        else
            draft.Sync!.Link!.Interface = name;
    }

    private static void SetPeer(ConfigDraft draft, LinkDraft link, PlacedAddress peer)
    {
        if (peer.Address.Equals(IPAddress.Any) || peer.Address.Equals(IPAddress.IPv6Any))
            draft.Fail(peer.At, $"nothing can be sent to {peer.At.Text}, expected the address of the peer");
        else if ((peer.IsIPv4 ? link.Remote4 : link.Remote6) is not { } first)
            _ = peer.IsIPv4 ? link.Remote4 = peer : link.Remote6 = peer;
        else if (!link.MorePeers.Prepend(first).Any(known => known.Address.Equals(peer.Address)))
            link.MorePeers.Add(peer);
    }

    private static void SetGroup(ConfigDraft draft, LinkDraft link, PlacedAddress group)
    {
        if (!group.IsMulticast)
        {
            draft.Fail(group.At, $"{group.At.Text} is not a multicast address, expected one from "
                + (group.IsIPv4 ? "224.0.0.0 to 239.255.255.255" : "ff00::/8"));
        }
        else if (group.IsIPv4)
        {
            link.Remote4 = group;
            if (link.Remote6 is not null) draft.Fail(group.At, LinkDraft.AddressNotIPv6);
        }
        else
        {
            link.Remote6 = group;
            if (link.Remote4 is not null) draft.Fail(group.At, LinkDraft.AddressNotIPv4);
            else if (link.Local4 is not null) draft.Warn(group.At, LinkDraft.AddressNotIPv4);
        }
    }

    private static void SetGroupInterface(ConfigDraft draft, LinkDraft link, PlacedAddress own)
    {
        link.Local4 = own;
        if (link.Remote6 is not null) draft.Warn(own.At, LinkDraft.InterfaceNotIPv6);
    }
}
