using System.Buffers.Binary;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Channels;

/// <summary>Knows which peer a datagram is from, whatever link it came by.</summary>
/// <remarks>
/// <para>
/// UDP and TCP: all links lead to the same peers, and each link says their addresses there, in the same order.
/// </para>
/// <para>
/// Multicast: any number of nodes, and no file says which addresses belong to one. An address that is new on a link
/// belongs to the node that is not known there yet and whose numbers it continues (a node numbers its messages across
/// all links); where several do, to one whose address elsewhere ends alike, or else to the closest in numbers. If none
/// does, it is another node.
/// </para>
/// </remarks>
internal sealed class PeerDirectory
{
    private const int MostNodes = 32;          // as many as the engine knows apart
    private const uint Continued = 4096;       // messages that may have been lost while a node changed links
    private const int NumberOffset = 4;        // of a message's sequence number
    private const int HeaderSize = 8;

    private readonly int _links;
    private readonly bool _isGroup;
    private readonly List<PeerNode> _nodes = [];

    public PeerDirectory(IReadOnlyList<LinkConfig> links)
    {
        _links = links.Count;
        _isGroup = links[0].Kind == LinkKind.Multicast;
        if (_isGroup) return;

        Address[][] addresses = [.. links.Select(AddressesOf)];
        for (int place = 0; place < addresses[0].Length; place++)
        {
            var peer = new PeerNode(addresses[0][place], links.Count);
            for (int index = 0; index < links.Count; index++) peer.Place(new LinkId(index), addresses[index][place]);
            _nodes.Add(peer);
        }
    }

    /// <summary>Peers known.</summary>
    public int Count => _nodes.Count;

    /// <summary>The peers in the order they became known.</summary>
    public IReadOnlyList<PeerNode> Nodes => _nodes;

    /// <summary>What the sender of something admitted is called towards the engine.</summary>
    public PeerId Find(LinkId link, in Arrival arrival, Instant now)
    {
        Seq number = arrival.Bytes.Length < HeaderSize
            ? default
            : new Seq(BinaryPrimitives.ReadUInt32BigEndian(arrival.Bytes[NumberOffset..]));
        PeerNode? node = null;
        foreach (PeerNode known in _nodes)
        {
            if (known.IsAt(link, arrival.Source)) node = known;
        }

        node ??= Learn(link, arrival.Source, number);
        return node.Hear(link, arrival.Port, number, now);
    }

    private static Address[] AddressesOf(LinkConfig link) =>
        [.. link.Destinations.Select(static peer => Address.Read(peer.GetAddressBytes()))];

    private PeerNode Learn(LinkId link, Address source, Seq number)
    {
        if (ContinuedBy(link, source, number) is { } known)
        {
            known.Place(link, source);
            return known;
        }

        if (_nodes.Count == MostNodes) _nodes.Remove(_nodes.MinBy(static node => node.HeardAt.Microseconds)!);
        var node = new PeerNode(source, _links);
        node.Place(link, source);
        _nodes.Add(node);
        return node;
    }

    private PeerNode? ContinuedBy(LinkId link, Address source, Seq number)
    {
        PeerNode? best = null;
        (bool IsOther, uint Distance) least = (true, Continued);
        foreach (PeerNode node in _nodes)
        {
            if (node.Has(link)) continue;
            (bool, uint Distance) one = (!node.IsNumberedLike(source), number.DistanceFrom(node.LastNumber));
            if (one.Distance >= Continued || one.CompareTo(least) >= 0) continue;
            least = one;
            best = node;
        }

        return best;
    }
}
