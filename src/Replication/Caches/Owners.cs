using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Caches;

/// <summary>Who told of an external entry last, and when that peer was last heard.</summary>
/// <remarks>
/// A flow that its owner has not called ended may be alive for as long as the owner speaks: kernels refresh timers
/// without a word. When the owner has fallen silent, it can have lived on for its timeout at most.
/// </remarks>
internal sealed class Owners
{
    private const int Limit = 256;
    private const uint SilenceSeconds = 10;          // a living peer speaks every second

    private readonly Dictionary<Address, uint> _numbers = [];
    private readonly List<uint> _heardAt = [];       // in seconds, by number
    private readonly List<uint> _toldIn = [];        // the refresh in which it told of a flow last, by number

    /// <summary>A message of a peer was accepted.</summary>
    /// <returns>The peer's number; beyond the limit peers share one, and are as alive as the last of them.</returns>
    public uint Hear(Address peer, uint nowSeconds)
    {
        if (!_numbers.TryGetValue(peer, out uint number))
        {
            number = (uint)Math.Min(_numbers.Count, Limit - 1);
            if (_numbers.Count < Limit) _numbers.Add(peer, number);
            if (_heardAt.Count <= number)
            {
                _heardAt.Add(nowSeconds);
                _toldIn.Add(0);
            }
        }

        _heardAt[(int)number] = nowSeconds;
        return number;
    }

    /// <summary>An owner has told of a flow.</summary>
    public void Tell(uint owner, uint refresh) => _toldIn[(int)owner] = refresh;

    /// <summary>Whether a peer has told of any flow since a refresh began.</summary>
    public bool HasTold(Address peer, uint refresh, out uint owner) =>
        _numbers.TryGetValue(peer, out owner) && _numbers.Count < Limit && _toldIn[(int)owner] == refresh;

    /// <summary>Whether a flow that a peer calls ended is another's, who told of it last and is alive.</summary>
    /// <remarks>
    /// After a take-over two kernels hold a flow: the end in the one that the traffic has left is not its end.
    /// </remarks>
    public bool HoldsAnother(uint owner, Address peer, uint nowSeconds) =>
        !IsOwner(owner, peer) && Silence(owner, nowSeconds) < SilenceSeconds;

    public bool IsOwner(uint owner, Address peer) => _numbers.TryGetValue(peer, out uint number) && number == owner;

    /// <summary>Seconds since an owner was heard.</summary>
    public uint Silence(uint owner, uint nowSeconds) =>
        owner < _heardAt.Count ? nowSeconds - _heardAt[(int)owner] : 0;
}
