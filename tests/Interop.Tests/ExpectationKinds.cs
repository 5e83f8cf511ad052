using TwinTrack.Conntrack;
using IP = TwinTrack.Conntrack.IpProtocol;

namespace TwinTrack.Interop.Tests;

/// <summary>An expectation and the flow it belongs to.</summary>
internal sealed record ExpectationKind(string Name, PackedFlow Master, PackedExpectation Expectation);

/// <summary>Expectations of every kind there is, by name; each has a master of its own.</summary>
internal static class ExpectationKinds
{
    private const string Client = "10.81.1.2";
    private const string Server = "10.81.2.2";
    private const string Client6 = "fd81:1::2";
    private const string Server6 = "fd81:2::2";

    /// <summary>Helpers of this kernel: name, protocol and port of the master, protocol of what they expect.</summary>
    /// <remarks>
    /// These are all kernel helpers that a configuration or the router command line can name. H.323 is RAS, Q.931 and
    /// H.245. The expectations are made by hand: for most of them there is no client and no server here.
    /// </remarks>
    public static IReadOnlyList<(string Helper, byte Protocol, ushort Port, byte Expected)> Helpers { get; } =
    [
        ("ftp", IP.Tcp, 21, IP.Tcp),
        ("sip", IP.Udp, 5060, IP.Udp),
        ("RAS", IP.Udp, 1719, IP.Tcp),
        ("Q.931", IP.Tcp, 1720, IP.Tcp),
        ("H.245", IP.Udp, 32_000, IP.Udp),   // H.245 runs over TCP, the kernel knows the name for UDP
        ("tftp", IP.Udp, 69, IP.Udp),
        ("irc", IP.Tcp, 6667, IP.Tcp),
        ("pptp", IP.Tcp, 1723, IP.Gre),
        ("sane", IP.Tcp, 6566, IP.Tcp),
        ("amanda", IP.Udp, 10_080, IP.Tcp),
        ("snmp", IP.Udp, 161, IP.Udp),
    ];

    /// <summary>The one whose expectations live for three seconds only.</summary>
    public static ExpectationKind ShortLived { get; } = Of(
        "netbios-ns", "netbios-ns", FlowTuple.Of(IP.Udp, Client, 44_999, Server, 137), IP.Udp, 49_999);

    /// <summary>
    /// Helpers that run in user space: the kernel knows them only once a daemon has registered them with cthelper,
    /// which this kernel lacks.
    /// </summary>
    public static IReadOnlyList<string> UserSpaceHelpers { get; } = ["tns", "rpc", "mdns", "slp", "ssdp", "dhcpv6"];

    /// <summary>One of each helper.</summary>
    public static IEnumerable<ExpectationKind> OfHelpers() => Helpers.Select((row, index) => Of(
        row.Helper, row.Helper, FlowTuple.Of(row.Protocol, Client, (ushort)(45_000 + index), Server, row.Port),
        row.Expected, (ushort)(50_000 + index)));

    /// <summary>One of each kind of content.</summary>
    /// <param name="withZones">Also those that the original does not replicate.</param>
    public static IEnumerable<ExpectationKind> OfContent(bool withZones)
    {
        yield return Change(Ftp("translated", 1), Translate);
        yield return Change(Ftp("translated over IPv6", 2, Client6, Server6), Translate);
        yield return Change(Ftp("to any source port and address", 3), (ref PackedExpectation expectation) =>
            expectation.Mask.Source = default);
        FlowTuple sip = FlowTuple.Of(IP.Udp, Client, 46_004, Server, 5060);
        yield return Change(Of("class and flags", "sip", sip, IP.Udp, 51_004), (ref PackedExpectation expectation) =>
        {
            expectation.Class = 1;
            expectation.Flags = ExpectationFlags.Permanent | ExpectationFlags.Inactive;
            expectation.Fields |= ExpectationFields.Class | ExpectationFields.Flags;
        });
        if (!withZones) yield break;

        ExpectationKind zoned = Ftp("in a zone", 5);
        PackedFlow master = zoned.Master;
        master.Zone = 7;
        master.Fields |= FlowFields.Zone;
        PackedExpectation inZone = zoned.Expectation;
        inZone.Zone = 7;
        inZone.Fields |= ExpectationFields.Zone;
        yield return zoned with { Master = master, Expectation = inZone };
    }

    private delegate void Changing(ref PackedExpectation expectation);

    private static ExpectationKind Ftp(string name, int number, string from = Client, string to = Server) => Of(
        name, "ftp", FlowTuple.Of(IP.Tcp, from, (ushort)(46_000 + number), to, 21), IP.Tcp,
        (ushort)(51_000 + number));

    private static ExpectationKind Of(
        string name, string helper, FlowTuple control, byte protocol, ushort port)
    {
        var expectation = new Expectation
        {
            Master = control,
            Tuple = control with { Protocol = protocol, SourcePort = 0, DestinationPort = port },
            Mask = Mask(control.Family, protocol),
            Timeout = 100,
            Helper = helper,
            Class = 0,
            Flags = ExpectationFlags.None,
        };
        return new ExpectationKind(name, Master(control, helper), expectation.Packed);
    }

    private static PackedFlow Master(FlowTuple control, string helper)
    {
        var flow = new Flow(control)
        {
            Timeout = 600,
            Status = FlowStatus.Confirmed | FlowStatus.SeenReply | FlowStatus.Assured,
            Helper = helper,
        };
        if (control.Protocol == IP.Tcp) flow.TcpState = TcpState.Established;
        return flow.Packed;
    }

    private static FlowTuple Mask(byte family, byte protocol)
    {
        string all = family == AddressFamily.IPv4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        return FlowTuple.Of(protocol, all, 0, all, 65_535);
    }

    // As nf_nat_ftp does, but for the address: it leaves that zero, others do not.
    private static void Translate(ref PackedExpectation expectation)
    {
        bool isIPv4 = expectation.Tuple.Family == AddressFamily.IPv4;
        string any = isIPv4 ? "0.0.0.0" : "::";
        expectation.NatTuple = FlowTuple.Of(IP.Tcp, isIPv4 ? "10.81.1.9" : "fd81:1::9", 6_000, any, 0);
        expectation.NatDirection = 1;
        "nat-follow-master"u8.CopyTo(expectation.Function);
        expectation.Fields |=
            ExpectationFields.NatTuple | ExpectationFields.NatDirection | ExpectationFields.Function;
    }

    private static ExpectationKind Change(ExpectationKind kind, Changing change)
    {
        PackedExpectation changed = kind.Expectation;
        change(ref changed);
        return kind with { Expectation = changed };
    }
}
