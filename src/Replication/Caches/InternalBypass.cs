using TwinTrack.Conntrack;
using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Caches;

/// <summary>
/// In place of the internal cache: each event becomes a message at once, and is kept only until a packet has room.
/// </summary>
/// <remarks>
/// A message tells what the event told, no more. While the kernel's table is being read for the peers, the flows that
/// events speak of are remembered: what the dump says of them later is older.
/// </remarks>
internal sealed class InternalBypass(FlowStore seen, SyncOptions options)
{
    private const int MessageLimit = PeerHeader.Size + FlowMessage.MaxSize;
    private const int BytesLimit = 4 << 20;
    private const int BytesLeftForEvents = BytesLimit / 2;

    private readonly byte[] _bytes = new byte[BytesLimit];
    private int _begin;
    private int _end;
    private bool _isReadingTable;
    private bool _isFull;
    private bool _isFullDue;

    /// <summary>Events sent on.</summary>
    public BypassStats Stats { get; private set; }

    public bool IsEmpty => _begin == _end;

    /// <summary>Whether a dump may go on: what waits leaves room for events.</summary>
    public bool HasRoomForDump => _end - _begin < BytesLeftForEvents;

    /// <summary>Whether messages were dropped since the last call and an operator should know.</summary>
    public bool TakeFullReport()
    {
        bool due = _isFullDue;
        _isFullDue = false;
        return due;
    }

    public void OnEvent(FlowChange change, in PackedFlow flow, uint nowSeconds)
    {
        BypassStats stats = Stats;
        switch (change)
        {
            case FlowChange.New:
                stats.New++;
                Add(PeerMessageType.FlowNew, in flow);
                break;
            case FlowChange.Update:
                stats.Updated++;
                Add(PeerMessageType.FlowUpdate, in flow);
                break;
            default:
                stats.Destroyed++;
                Add(PeerMessageType.FlowDelete, in flow);
                break;
        }

        Stats = stats;
        if (!_isReadingTable || seen.Count >= options.CacheLimit) return;
        var key = new FlowKey(in flow);
        if (seen.Find(in key) == 0) seen.Add(in key, in flow, EntryState.Dead, nowSeconds);
    }

    public void BeginDump() => _isReadingTable = true;

    public void OnDumped(in PackedFlow flow)
    {
        if (_isReadingTable && seen.Find(new FlowKey(in flow)) == 0) Add(PeerMessageType.FlowNew, in flow);
    }

    public void EndDump()
    {
        _isReadingTable = false;
        seen.Clear();
    }

    /// <summary>Fills the rest of a packet.</summary>
    /// <returns>The bytes of the packet that are used now.</returns>
    public int Fill(TxQueue queue, Span<byte> buffer, int used, int capacity)
    {
        while (!IsEmpty)
        {
            PeerHeader header = PeerHeader.Read(_bytes.AsSpan(_begin));
            bool fits = used + header.Length < capacity && header.Length <= buffer.Length - used;
            if (!fits && used > 0) break;

            Span<byte> message = buffer[used..];
            _bytes.AsSpan(_begin, header.Length).CopyTo(message);
            (header with { Sequence = queue.TakeNumber() }).Write(message);
            _begin += header.Length;
            used += header.Length;
        }

        if (IsEmpty)
        {
            _begin = _end = 0;
            _isFull = false;
        }

        return used;
    }

    private void Add(PeerMessageType type, in PackedFlow flow)
    {
        if (BytesLimit - _end < MessageLimit) Compact();
        if (BytesLimit - _end < MessageLimit)
        {
            _isFullDue |= !_isFull;
            _isFull = true;
            return;
        }

        Span<byte> message = _bytes.AsSpan(_end);
        Span<byte> body = message[PeerHeader.Size..];
        int length = PeerHeader.Size + (type == PeerMessageType.FlowDelete
            ? FlowMessage.WriteEnd(in flow, options, body)
            : FlowMessage.Write(in flow, options, body));
        new PeerHeader(PeerHeader.CurrentVersion, type, PeerFlags.None, (ushort)length, default).Write(message);
        _end += length;
    }

    // Seldom: only when half of what was written has left.
    private void Compact()
    {
        if (_begin < BytesLimit / 2) return;
        _bytes.AsSpan(_begin.._end).CopyTo(_bytes);
        _end -= _begin;
        _begin = 0;
    }
}
