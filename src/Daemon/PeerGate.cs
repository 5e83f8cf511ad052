using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Which senders a link listens to: the configured peer, and others only while that one is silent.</summary>
/// <remarks>
/// A peer with several addresses may send from another one than the configuration names, so silence lets others in, as
/// the original always does. But an acknowledgement by somebody else would release what the peer has not received.
/// </remarks>
internal sealed class PeerGate(Address peer)
{
    // A living peer says something every second.
    private const long SilenceSeconds = 10;

    private Instant _heardUntil;

    /// <summary>Whether a datagram from this address is to be looked at.</summary>
    public bool Admits(PeerId from, Instant now)
    {
        if (from.Address != peer) return now >= _heardUntil;
        _heardUntil = now.PlusSeconds(SilenceSeconds);
        return true;
    }
}
