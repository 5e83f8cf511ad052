using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Daemon.Config;

/// <summary>An address and where it was written.</summary>
internal sealed record PlacedAddress(IPAddress Address, Token At)
{
    public bool IsIPv4 => Address.AddressFamily == AddressFamily.InterNetwork;

    public bool IsMulticast => IsIPv4 ? Address.GetAddressBytes()[0] is >= 224 and <= 239 : Address.IsIPv6Multicast;
}

/// <summary>A dedicated link while its block is read.</summary>
internal sealed class LinkDraft(LinkKind kind, Token at, bool isDefault)
{
    public const string AddressNotIPv4 =
        "your multicast address is IPv6 but is binded to an IPv4 interface? Surely this is not what you want";

    public const string AddressNotIPv6 =
        "your multicast address is IPv4 but is binded to an IPv6 interface? Surely, this is not what you want";

    public const string InterfaceNotIPv6 =
        "your multicast interface is IPv4 but is binded to an IPv6 interface? Surely, this is not what you want";

    /// <summary>Own address; for multicast the address of the interface.</summary>
    public PlacedAddress? Local4 { get; set; }

    public PlacedAddress? Local6 { get; set; }

    /// <summary>Address of the first peer; for multicast the group.</summary>
    public PlacedAddress? Remote4 { get; set; }

    public PlacedAddress? Remote6 { get; set; }

    /// <summary>Addresses of the other peers, each once.</summary>
    public List<PlacedAddress> MorePeers { get; } = [];

    public ushort? Port { get; set; }

    public string? Interface { get; set; }

    public uint? SendBuffer { get; set; }

    public uint? ReceiveBuffer { get; set; }

    public bool Checksum { get; set; } = true;

    /// <summary>Errors known before the block.</summary>
    public int ErrorsBefore { get; init; }

    /// <summary>Checks that the link is complete.</summary>
    /// <returns>The link, or null when something is missing.</returns>
    public LinkConfig? Finish(ConfigDraft draft)
    {
        bool isMulticast = kind == LinkKind.Multicast;
        if (isMulticast) Local6 = null;
        if (isMulticast && Remote6 is not null) Local4 = null;   // warned of: Interface says it for IPv6
        if (FamiliesDiffer(draft) || !CountsPeers(draft)) return null;

        if (!isMulticast && Local4 is null && Local6 is null)
            return Lack(draft, "own address", "IPv4_address or IPv6_address");
        if ((Remote4 ?? Remote6) is not { } remote)
        {
            return isMulticast
                ? Lack(draft, "group address", "IPv4_address or IPv6_address")
                : Lack(draft, "peer", "IPv4_Destination_Address or IPv6_Destination_Address");
        }

        if (Port is not { } port) return Lack(draft, "port", isMulticast ? "Group" : "Port");
        if (Interface is null) return Lack(draft, "interface", "Interface");
        return new LinkConfig
        {
            Kind = kind,
            IsDefault = isDefault,
            Local = (Local4 ?? Local6)?.Address,
            Remote = remote.Address,
            MorePeers = [.. MorePeers.Select(static peer => peer.Address)],
            Port = port,
            Interface = Interface,
            SendBuffer = SendBuffer,
            ReceiveBuffer = ReceiveBuffer,
            Checksum = Checksum,
        };
    }

    private bool FamiliesDiffer(ConfigDraft draft)
    {
        PlacedAddress? four = Local4 ?? Remote4;
        PlacedAddress? six = Local6 ?? Remote6;
        if (four is null || six is null) return false;

        draft.Fail(at, $"this link has an IPv4 address, {four.At.Text}, and an IPv6 address, {six.At.Text}, "
            + "expected one family");
        return true;
    }

    // The peers of all links are the same nodes, in the same order.
    private bool CountsPeers(ConfigDraft draft)
    {
        int peers = MorePeers.Count + 1;
        if (kind == LinkKind.Tcp && MorePeers is [var second, ..])
        {
            draft.Fail(second.At, "a TCP link leads to one peer, expected UDP or Multicast for several");
            return false;
        }

        if (MorePeers.Find(peer => peer.Address.Equals((Local4 ?? Local6)?.Address)) is { } self)
        {
            draft.Fail(self.At, $"{self.At.Text} is this node's own address, expected the addresses of its peers");
            return false;
        }

        if (peers > LinkConfig.MostPeers)
        {
            draft.Fail(
                MorePeers[LinkConfig.MostPeers - 1].At, $"too many peers, expected {LinkConfig.MostPeers} at most");
            return false;
        }

        if (draft.Sync!.Links is not [{ MorePeers.Count: var more }, ..] || more + 1 == peers) return true;
        draft.Fail(at, $"this link has {peers} peers, expected {more + 1}, as the first link has: the same nodes, in "
            + "the same order");
        return false;
    }

    private LinkConfig? Lack(ConfigDraft draft, string what, string expected)
    {
        draft.Fail(at, $"this link has no {what}, expected {expected} in its block");
        return null;
    }
}
