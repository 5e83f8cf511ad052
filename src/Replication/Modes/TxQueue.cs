using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>
/// What waits to be sent, and how it becomes messages: when a packet has room, in the state of that moment.
/// </summary>
internal sealed class TxQueue
{
    private readonly EntrySlabs _slabs;
    private readonly InternalEntries _entries;
    private readonly StatsBox _stats;

    public TxQueue(EntrySlabs slabs, InternalEntries entries, StatsBox stats, Seq first)
    {
        _slabs = slabs;
        _entries = entries;
        _stats = stats;
        Entries = new EntryQueue(slabs, QueueId.Transmit);
        Outbox = new ControlOutbox(slabs, Entries);
        Next = first;
    }

    public EntryQueue Entries { get; }

    /// <summary>The control messages among the entries.</summary>
    public ControlOutbox Outbox { get; }

    public int Count => Entries.Count;

    /// <summary>The number of the next message.</summary>
    public Seq Next { get; private set; }

    /// <summary>Fills one packet and tells the mode of each message that is in it.</summary>
    /// <returns>The bytes written.</returns>
    public int Fill(SyncMode mode, Span<byte> buffer, int capacity)
    {
        int used = 0;
        bool isDense = mode.IsDense;
        while (Entries.Head is var handle and not 0 && buffer.Length - used >= PeerHeader.Size + FlowMessage.MaxSize)
        {
            bool isEntry = EntrySlabs.IsEntry(handle);
            Span<byte> message = buffer[used..];
            int length = isEntry ? WriteBody(handle, isDense, message) : ControlLength(handle);

            // One that fits no packet goes alone, in a datagram that will be fragmented.
            if (used > 0 && used + length >= capacity) break;

            if (isEntry) SendEntry(mode, handle, isDense, message, length);
            else SendControl(mode, handle, message);
            used += length;
            if (used >= capacity) break;
        }

        return used;
    }

    /// <summary>Takes the next number for a message that is not an entry's.</summary>
    public Seq TakeNumber()
    {
        Seq taken = Next;
        Next = taken.Next;
        _stats.Value.MessagesSent++;
        return taken;
    }

    private int WriteBody(uint handle, bool isDense, Span<byte> message) =>
        PeerHeader.Size + _entries.WriteBody(handle, isDense, message[PeerHeader.Size..]);

    private int ControlLength(uint handle) =>
        PeerHeader.CarriesRange((PeerFlags)_slabs.Control(handle).Flags) ? PeerHeader.RangeSize : PeerHeader.Size;

    private void SendEntry(SyncMode mode, uint handle, bool isDense, Span<byte> message, int length)
    {
        Entries.Remove(handle);
        ref EntryHeader entry = ref _slabs.Header(handle);
        PeerMessageType type = _entries.TypeOf(handle);
        _entries.OnSending(handle);
        Seq sequence = TakeNumber();
        entry.Sequence = sequence.Value;
        byte version = PeerHeader.CurrentVersion;
        if (isDense && !EntrySlabs.IsExpectation(handle))
        {
            version = PeerHeader.DenseVersion;
            _stats.Value.DenseSent++;
        }

        new PeerHeader(version, type, mode.OnNumber(sequence), (ushort)length, sequence).Write(message);
        mode.OnSent(handle);
    }

    private void SendControl(SyncMode mode, uint handle, Span<byte> message)
    {
        Outbox.Take(handle);
        ref ControlRecord control = ref _slabs.Control(handle);
        Seq sequence = TakeNumber();
        control.Header.Sequence = sequence.Value;
        PeerFlags flags = ((PeerFlags)control.Flags & ~PeerFlags.Greetings) | mode.OnNumber(sequence);
        control.Flags = (byte)flags;
        PeerHeader.WriteControl(message, flags | mode.ControlFlags, sequence, control.From, control.To);
        mode.OnSent(handle);
    }
}
