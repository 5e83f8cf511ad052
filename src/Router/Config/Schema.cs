namespace TwinTrack.Router.Config;

/// <summary>The configuration tree: conntrack-sync, and of its surroundings what it needs.</summary>
internal static class Schema
{
    private const long MostMegabytes = 2047; // times 1048576 still fits the 32 bits of the daemon's numbers

    /// <summary>Protocols that can be chosen, with their long names and the names of conntrackd.</summary>
    public static readonly IReadOnlyList<(string Word, string Help, string Daemon)> Protocols =
    [
        ("tcp", "Transmission Control Protocol", "TCP"), ("udp", "User Datagram Protocol", "UDP"),
        ("icmp", "Internet Control Message Protocol", "ICMP"), ("icmp6", "the same for IPv6", "IPv6-ICMP"),
        ("sctp", "Stream Control Transmission Protocol", "SCTP"),
        ("dccp", "Datagram Congestion Control Protocol", "DCCP"),
    ];

    /// <summary>Helpers whose expectations can be replicated, and what the kernel calls them.</summary>
    public static readonly IReadOnlyList<(string Word, string[] Names)> Helpers =
    [
        ("ftp", ["ftp"]), ("sip", ["sip"]), ("h323", ["RAS", "Q.931", "H.245"]), ("nfs", ["rpc"]),
        ("sqlnet", ["tns"]),
    ];

    /// <summary>The root.</summary>
    public static readonly SchemaNode Root = Node(
        "", "",
        Node("service", "Services of this router", ConntrackSync()),
        SurroundingSchema.HighAvailability(),
        SurroundingSchema.Cluster(),
        SurroundingSchema.Interfaces(),
        SurroundingSchema.System(),
        SurroundingSchema.Firewall());

    public static SchemaNode Node(string name, string help, params SchemaNode[] children) =>
        new(name, NodeKind.Node, help, null, children);

    public static SchemaNode Tag(string name, string help, params SchemaNode[] children) =>
        new(name, NodeKind.Tag, help, null, children);

    public static SchemaNode Leaf(string name, string help, ValueRule? rule = null, string hint = "<text>") =>
        new(name, NodeKind.Leaf, help, rule) { Hint = hint };

    public static SchemaNode Multi(string name, string help, ValueRule? rule = null, string hint = "<text>") =>
        new(name, NodeKind.Multi, help, rule) { Hint = hint };

    public static SchemaNode Flag(string name, string help) => new(name, NodeKind.Flag, help);

    private static SchemaNode ConntrackSync() => Node(
        "conntrack-sync", "Replicate connection tracking state to a partner router",
        Multi("accept-protocol", "Replicate only flows of these protocols",
            Rules.Words("S04", [.. Protocols.Select(protocol => protocol.Word)])) with
        {
            Words = [.. Protocols.Select(protocol => (protocol.Word, protocol.Help))],
        },
        Flag("disable-external-cache", "Put received flows straight into the kernel table"),
        Flag("disable-syslog", "Keep the daemon out of the system log"),
        Leaf("event-listen-queue-size", "Ceiling of the kernel event buffer (MB)",
            Rules.Range("S11", 1, MostMegabytes), "<1-2047>"),
        Multi("expect-sync", "Replicate expected (secondary) flows of these helpers",
            Rules.Words("S05", "all", "ftp", "sip", "h323", "nfs", "sqlnet")) with
        {
            Words = [("all", ""), ("ftp", ""), ("sip", ""), ("h323", ""), ("nfs", ""), ("sqlnet", "")],
        },
        Node("failover-mechanism", "What tells this router that it is active (required)",
            Node("vrrp", "A sync-group of VRRP", Leaf("sync-group", "Name of the group")),
            Node("cluster", "A group of the cluster", Leaf("group", "Name of the group"))),
        Multi("ignore-address", "Never replicate flows from or to this address or prefix",
            Rules.Ignored, $"<x.x.x.x> <x.x.x.x/x> <h:h:h:h:h:h:h:h> <h:h:h:h:h:h:h:h/x> {Rules.OwnTraffic}"),
        Tag("interface", "Link used for replication (required)",
            Leaf("peer", "Partner address; turns the link from multicast to unicast", Rules.Address("S07"),
                "<x.x.x.x> <h:h:h:h:h:h:h:h>"),
            Leaf("port", "UDP port of this link", Rules.Range("S08", 1, 65535), "<1-65535>")),
        Multi("listen-address", "Local address the unicast link binds to", Rules.Address("S09"),
            "<x.x.x.x> <h:h:h:h:h:h:h:h>"),
        Leaf("mcast-group", "Group used by multicast links", Rules.Multicast, "<x.x.x.x>"),
        Leaf("purge-timeout", "Seconds between losing the active role and clearing the kernel table",
            Rules.Range("S12", 1, int.MaxValue), "<1-2147483647>"),
        Flag("startup-resync", "Ask the partner for everything when the service starts"),
        Leaf("sync-queue-size", "Socket buffer of the replication links (MB)",
            Rules.Range("S11", 1, MostMegabytes), "<1-2047>"));
}
