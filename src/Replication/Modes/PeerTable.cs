using System.Numerics;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Modes;

/// <summary>
/// What is known of each peer, by the address it sends from. Bounded: the least recently heard gives way.
/// </summary>
/// <remarks>
/// What is sent waits for the peers that listen: those that acknowledged something within some seconds. With one peer
/// only it waits for that one, however long it is silent. A peer that others outlive is not waited for, so that it
/// holds no memory; nor is one that hears us and never acknowledges, as an original that follows a third node does.
/// </remarks>
internal sealed class PeerTable(int ackWindow)
{
    private const int Limit = 32;            // bits of a set of peers
    private const long SilenceSeconds = 10;  // a living peer acknowledges every second or two

    private readonly Dictionary<Address, AckTracker> _peers = [];
    private uint _taken;

    public Dictionary<Address, AckTracker>.ValueCollection All => _peers.Values;

    /// <summary>The peers that are waited for, a bit for each.</summary>
    public uint Awaited { get; private set; }

    /// <summary>Whether every known peer reads dense messages, silent ones included.</summary>
    public bool AllReadDense
    {
        get
        {
            foreach (AckTracker peer in _peers.Values)
            {
                if (!peer.ReadsDense) return false;
            }

            return _peers.Count > 0;
        }
    }

    /// <summary>Finds or adds a peer.</summary>
    /// <param name="id">Its address.</param>
    /// <param name="now">The clock.</param>
    /// <param name="leaving">The one that gave way: nothing waits for it any more.</param>
    public AckTracker Find(Address id, Instant now, out AckTracker? leaving)
    {
        leaving = null;
        if (_peers.TryGetValue(id, out AckTracker? known)) return known;
        if (_peers.Count >= Limit)
        {
            Address oldest = LeastRecent();
            leaving = _peers[oldest];
            _peers.Remove(oldest);
            _taken &= ~leaving.Bit;
        }

        uint bit = 1u << BitOperations.TrailingZeroCount(~_taken);
        _taken |= bit;
        var peer = new AckTracker(ackWindow, bit) { HeardAt = now };
        peer.BeginListening(now);
        _peers.Add(id, peer);
        foreach (AckTracker each in _peers.Values) each.CountPeers(_peers.Count);
        Update(now);
        return peer;
    }

    /// <summary>Looks who listens.</summary>
    /// <returns>The peers that are not waited for any more, a bit for each.</returns>
    public uint Update(Instant now)
    {
        uint before = Awaited;
        uint listening = 0;
        foreach (AckTracker peer in _peers.Values)
        {
            if (_peers.Count == 1 || now < peer.ListenedAt.PlusSeconds(SilenceSeconds)) listening |= peer.Bit;
        }

        // While nobody listens nobody is known to be gone for good.
        if (listening != 0) Awaited = listening;
        return before & ~Awaited;
    }

    /// <summary>Nothing was read for long, which is not the peers' fault.</summary>
    public void OnSlept(Instant now)
    {
        foreach (AckTracker peer in _peers.Values)
        {
            if ((Awaited & peer.Bit) != 0) peer.ListenedAt = now;
        }
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
