namespace TwinTrack.Replication.Wire;

/// <summary>Cuts a stream of bytes into whole messages; what is not whole yet waits for the rest.</summary>
/// <remarks>
/// Nothing but the length in each header tells where a message ends. A length that no message has means that everything
/// after it is lost: the stream is broken, and only another connection helps.
/// </remarks>
public sealed class StreamFramer
{
    /// <summary>No message is longer; the original writes them into a buffer of that size.</summary>
    public const int LongestMessage = 4096;

    private const int Size = 65_536;

    private readonly byte[] _buffer = new byte[Size];
    private int _start;
    private int _end;

    /// <summary>Whether the stream cannot be read any further.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Where the next bytes go; never empty once all whole messages were taken.</summary>
    /// <remarks>What <see cref="TryTake"/> gave before is overwritten.</remarks>
    public Span<byte> Room
    {
        get
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            return _buffer.AsSpan(_end);
        }
    }

    /// <summary>So many bytes were put into <see cref="Room"/>.</summary>
    public void Add(int count) => _end += count;

    /// <summary>Another stream begins.</summary>
    public void Clear()
    {
        _start = _end = 0;
        IsBroken = false;
    }

    /// <summary>Takes all messages that are whole.</summary>
    /// <param name="messages">
    /// One after the other; in a stream that breaks here, followed by the header that breaks it, so that who reads them
    /// counts it.
    /// </param>
    /// <returns>False when there is none.</returns>
    public bool TryTake(out ReadOnlySpan<byte> messages)
    {
        int at = _start;
        while (!IsBroken && _end - at >= PeerHeader.Size)
        {
            PeerHeader header = PeerHeader.Read(_buffer.AsSpan(at));
            int least = header.HasRange ? PeerHeader.RangeSize : PeerHeader.Size;
            IsBroken = header.Length < least || header.Length > LongestMessage;
            int length = IsBroken ? PeerHeader.Size : header.Length;
            if (length > _end - at) break;
            at += length;
        }

        messages = _buffer.AsSpan(_start, at - _start);
        _start = IsBroken ? _end : at;
        return messages.Length > 0;
    }
}
