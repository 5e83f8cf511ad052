using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Modes;

/// <summary>
/// What is known of each peer, by the address it sends from. Bounded: the least recently heard gives way.
/// </summary>
internal sealed class PeerTable(int ackWindow)
{
    private const int Limit = 32;

    private readonly Dictionary<Address, AckTracker> _peers = [];

    public Dictionary<Address, AckTracker>.ValueCollection All => _peers.Values;

    public AckTracker Find(Address id, Instant now)
    {
        if (_peers.TryGetValue(id, out AckTracker? known)) return known;
        if (_peers.Count >= Limit) _peers.Remove(LeastRecent());
        var peer = new AckTracker(ackWindow) { HeardAt = now };
        _peers.Add(id, peer);
        return peer;
    }

    private Address LeastRecent()
    {
        Address oldest = default;
        Instant heard = Instant.Never;
        foreach ((Address id, AckTracker peer) in _peers)
        {
            if (peer.HeardAt >= heard) continue;
            heard = peer.HeardAt;
            oldest = id;
        }

        return oldest;
    }
}
