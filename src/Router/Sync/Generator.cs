using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;
using TwinTrack.Router.Config;
using AddressFamily = System.Net.Sockets.AddressFamily;
using KernelFamily = TwinTrack.Conntrack.AddressFamily;

namespace TwinTrack.Router.Sync;

/// <summary>Where the daemon that the router runs has its files.</summary>
internal sealed record DaemonFiles
{
    public string Config { get; init; } = "/run/conntrackd/conntrackd.conf";

    public string Lock { get; init; } = "/var/lock/conntrack.lock";

    public string Control { get; init; } = "/var/run/conntrackd.ctl";
}

/// <summary>Makes the configuration of conntrackd of that of the router.</summary>
internal static class Generator
{
    private const uint Megabyte = 1 << 20;
    private const uint StandardHashSize = 32_768;
    private const uint StandardTableSize = 262_144;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte Icmp = 1;
    private const byte IcmpV6 = 58;
    private const byte Sctp = 132;
    private const byte Dccp = 33;

    /// <summary>The configuration of conntrackd.</summary>
    /// <param name="root">A configuration with the service, that passed its checks.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="files">Where files go.</param>
    public static DaemonConfig Make(ConfigNode root, Machine machine, DaemonFiles files)
    {
        SyncSettings sync = SyncSettings.Of(root)!;
        uint tableSize = sync.TableSize ?? machine.TableSize ?? StandardTableSize;
        return new()
        {
            General = new()
            {
                HashSize = sync.HashSize ?? machine.HashSize ?? StandardHashSize,
                HashLimit = (uint)Math.Min(2UL * tableSize, uint.MaxValue),
                Syslog = sync.DisableSyslog ? null : SyslogFacility.Daemon,
                LockFile = files.Lock,
                ControlPath = files.Control,
                NetlinkBufferSize = 2 * Megabyte,
                NetlinkBufferSizeMaxGrowth = sync.EventMegabytes * Megabyte,
                OverrunResyncSeconds = null,
                EventsReliable = true,
                Filter = Filter(sync, root, machine),
            },
            Sync = new()
            {
                Mode = SyncModeKind.Ftfw,
                PurgeSeconds = sync.PurgeSeconds,
                DisableExternalCache = sync.DisableExternalCache,
                StartupResync = sync.StartupResync,
                SyncExpectations = sync.Expectations.Count > 0,
                ExpectationHelpers =
                [
                    .. Schema.Helpers.Where(helper => sync.Expectations.Contains(helper.Word, StringComparer.Ordinal))
                        .SelectMany(helper => helper.Names),
                ],
                Links = [.. sync.Links.Select((link, index) => Link(link, index, sync, root, machine))],
            },
            Helper = new() { Types = [Helper("rpc", Tcp, 3), Helper("rpc", Udp, 4), Helper("tns", Tcp, 5)] },
        };
    }

    /// <summary>
    /// The address a link is bound to: the first that is listened on, else the first of the interface.
    /// </summary>
    public static IPAddress? OwnAddress(SyncLink link, ConfigNode root, Machine machine)
    {
        IPAddress[] own =
        [
            .. machine.AddressesOf(link.Name, root).Select(local => local.Address)
                .Where(address => address.AddressFamily == link.Family),
        ];
        IReadOnlyList<string> listen = root.At("service", "conntrack-sync")?.ValuesAt("listen-address") ?? [];
        return Array.Find(
            own, address => link.Peer is not null && listen.Contains(address.ToString(), StringComparer.Ordinal))
            ?? own.FirstOrDefault();
    }

    private static LinkConfig Link(
        SyncLink link, int index, SyncSettings sync, ConfigNode root, Machine machine) => new()
        {
            Kind = link.Peer is null ? LinkKind.Multicast : LinkKind.Udp,
            IsDefault = index == 0,
            Local = OwnAddress(link, root, machine),
            Remote = link.Peer ?? sync.Group,
            Port = link.Port,
            Interface = link.Name,
            SendBuffer = sync.QueueMegabytes * Megabyte,
            ReceiveBuffer = sync.QueueMegabytes * Megabyte,
        };

    private static FilterConfig? Filter(SyncSettings sync, ConfigNode root, Machine machine)
    {
        if (sync.Ignored.Count + sync.Protocols.Count == 0) return null;

        return new()
        {
            ProtocolAction = sync.Protocols.Count > 0 ? FilterAction.Accept : FilterAction.None,
            Protocols = [.. sync.Protocols.Select(word => Protocol(word))],
            AddressAction = sync.Ignored.Count > 0 ? FilterAction.Ignore : FilterAction.None,
            Networks =
            [
                .. sync.Ignored
                    .SelectMany(text => text == Rules.OwnTraffic ? OwnTraffic(sync, root, machine) : [text])
                    .Distinct(StringComparer.Ordinal).Select(Network).OrderBy(network => network.Family),
            ],
        };
    }

    // Loopback, the links with their partners or groups, and the groups of VRRP (RFC 5798, 5.1.1.2 and 5.1.2.2).
    private static IEnumerable<string> OwnTraffic(SyncSettings sync, ConfigNode root, Machine machine) =>
    [
        "127.0.0.0/8", "::1", "224.0.0.18", "ff02::12",
        .. sync.Links.SelectMany(link => new[] { OwnAddress(link, root, machine), link.Peer ?? sync.Group })
            .OfType<IPAddress>().Select(address => address.ToString()),
    ];

    private static FilterProtocol Protocol(string word) => new(
        Schema.Protocols.First(protocol => protocol.Word == word).Daemon,
        word switch
        {
            "tcp" => Tcp,
            "udp" => Udp,
            "icmp" => Icmp,
            "icmp6" => IcmpV6,
            "sctp" => Sctp,
            _ => Dccp,
        });

    private static FilterNetwork Network(string text)
    {
        Rules.TryNetwork(text, out IPAddress address, out int length);
        byte family = address.AddressFamily == AddressFamily.InterNetwork
            ? KernelFamily.IPv4
            : KernelFamily.IPv6;
        return new(family, Address.Read(address.GetAddressBytes()), length);
    }

    private static HelperTypeConfig Helper(string name, byte protocol, ushort queue) => new()
    {
        Name = name,
        Family = KernelFamily.IPv4,
        Protocol = protocol,
        QueueNumber = queue,
        Policies = [new(name, ExpectMax: 1, ExpectSeconds: 300)],
    };
}
