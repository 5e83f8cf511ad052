using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>How often a peer may do what costs us much: a few times at once, then seldom.</summary>
/// <param name="burst">Times at once.</param>
/// <param name="secondsEach">Seconds until it may once more.</param>
internal sealed class PeerLimit(int burst, long secondsEach)
{
    private const int MostPeers = 64;

    private readonly Dictionary<Address, Instant> _paidUntil = [];
    private bool _isFlooded;
    private bool _isFloodDue;

    /// <summary>Whether a flood began since the last call and an operator should know.</summary>
    public bool TakeFloodReport()
    {
        bool due = _isFloodDue;
        _isFloodDue = false;
        return due;
    }

    /// <returns>Whether it may now.</returns>
    public bool Admits(Address peer, Instant now)
    {
        if (_paidUntil.Count >= MostPeers && !_paidUntil.ContainsKey(peer)) _paidUntil.Clear();
        Instant paid = _paidUntil.GetValueOrDefault(peer);
        if (paid < now) paid = now;
        if (paid > now.PlusSeconds((burst - 1) * secondsEach))
        {
            _isFloodDue |= !_isFlooded;
            _isFlooded = true;
            return false;
        }

        if (paid == now) _isFlooded = false;
        _paidUntil[peer] = paid.PlusSeconds(secondsEach);
        return true;
    }
}
