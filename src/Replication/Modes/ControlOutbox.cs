using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>Puts control messages on the transmit queue.</summary>
/// <remarks>Bounded: while a link takes nothing, control messages beyond the limit are dropped and counted.</remarks>
internal sealed class ControlOutbox(EntrySlabs slabs, EntryQueue transmit)
{
    private const uint Limit = 65_536;

    private readonly Queue<(Seq From, Seq To, uint Peer)> _held = new();
    private bool _isHolding;
    private uint _waiting;       // on the transmit queue; those that await an acknowledgement do not count

    /// <summary>Control messages in the queues.</summary>
    public uint Count => slabs[EntrySlabs.Controls].Count;

    /// <summary>Control messages dropped at the limit.</summary>
    public uint Dropped { get; private set; }

    /// <summary>Queues a message.</summary>
    /// <param name="flags">What it says.</param>
    /// <param name="from">First number of its range.</param>
    /// <param name="to">Last number of its range.</param>
    /// <param name="peer">The peer whose numbers these are, as a bit; 0 for a message to all.</param>
    /// <returns>False when it was dropped.</returns>
    public bool Queue(PeerFlags flags, Seq from, Seq to, uint peer)
    {
        if (_waiting + _held.Count >= Limit)
        {
            Dropped++;
            return false;
        }

        if (_isHolding && flags == PeerFlags.Ack)
        {
            _held.Enqueue((from, to, peer));
            return true;
        }

        uint handle = slabs.Allocate(EntrySlabs.Controls);
        ref ControlRecord control = ref slabs.Control(handle);
        control.Header.State = EntryState.Alive;
        control.Flags = (byte)flags;
        control.From = from.Value;
        control.To = to.Value;
        control.Peer = peer;
        QueueAgain(handle);
        return true;
    }

    /// <summary>Queues a message for all peers.</summary>
    public bool Queue(PeerFlags flags) => Queue(flags, default, default, peer: 0);

    /// <summary>
    /// Acknowledgements wait from here on: that of a request for everything is to follow what was asked for.
    /// </summary>
    public void HoldAcknowledgements() => _isHolding = true;

    /// <summary>Sends the acknowledgements that wait.</summary>
    public void ReleaseAcknowledgements()
    {
        _isHolding = false;
        while (_held.TryDequeue(out var held)) Queue(PeerFlags.Ack, held.From, held.To, held.Peer);
    }

    /// <summary>Whether a request to a peer waits to be sent.</summary>
    public bool HasQuestion(uint peer) => HasQuestion(transmit.Head, peer);

    /// <summary>Whether a request to a peer is among the entries of a queue.</summary>
    /// <param name="head">The queue's first entry.</param>
    /// <param name="peer">The peer, as a bit.</param>
    public bool HasQuestion(uint head, uint peer)
    {
        for (uint handle = head; handle != 0; handle = slabs.Header(handle).Next)
        {
            if (EntrySlabs.IsEntry(handle)) continue;
            ref ControlRecord control = ref slabs.Control(handle);
            bool isForPeer = control.Peer == 0
                ? control.Header.Awaited == 0 || (control.Header.Awaited & peer) != 0
                : control.Peer == peer;
            if (isForPeer && ((PeerFlags)control.Flags & (PeerFlags.Nack | PeerFlags.Resync)) != 0) return true;
        }

        return false;
    }

    /// <summary>Puts a message back that was sent before.</summary>
    public void QueueAgain(uint handle)
    {
        _waiting++;
        transmit.Append(handle);
    }

    /// <summary>Takes a message from the queue to send it.</summary>
    public void Take(uint handle)
    {
        _waiting--;
        transmit.Remove(handle);
    }

    /// <summary>
    /// Drops the acknowledgements and requests to a peer that wait: they name messages of a run that is over.
    /// </summary>
    public void ForgetAnswers(uint peer)
    {
        for (int count = _held.Count; count > 0; count--)
        {
            var held = _held.Dequeue();
            if (held.Peer != peer) _held.Enqueue(held);
        }

        for (uint handle = transmit.Head; handle != 0;)
        {
            uint next = slabs.Header(handle).Next;
            if (!EntrySlabs.IsEntry(handle) && slabs.Control(handle).Peer == peer)
            {
                Take(handle);
                slabs.Free(handle);
            }

            handle = next;
        }
    }
}
