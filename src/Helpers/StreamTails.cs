namespace TwinTrack.Helpers;

/// <summary>
/// Keeps the unfinished last lines or messages of control flows until the rest comes: bounded, the oldest gives way.
/// </summary>
/// <param name="longest">The longest that is kept, in bytes.</param>
public sealed class StreamTails(int longest)
{
    /// <summary>The longest line of a protocol that has lines.</summary>
    public const int LongestLine = 512;

    private const int MostBytes = 2 << 20;

    private readonly Dictionary<(uint Flow, bool IsReply), int> _places = [];
    private Tail[] _tails = []; // most helpers never keep anything
    private int _next;

    /// <summary>The longest that is kept, in bytes.</summary>
    public int Longest => longest;

    /// <summary>How many are kept at a time.</summary>
    public int Limit => MostBytes / longest;

    /// <summary>What goes on at a place in the stream of a flow; empty if there is nothing.</summary>
    /// <param name="flow">The kernel's number of the flow.</param>
    /// <param name="isReply">The direction.</param>
    /// <param name="sequence">Sequence number of the packet that may bring the rest.</param>
    public ReadOnlySpan<byte> Find(uint flow, bool isReply, uint sequence)
    {
        if (!_places.TryGetValue((flow, isReply), out int place) || _tails[place].Sequence != sequence) return default;
        return _tails[place].Bytes.AsSpan(0, _tails[place].Length);
    }

    /// <summary>Keeps what is unfinished; what is longer than <see cref="Longest"/> is forgotten.</summary>
    /// <param name="flow">The kernel's number of the flow.</param>
    /// <param name="isReply">The direction.</param>
    /// <param name="sequence">Sequence number of what follows it.</param>
    /// <param name="before">Its beginning, as <see cref="Find"/> returned it.</param>
    /// <param name="bytes">What is new of it.</param>
    public void Keep(uint flow, bool isReply, uint sequence, ReadOnlySpan<byte> before, ReadOnlySpan<byte> bytes)
    {
        if (before.Length + bytes.Length > longest)
        {
            Drop(flow, isReply);
            return;
        }

        if (!_places.TryGetValue((flow, isReply), out int place)) place = Take(flow, isReply);
        ref Tail tail = ref _tails[place];
        tail.Bytes ??= new byte[longest];
        before.CopyTo(tail.Bytes); // may be this very place
        bytes.CopyTo(tail.Bytes.AsSpan(before.Length));
        tail.Length = before.Length + bytes.Length;
        tail.Sequence = sequence;
    }

    /// <summary>Forgets what was kept of a flow and direction.</summary>
    public void Drop(uint flow, bool isReply)
    {
        if (_places.Remove((flow, isReply), out int place)) _tails[place].IsUsed = false;
    }

    private int Take(uint flow, bool isReply)
    {
        if (_tails.Length == 0) _tails = new Tail[Limit];
        int place = _next;
        _next = (_next + 1) % Limit;
        ref Tail tail = ref _tails[place];
        if (tail.IsUsed) _places.Remove((tail.Flow, tail.IsReply));
        tail.Flow = flow;
        tail.IsReply = isReply;
        tail.IsUsed = true;
        _places[(flow, isReply)] = place;
        return place;
    }

    private struct Tail
    {
        public byte[]? Bytes;
        public int Length;
        public uint Sequence;
        public uint Flow;
        public bool IsReply;
        public bool IsUsed;
    }
}
