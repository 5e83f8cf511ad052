using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>How often a peer may ask for everything: a few times at once, then seldom.</summary>
/// <remarks>
/// Sixteen bytes ask for a whole table. What is over the limit is answered all the same, with one bulk for all of it,
/// later.
/// </remarks>
internal sealed class ResyncLimit
{
    private const int MostPeers = 64;
    private const int Burst = 5;
    private const long SecondsPerRequest = 10;

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

    /// <returns>Whether a request is to be answered now.</returns>
    public bool Admits(Address peer, Instant now)
    {
        if (_paidUntil.Count >= MostPeers && !_paidUntil.ContainsKey(peer)) _paidUntil.Clear();
        Instant paid = _paidUntil.GetValueOrDefault(peer);
        if (paid < now) paid = now;
        if (paid > now.PlusSeconds((Burst - 1) * SecondsPerRequest))
        {
            _isFloodDue |= !_isFlooded;
            _isFlooded = true;
            return false;
        }

        if (paid == now) _isFlooded = false;
        _paidUntil[peer] = paid.PlusSeconds(SecondsPerRequest);
        return true;
    }
}
