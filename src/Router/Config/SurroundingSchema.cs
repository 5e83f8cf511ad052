using static TwinTrack.Router.Config.Schema;

namespace TwinTrack.Router.Config;

/// <summary>What stands around conntrack-sync and is understood as far as it needs it.</summary>
internal static class SurroundingSchema
{
    private const string Number = "S13";

    private static readonly string[] _interfaceKinds =
        ["bonding", "bridge", "dummy", "ethernet", "geneve", "loopback", "vxlan", "wireless"];

    private static readonly string[] _modules = ["ftp", "h323", "nfs", "pptp", "rtsp", "sip", "sqlnet", "tftp"];
    private static readonly string[] _states = ["established", "invalid", "related"];

    public static SchemaNode HighAvailability() => Node(
        "high-availability", "Redundancy of this router",
        Node("vrrp", "Virtual Router Redundancy Protocol",
            Tag("group", "A virtual router",
                Tag("address", "Virtual address with its length", Leaf("interface", "Interface it is put on")),
                Leaf("advertise-interval", "Seconds between two announcements", Rules.Range(Number, 1, 255), "<1-255>"),
                Node("authentication", "Authentication of the announcements",
                    Leaf("type", "plaintext-password or ah"), Leaf("password", "The password")),
                Leaf("description", "A note"),
                Flag("disable", "Do not run it"),
                Tag("excluded-address", "Virtual address that is not announced"),
                Leaf("hello-source-address", "Source of the announcements", Rules.Address(Number), "<x.x.x.x>"),
                Node("health-check", "Whether this router can do its work",
                    Leaf("script", "Program that tells"), Leaf("interval", "Seconds between two runs"),
                    Leaf("failure-count", "Failures until it counts"), Leaf("ping", "Address that must answer")),
                Leaf("interface", "Interface of the announcements"),
                Flag("no-preempt", "Do not take the role back"),
                Leaf("peer-address", "Partner, instead of multicast", Rules.Address(Number), "<x.x.x.x>"),
                Leaf("preempt-delay", "Seconds before the role is taken back",
                    Rules.Range(Number, 0, 1000), "<0-1000>"),
                Leaf("priority", "Who is active: the higher", Rules.Range(Number, 1, 255), "<1-255>"),
                Flag("rfc3768-compatibility", "Use the virtual MAC address"),
                Leaf("vrid", "Number of the virtual router", Rules.Range(Number, 1, 255), "<1-255>")),
            Tag("sync-group", "Virtual routers that change their role together",
                Flag("disable", "Do not run it"),
                Multi("member", "A virtual router"),
                Node("transition-script", "Programs run when the role changes",
                    Leaf("master", "This router becomes active"), Leaf("backup", "It becomes passive"),
                    Leaf("fault", "It fails"), Leaf("stop", "VRRP ends")))));

    public static SchemaNode Cluster() => Node(
        "cluster", "The cluster mechanism of old routers",
        Leaf("dead-interval", "Milliseconds", Rules.Range(Number, 1, 29999), "<1-29999>"),
        Tag("group", "Resources that move together",
            Leaf("auto-failback", "true or false"), Multi("monitor", "Address that must answer"),
            Leaf("primary", "Host name"), Leaf("secondary", "Host name"), Multi("service", "Address or service")),
        Multi("interface", "Interface of the heartbeat"),
        Leaf("keepalive-interval", "Milliseconds", Rules.Range(Number, 1, 29999), "<1-29999>"),
        Leaf("mcast-group", "Group of the heartbeat", Rules.Address(Number), "<x.x.x.x>"),
        Leaf("monitor-dead-interval", "Milliseconds", Rules.Range(Number, 1, 29999), "<1-29999>"),
        Leaf("pre-shared-secret", "The secret"));

    public static SchemaNode Interfaces() => Node(
        "interfaces", "Network interfaces",
        [.. _interfaceKinds.Select(kind =>
            Tag(kind, "Interfaces of this kind", [.. Interface(), Tag("vif", "VLAN", Interface())]))]);

    public static SchemaNode System() => Node(
        "system", "The system",
        Leaf("host-name", "Name of this router"),
        Node("conntrack", "Connection tracking",
            Leaf("expect-table-size", "Most expectations", Rules.Range(Number, 1, 50_000_000), "<1-50000000>"),
            Flag("flow-accounting", "Count packets and bytes"),
            Leaf("hash-size", "Buckets of the table", Rules.Range(Number, 1, 50_000_000), "<1-50000000>"),
            Node("modules", "Helpers of the kernel",
                [.. _modules.Select(name => Flag(name, "Use this helper"))]),
            Leaf("table-size", "Most flows", Rules.Range(Number, 1, 50_000_000), "<1-50000000>"),
            Node("tcp", "TCP",
                Leaf("half-open-connections", "Most of them", Rules.Range(Number, 1, int.MaxValue), "<1-2147483647>"),
                Leaf("loose", "Take up connections in their midst", Rules.Words(Number, "enable", "disable")),
                Leaf("max-retrans", "Repetitions", Rules.Range(Number, 1, 255), "<1-255>"))));

    public static SchemaNode Firewall() => Node(
        "firewall", "Packet filter",
        StatePolicy("state-policy"),
        Node("global-options", "What holds for all rules", StatePolicy("state-policy")));

    private static SchemaNode[] Interface() =>
        [Multi("address", "Address with its length"), Leaf("description", "A note"), Leaf("hw-id", "MAC address")];

    private static SchemaNode StatePolicy(string name) => Node(
        name, "What happens to packets by the state of their connection",
        [.. _states.Select(state => Node(
            state, "Packets of this state",
            Leaf("action", "What happens to them", Rules.Words(Number, "accept", "drop", "reject")) with
            {
                Words = [("accept", ""), ("drop", ""), ("reject", "")],
            },
            Flag("log", "Write them to the log")))]);
}
