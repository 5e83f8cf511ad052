using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Doctor;

/// <summary>The dedicated links: interface, own address, and somebody at the other end.</summary>
internal sealed class LinkChecks(Findings findings, SyncConfig sync)
{
    private const int LeastMtu = 1280;
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    // An entry that the kernel has not used for a while is asked about again after 5 s, three times in 3 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(9);

    /// <summary>Looks at all of them.</summary>
    public void Run()
    {
        if (sync.Links.Count == 1)
        {
            findings.Note("link", "there is one dedicated link: while it is cut, nothing is replicated",
                "a second one takes over by itself, see examples/redundant-links");
        }

        using var monitor = new LinkMonitor();
        List<(LinkConfig Link, IPAddress Peer, PeerProbe Probe)> probes = [];
        foreach (LinkConfig link in sync.Links)
        {
            if (!CheckInterface(monitor, link) || !CheckAddress(link)) continue;
            if (link.Kind == LinkKind.Multicast) continue;
            foreach (IPAddress peer in (IPAddress[])[link.Remote, .. link.MorePeers])
            {
                if (StartProbe(link, peer) is { } probe) probes.Add((link, peer, probe));
            }
        }

        Await(probes);
    }

    private bool CheckInterface(LinkMonitor monitor, LinkConfig link)
    {
        string name = link.Interface;
        if (!monitor.TryGet(name, out LinkState state))
        {
            findings.Fail("link", $"there is no interface {name}", "ip link shows which there are");
            return false;
        }

        if ((state.Flags & LinkFlags.Up) == LinkFlags.None)
        {
            findings.Fail("link", $"{name} is switched off", $"ip link set {name} up");
            return false;
        }

        if (!state.IsRunning)
        {
            findings.Fail("link", $"{name} has no carrier", "look at the cable and at the other end");
            return false;
        }

        if (link.Kind == LinkKind.Multicast && (state.Flags & LinkFlags.Multicast) == LinkFlags.None)
            findings.Fail("link", $"{name} does no multicast", $"ip link set {name} multicast on, or use UDP");
        if (state.Mtu < LeastMtu)
        {
            findings.Warn("link", $"{name} takes packets of {state.Mtu} bytes only: many are needed",
                $"ip link set {name} mtu 1500");
        }

        findings.Fine("link", $"{name} is up, with an MTU of {state.Mtu}");
        return true;
    }

    private bool CheckAddress(LinkConfig link)
    {
        if (link.Local is not { } own) return true;
        if (own.Equals(IPAddress.Any) || own.Equals(IPAddress.IPv6Any)) return true;
        if (own.Equals(link.Remote))
        {
            findings.Fail("link", $"{own} of {link.Interface} is the peer's and our own address",
                "correct one of them");
            return false;
        }

        NetworkInterface? owner = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(one =>
            one.GetIPProperties().UnicastAddresses.Any(address => IsSame(address.Address, own)));
        if (owner is null)
        {
            findings.Fail("link", $"this machine has no address {own}",
                $"ip address add {own}/NN dev {link.Interface}");
            return false;
        }

        if (owner.Name == link.Interface) return true;
        findings.Warn("link", $"{own} is an address of {owner.Name}, not of {link.Interface}: what the peer sends "
            + "arrives elsewhere", $"correct Interface, or move the address to {link.Interface}");
        return false;
    }

    private PeerProbe? StartProbe(LinkConfig link, IPAddress peer)
    {
        IPAddress own = link.Local ?? (peer.GetAddressBytes().Length == 4 ? IPAddress.Any : IPAddress.IPv6Any);
        PeerProbe? probe = PeerProbe.Send(Scoped(own, link), Scoped(peer, link), out string problem);
        if (probe is null)
        {
            findings.Fail("peer", $"nothing can be sent to {peer}: {problem}",
                $"ip route get {peer} shows which way it would go");
        }

        return probe;
    }

    // Addresses of the file have no scope: the interface is theirs.
    private static IPAddress Scoped(IPAddress address, LinkConfig link) => address.IsIPv6LinkLocal
        ? new IPAddress(address.GetAddressBytes(), Libc.InterfaceIndex(link.Interface))
        : address;

    private static bool IsSame(IPAddress one, IPAddress other) =>
        one.GetAddressBytes().AsSpan().SequenceEqual(other.GetAddressBytes());

    private void Await(List<(LinkConfig Link, IPAddress Peer, PeerProbe Probe)> probes)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            foreach ((_, _, PeerProbe probe) in probes) probe.Look();
            if (watch.Elapsed > Patience || probes.TrueForAll(one => one.Probe.IsThere is not null)) break;
            Thread.Sleep(LookInterval);
        }

        foreach ((LinkConfig link, IPAddress peer, PeerProbe probe) in probes)
        {
            if (probe.IsThere == true)
            {
                findings.Fine("peer", $"{peer} is there");
            }
            else
            {
                findings.Fail("peer", $"nobody answers at {peer} on {link.Interface}",
                    "is it switched on, with this address, on the same wire?");
            }

            probe.Dispose();
        }
    }
}
