using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>How reliability is made: what is sent when, and what a peer's message means.</summary>
/// <remarks>
/// All modes send from one <see cref="TxQueue"/>. What becomes of an entry that was sent is where they differ:
/// <code>
///  change ──► transmit queue ──sent──► FT-FW: resend queue, until acknowledged
///                                      NOTRACK, ALARM: done
/// </code>
/// </remarks>
internal abstract class SyncMode(TxQueue queue)
{
    /// <summary>When the mode wants to be called.</summary>
    public abstract Instant NextDeadline { get; }

    public int TransmitCount => queue.Count;

    public uint ControlCount => queue.Outbox.Count;

    /// <summary>What waits for an acknowledgement; null in a mode without.</summary>
    public virtual ResendQueue? Resend => null;

    /// <summary>Whether nodes ask each other for everything, and send it when they are told to.</summary>
    public virtual bool HasBulks => true;

    /// <summary>Whether bulk transfers may add to the transmit queue.</summary>
    public bool HasRoomForBulk => queue.Count < 1024;

    protected TxQueue Queue => queue;

    public abstract void OnDeadline(Instant now);

    /// <summary>Takes in the header of a message (and the range of a control message).</summary>
    public abstract Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message);

    /// <summary>Sends an entry's state as soon as there is room in a packet.</summary>
    public abstract void Enqueue(uint handle);

    /// <summary>Takes an entry out of its queue, so that its state is not sent.</summary>
    public abstract void Forget(uint handle);

    /// <summary>Takes all flows out of the queues; control messages stay.</summary>
    public abstract void ForgetAll();

    /// <summary>Asks the peers for everything, in a mode that has bulks.</summary>
    public abstract void RequestResync();

    /// <summary>Fills one packet; see <see cref="SyncEngine.PollTransmit"/>.</summary>
    public abstract int Transmit(Instant now, Span<byte> buffer, int capacity);

    /// <summary>Whether what a peer said shows that we lack something that only everything would bring.</summary>
    public virtual bool TakeLostInGreeting() => false;

    /// <summary>A bulk has been handed over to the last entry, or was given up.</summary>
    public virtual void OnBulkEnd()
    {
    }

    /// <summary>
    /// Whether a peer has just sent the last of everything we asked for: what it did not repeat is not there.
    /// </summary>
    public virtual bool TakeRefreshed() => false;

    /// <summary>What every control message says besides what it is for.</summary>
    internal virtual PeerFlags ControlFlags => PeerFlags.None;

    /// <summary>Whether all peers read dense messages.</summary>
    internal virtual bool IsDense => false;

    /// <summary>Whether something of all that we asked for may be missing: it is to be asked for again.</summary>
    public virtual bool TakeDisturbed() => false;

    /// <summary>The flags that ride on the message that takes a number.</summary>
    internal virtual PeerFlags OnNumber(Seq sequence) => PeerFlags.None;

    /// <summary>An entry has left under the number in its header; it is in no queue now.</summary>
    internal abstract void OnSent(uint handle);
}
