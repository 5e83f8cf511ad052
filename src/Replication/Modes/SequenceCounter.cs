using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Modes;

/// <summary>Counts what did not arrive or came late, by the numbers of each peer.</summary>
/// <remarks>Bounded: when too many have been heard, all but the one that speaks are forgotten.</remarks>
internal sealed class SequenceCounter(StatsBox stats)
{
    private const int Limit = 32;

    private readonly Dictionary<Address, Seq> _last = [];

    public void Count(PeerId from, Seq sequence, bool isAccepted)
    {
        bool isKnown = _last.TryGetValue(from.Address, out Seq last);
        Seq expected = last.Next;
        if (isKnown && sequence != expected)
        {
            if (sequence.IsAfter(expected)) stats.Value.Lost += sequence.DistanceFrom(expected);
            else stats.Value.Before++;
        }

        if (!isAccepted) return;
        stats.Value.MessagesAccepted++;
        if (!isKnown && _last.Count >= Limit) _last.Clear();
        _last[from.Address] = sequence;
    }
}
