namespace TwinTrack.Helpers;

/// <summary>
/// Keeps the unfinished last lines of control flows until the rest comes: bounded, the oldest gives way.
/// </summary>
public sealed class LineTails
{
    /// <summary>The longest unfinished line that is kept.</summary>
    public const int LongestLine = 512;

    /// <summary>Lines kept at a time.</summary>
    public const int Limit = 1024;

    private readonly Dictionary<(uint Flow, bool IsReply), int> _places = [];
    private readonly Tail[] _tails = new Tail[Limit];
    private int _next;

    /// <summary>The line that goes on at a place in the stream of a flow; empty if there is none.</summary>
    /// <param name="flow">The kernel's number of the flow.</param>
    /// <param name="isReply">The direction.</param>
    /// <param name="sequence">Sequence number of the packet that may bring the rest.</param>
    public ReadOnlySpan<byte> Find(uint flow, bool isReply, uint sequence)
    {
        if (!_places.TryGetValue((flow, isReply), out int place) || _tails[place].Sequence != sequence) return default;
        return _tails[place].Bytes.AsSpan(0, _tails[place].Length);
    }

    /// <summary>Keeps a line; a longer one than <see cref="LongestLine"/> is forgotten.</summary>
    /// <param name="flow">The kernel's number of the flow.</param>
    /// <param name="isReply">The direction.</param>
    /// <param name="sequence">Sequence number of what follows it.</param>
    /// <param name="before">Its beginning, as <see cref="Find"/> returned it.</param>
    /// <param name="bytes">What is new of it.</param>
    public void Keep(uint flow, bool isReply, uint sequence, ReadOnlySpan<byte> before, ReadOnlySpan<byte> bytes)
    {
        if (before.Length + bytes.Length > LongestLine)
        {
            Drop(flow, isReply);
            return;
        }

        if (!_places.TryGetValue((flow, isReply), out int place)) place = Take(flow, isReply);
        ref Tail tail = ref _tails[place];
        tail.Bytes ??= new byte[LongestLine];
        before.CopyTo(tail.Bytes); // may be this very place
        bytes.CopyTo(tail.Bytes.AsSpan(before.Length));
        tail.Length = before.Length + bytes.Length;
        tail.Sequence = sequence;
    }

    /// <summary>Forgets the line of a flow and direction.</summary>
    public void Drop(uint flow, bool isReply)
    {
        if (_places.Remove((flow, isReply), out int place)) _tails[place].IsUsed = false;
    }

    private int Take(uint flow, bool isReply)
    {
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
