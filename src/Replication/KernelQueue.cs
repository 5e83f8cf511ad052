namespace TwinTrack.Replication;

/// <summary>Dumps and flushes that are wanted of the kernel; one of each kind is under way at a time.</summary>
internal sealed class KernelQueue
{
    private const int Limit = 64;

    private readonly Queue<(KernelRequestKind Kind, SnapshotPurpose Purpose, int Ticket)> _dumps = new();
    private readonly Queue<(KernelRequestKind Kind, int Ticket)> _flushes = new();
    private bool _isDumping;
    private bool _isFlushing;

    /// <returns>False when too many wait.</returns>
    public bool AddDump(SnapshotPurpose purpose, int ticket, KernelRequestKind kind = KernelRequestKind.Dump)
    {
        if (_dumps.Count >= Limit) return false;

        // One that has not begun sends all there is to send.
        if (purpose == SnapshotPurpose.Bulk && _dumps.Count > (_isDumping ? 1 : 0)) return true;
        _dumps.Enqueue((kind, purpose, ticket));
        return true;
    }

    /// <returns>False when too many wait.</returns>
    public bool AddFlush(int ticket, KernelRequestKind kind = KernelRequestKind.Flush)
    {
        if (_flushes.Count >= Limit) return false;
        _flushes.Enqueue((kind, ticket));
        return true;
    }

    public bool Poll(ref KernelRequest request)
    {
        if (!_isFlushing && _flushes.Count > 0)
        {
            _isFlushing = true;
            request.Kind = _flushes.Peek().Kind;
            request.Origin = EventOrigin.Flush;
            return true;
        }

        if (_isDumping || _dumps.Count == 0) return false;
        _isDumping = true;
        (request.Kind, request.Purpose, _) = _dumps.Peek();
        return true;
    }

    /// <returns>The ticket of the command that asked, 0 for none.</returns>
    public int EndFlush()
    {
        _isFlushing = false;
        return _flushes.TryDequeue(out (KernelRequestKind Kind, int Ticket) flush) ? flush.Ticket : 0;
    }

    /// <returns>The ticket of the command that asked, 0 for none.</returns>
    public int EndDump()
    {
        if (!_isDumping) return 0;   // the dump at start is the shell's own
        _isDumping = false;
        return _dumps.Dequeue().Ticket;
    }
}
