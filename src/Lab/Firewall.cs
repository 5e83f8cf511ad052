using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Lab;

/// <summary>A stateful firewall in a namespace: passes the client's flows and the link to its peer only.</summary>
/// <remarks>
/// New flows only by the client: UDP, or TCP that begins with a SYN; what conntrack calls invalid is dropped.
/// </remarks>
public sealed class Firewall : IDisposable
{
    /// <summary>The interface of the link between the firewalls, of the first one if there are several.</summary>
    public const string SyncInterface = "sync0";

    private const byte SyncNetwork = 3;
    private const string Table = "twintrack_lab";
    private const string LossTable = "twintrack_loss";
    private const int Announcements = 3;

    private readonly byte _number;
    private readonly TopologyOptions _options;
    private readonly List<GratuitousArp> _announcements = [];

    /// <summary>One that has nothing but links to its peers, which whoever made the namespace gives it.</summary>
    /// <param name="home">Where it lives.</param>
    /// <param name="number">Its number, the last byte of its address on the link.</param>
    public static Firewall WithoutLans(NetNamespace home, byte number) => new(home, number, new TopologyOptions());

    internal Firewall(NetNamespace home, byte number, TopologyOptions options)
    {
        Namespace = home;
        _number = number;
        _options = options;
    }

    /// <summary>The LAN of the client.</summary>
    public static FirewallSide ClientSide { get; } = new("lan0", 1);

    /// <summary>The LAN of the server.</summary>
    public static FirewallSide ServerSide { get; } = new("wan0", 2);

    /// <summary>Where it lives.</summary>
    public NetNamespace Namespace { get; }

    /// <summary>Its own address on the link between the firewalls.</summary>
    public IPAddress SyncAddress => SyncLink(0).Address;

    /// <summary>The other one's address on that link.</summary>
    public IPAddress PeerSyncAddress => SyncLink(0).PeerAddress;

    /// <summary>The interfaces of so many links between the firewalls.</summary>
    public static IEnumerable<string> SyncInterfaces(int count) =>
        Enumerable.Range(0, count).Select(static index => $"sync{index}");

    /// <summary>One of the links between the firewalls, for a configuration file.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="isIPv6">Over which family.</param>
    public SyncLink SyncLink(int index, bool isIPv6 = false) => new()
    {
        Address = SyncAddressOf(index, _number, isIPv6),
        PeerAddress = SyncAddressOf(index, (byte)(3 - _number), isIPv6),
        Interface = $"sync{index}",
    };

    private static IPAddress SyncAddressOf(int index, byte number, bool isIPv6) => isIPv6
        ? new([0xfd, 0x77, 0, (byte)(SyncNetwork + index), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number])
        : new([10, 77, (byte)(SyncNetwork + index), number]);

    /// <summary>The MAC address of one of its interfaces: 02:00:0a:4d:SIDE:FIREWALL.</summary>
    public string HardwareAddress(FirewallSide side)
    {
        ArgumentNullException.ThrowIfNull(side);
        return string.Create(CultureInfo.InvariantCulture, $"02:00:0a:4d:{side.Network:x2}:{_number:x2}");
    }

    /// <summary>Flows in the kernel's table.</summary>
    public uint CountFlows() => Namespace.Run(() =>
    {
        using var client = new ConntrackClient();
        client.Count(out TableSize size).ThrowIfFailed("count the flows");
        return size.Entries;
    });

    /// <summary>TCP packets with SYN that came in from either LAN since it was built.</summary>
    public ulong SynPackets() => ReadCounter("syn_seen");

    /// <summary>Packets forwarded since it was built.</summary>
    public ulong ForwardedPackets() => ReadCounter("forwarded");

    /// <summary>Drops packets that come in over links between the firewalls, at random.</summary>
    /// <param name="percent">0 for none, 100 for all.</param>
    /// <param name="device">The interface; all of them if it is left out. Others lose nothing.</param>
    public void SetSyncLoss(int percent, string device = "sync*")
    {
        ArgumentOutOfRangeException.ThrowIfNegative(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100);
        string verdict = percent switch
        {
            0 => "accept",
            100 => "drop",
            _ => $"numgen random mod 100 < {percent} drop",
        };
        Nft(
            $$"""
            add table inet {{LossTable}}
            delete table inet {{LossTable}}
            add table inet {{LossTable}}
            add chain inet {{LossTable}} arrive { type filter hook prerouting priority -400; }
            add rule inet {{LossTable}} arrive iifname "{{device}}" {{verdict}}

            """);
    }

    /// <summary>Takes the virtual addresses and tells both LANs, as a fail-over manager does.</summary>
    public void TakeVirtualAddresses()
    {
        AddVirtualAddresses();
        for (int i = 0; i < Announcements; i++)
        {
            foreach (GratuitousArp announcement in _announcements) announcement.Send();
        }
    }

    /// <summary>Cuts the firewall off: all its links go down.</summary>
    public void SetLinksDown() => SetLinks("down");

    /// <summary>Takes one of the links between the firewalls down: the other side sees the carrier go.</summary>
    /// <param name="link">From 0.</param>
    public void SetSyncLinkDown(int link) => Namespace.Ip($"link set {SyncLink(link).Interface} down\n");

    /// <summary>Takes the links up again after <see cref="SetLinksDown"/>.</summary>
    public void SetLinksUp() => SetLinks("up");

    /// <summary>Closes its sockets.</summary>
    public void Dispose()
    {
        foreach (GratuitousArp announcement in _announcements) announcement.Dispose();
        _announcements.Clear();
    }

