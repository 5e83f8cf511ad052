namespace TwinTrack.Replication.Wire;

/// <summary>Walks the messages of a datagram. What no message can be is counted and ends the walk.</summary>
internal ref struct PeerMessageReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    public PeerHeader Header { get; private set; }

    /// <summary>The message with its header.</summary>
    public ReadOnlySpan<byte> Message { get; private set; }

    public bool MoveNext(ref SyncStats stats)
    {
        if (_rest.IsEmpty) return false;
        if (_rest.Length < PeerHeader.Size) return Stop(ref stats.Truncated);

        PeerHeader header = PeerHeader.Read(_rest);
        if (header.Length == 0 || header.Length > _rest.Length) return Stop(ref stats.BadSize);
        if (header.HasRange && _rest.Length < PeerHeader.RangeSize) return Stop(ref stats.Truncated);
        if (header.Length < (header.HasRange ? PeerHeader.RangeSize : PeerHeader.Size)) return Stop(ref stats.BadSize);

        Header = header;
        Message = _rest[..header.Length];
        _rest = _rest[header.Length..];
        return true;
    }

    private bool Stop(ref uint counter)
    {
        counter++;
        _rest = default;
        return false;
    }
}
