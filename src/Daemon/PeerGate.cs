using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon;

/// <summary>Why something that came by a link is not looked at.</summary>
internal enum Refusal : byte
{
    /// <summary>It is looked at.</summary>
    None,

    /// <summary>It came in by another interface than the link's.</summary>
    OtherInterface,

    /// <summary>Its sender is not a configured peer.</summary>
    Stranger,

    /// <summary>Its sender is not on the network of the group's interface.</summary>
    OtherNetwork,
}

/// <summary>Which senders a link listens to.</summary>
/// <remarks>
/// A datagram from anybody else could release what the peer has not received, or bring flows that nobody has. Addresses
/// can be forged by who is on the link: against that helps only a link that nobody else is on, or encryption.
/// </remarks>
/// <param name="link">The link.</param>
/// <param name="network">Of a multicast link over IPv4: the network of its interface; null if it has none.</param>
internal sealed class PeerGate(LinkConfig link, LinkNetwork? network)
{
    private readonly Address[] _peers =
        [.. link.Destinations.Select(static peer => Address.Read(peer.GetAddressBytes()))];

    /// <summary>Whether something that has arrived is to be looked at.</summary>
    public Refusal Check(in Arrival arrival, int deviceIndex)
    {
        if (arrival.InterfaceIndex != 0 && arrival.InterfaceIndex != deviceIndex) return Refusal.OtherInterface;
        if (link.Kind != LinkKind.Multicast) return _peers.Contains(arrival.Source) ? Refusal.None : Refusal.Stranger;
        return network is not { } on || arrival.Source.IsIn(on.Base, on.PrefixLength)
            ? Refusal.None
            : Refusal.OtherNetwork;
    }
}