    internal void AddVirtualAddresses() => Namespace.Ip(
        $"""
        address replace {ClientSide.VirtualAddress}/24 dev {ClientSide.Interface}
        address replace {ServerSide.VirtualAddress}/24 dev {ServerSide.Interface}

        """);

    /// <summary>Gives up the virtual addresses.</summary>
    public void DropVirtualAddresses() => Namespace.Ip(
        $"""
        address del {ClientSide.VirtualAddress}/24 dev {ClientSide.Interface}
        address del {ServerSide.VirtualAddress}/24 dev {ServerSide.Interface}

        """);

    internal void Configure()
    {
        Namespace.WriteSetting("net/ipv4/ip_forward", "1");
        Nft(Rules());
        if (!Namespace.Run(() => File.Exists("/proc/sys/net/netfilter/nf_conntrack_tcp_loose")))
            throw new LabException("the kernel lacks connection tracking (module nf_conntrack)");

        // A connection met in the middle is invalid: only replicated state can save it.
        Namespace.WriteSetting("net/netfilter/nf_conntrack_tcp_loose", "0");
        foreach (string scope in (string[])["all", "default", ClientSide.Interface, ServerSide.Interface])
        {
            Namespace.WriteSetting($"net/ipv4/conf/{scope}/rp_filter", "0");
            Namespace.WriteSetting($"net/ipv4/conf/{scope}/send_redirects", "0");
        }

        Namespace.Ip(
            $"""
            link set lo up
            address add {ClientSide.Address(_number)}/24 dev {ClientSide.Interface}
            address add {ServerSide.Address(_number)}/24 dev {ServerSide.Interface}
            {string.Join('\n', SyncInterfaces(_options.SyncLinks).Select(AddressLine))}

            """);
        SetLinksUp();
        _announcements.Add(Announcement(ClientSide));
        _announcements.Add(Announcement(ServerSide));
        if (!_options.SyncIPv6) return;
        foreach ((int index, string device) in SyncInterfaces(_options.SyncLinks).Index())
            AddIPv6Address(device, index);
    }

    private string AddressLine(string device, int index) => $"address add {SyncLink(index).Address}/24 dev {device}";

    /// <summary>Gives a new interface of a link between the firewalls its addresses and takes it up.</summary>
    internal void ConfigureSync(int index)
    {
        string device = SyncLink(index).Interface;
        Namespace.Ip($"{AddressLine(device, index)}\nlink set {device} up\n");
        if (_options.SyncIPv6) AddIPv6Address(device, index);
    }

    // Without duplicate detection, so that it can be used at once.
    private void AddIPv6Address(string device, int index)
    {
        Namespace.WriteSetting($"net/ipv6/conf/{device}/accept_dad", "0");
        Namespace.WriteSetting($"net/ipv6/conf/{device}/disable_ipv6", "0");
        Namespace.Ip($"address add {SyncLink(index, isIPv6: true).Address}/64 dev {device} nodad\n");
    }

    private void SetLinks(string state) => Namespace.Ip(
        $"""
        link set {ClientSide.Interface} {state}
        link set {ServerSide.Interface} {state}
        {string.Join('\n', SyncInterfaces(_options.SyncLinks).Select(device => $"link set {device} {state}"))}

        """);

    private GratuitousArp Announcement(FirewallSide side)
    {
        byte[] hardware = PhysicalAddress.Parse(HardwareAddress(side)).GetAddressBytes();
        return Namespace.Run(() => new GratuitousArp(side.Interface, hardware, side.VirtualAddress));
    }

    private ulong ReadCounter(string name)
    {
        // counter inet twintrack_lab syn_seen { packets 3 bytes 180 }
        string[] words = Namespace.Require(["nft", "list", "counter", "inet", Table, name]).Output
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        int at = Array.IndexOf(words, "packets");
        return at >= 0 && at + 1 < words.Length
            && ulong.TryParse(words[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong packets)
            ? packets
            : throw new LabException($"nft prints the counter {name} in a form we do not know");
    }

    private void Nft(string lines) => Namespace.Require(["nft", "-f", "-"], lines);

    // The link between the firewalls is not tracked: its own flow would be among those counted and replicated.
    private string Rules() =>
        $$"""
        table inet {{Table}} {
            counter syn_seen { }
            counter forwarded { }
            chain arrive {
                type filter hook prerouting priority raw;
                iifname "sync*" notrack
                iifname != "sync*" tcp flags & syn == syn counter name "syn_seen"
            }
            chain leave {
                type filter hook output priority raw;
                oifname "sync*" notrack
            }
            chain input {
                type filter hook input priority filter; policy drop;
                iifname "lo" accept
                iifname "sync*" accept
                ct state established,related accept
            }
            chain forward {
                type filter hook forward priority filter; policy drop;
                ct state invalid drop
                ct state established,related counter name "forwarded" accept
                iifname "{{ClientSide.Interface}}" ct state new jump begin
            }
            chain begin {
                tcp flags & (fin | syn | rst | ack) == syn counter name "forwarded" accept
                meta l4proto { udp, icmp } counter name "forwarded" accept
            }
        {{(_options.SourceNat ? NatChain() : "")}}
        }
        """;

    private static string NatChain() =>
        $$"""
            chain translate {
                type nat hook postrouting priority srcnat;
                ip saddr 10.77.{{ClientSide.Network}}.0/24 jump hide
            }
            chain hide {
                oifname "{{ServerSide.Interface}}" snat ip to {{ServerSide.VirtualAddress}}
            }
        """;
}
