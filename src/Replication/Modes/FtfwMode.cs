using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>
/// FT-FW: every change is acknowledged or repeated. Queues hold cache entries, so that what is sent, first or again,
/// is today's state.
/// </summary>
/// <remarks>
/// An entry is in one queue at most:
/// <code>
///  change ──► transmit queue ──sent──► resend queue ──ACK──► out
///                   ▲                      │  │
///                   └──────NACK, change────┘  └─ full: the oldest is given up
/// </code>
/// A node says HELLO with every message until it sees HELLO_BACK:
/// <code>
///  Init ──first message──► Say ──HELLO_BACK──► Done
/// </code>
/// </remarks>
internal sealed class FtfwMode
{
    private const long AliveMilliseconds = 1000;

    // Sent without any acknowledgement, then a pause: a peer that is slower than we are is not drowned.
    private const int MostUnanswered = 8192;
    private const long UnansweredPauseMilliseconds = 50;

    private readonly EntrySlabs _slabs;
    private readonly FlowStore _store;
    private readonly SyncOptions _options;
    private readonly StatsBox _stats;
    private readonly EntryQueue _transmit;
    private readonly ControlOutbox _outbox;
    private readonly ResendQueue _resend;
    private readonly PeerTable _peers;
    private PackedFlow _flow;
    private Seq _sequence;
    private Hello _hello = Hello.Init;
    private bool _owesHelloBack;
    private bool _isPeerNew;         // it has started and not acknowledged anything since
    private bool _isAliveQueued;
    private Instant _aliveAt;
    private int _unanswered;
    private Instant _unansweredUntil;
    private bool _lostInGreeting;

    private enum Hello : byte
    {
        Init,
        Say,
        Done,
    }

    public FtfwMode(
        EntrySlabs slabs,
        InternalCache cache,
        FlowStore store,
        SyncOptions options,
        StatsBox stats,
        Seq first,
        Instant now)
    {
        _slabs = slabs;
        _store = store;
        _options = options;
        _stats = stats;
        _transmit = new EntryQueue(slabs, QueueId.Transmit);
        _outbox = new ControlOutbox(slabs, _transmit);
        _resend = new ResendQueue(slabs, _transmit, _outbox, cache, options, stats, first);
        _peers = new PeerTable(options.AckWindow);
        _sequence = first;
        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
    }

    public int TransmitCount => _transmit.Count;

    /// <summary>What waits for an acknowledgement.</summary>
    public ResendQueue Resend => _resend;

    public uint ControlCount => _outbox.Count;

    /// <summary>
    /// Whether messages were missing while we said HELLO, which has ended: an original has forgotten them at each
    /// HELLO, so that asking for their numbers was in vain.
    /// </summary>
    public bool TakeLostInGreeting()
    {
        bool due = _lostInGreeting && _hello == Hello.Done;
        if (due) _lostInGreeting = false;
        return due;
    }

    /// <summary>When the mode wants to be called.</summary>
    public Instant NextDeadline => IsPaused ? Instant.Earlier(_aliveAt, _unansweredUntil) : _aliveAt;

    /// <summary>Whether bulk transfers may add to the transmit queue.</summary>
    public bool HasRoomForBulk => _transmit.Count < 1024;

    private bool IsPaused => _unanswered >= MostUnanswered && _transmit.Count > 0;

    /// <summary>Sends an entry's state as soon as there is room in a packet.</summary>
    public void Enqueue(uint handle)
    {
        switch (_slabs.Header(handle).Queue)
        {
            case QueueId.Transmit:
                return;
            case QueueId.Resend:
                _resend.Remove(handle);
                break;
        }

        _transmit.Append(handle);
    }

    /// <summary>Takes an entry out of its queue, so that its state is not sent.</summary>
    public void Forget(uint handle)
    {
        switch (_slabs.Header(handle).Queue)
        {
            case QueueId.Transmit:
                _transmit.Remove(handle);
                break;
            case QueueId.Resend:
                _resend.Remove(handle);
                break;
        }
    }

    /// <summary>Takes all flows out of the queues; control messages stay.</summary>
    public void ForgetAll()
    {
        _transmit.RemoveFlows();
        _resend.RemoveFlows();
    }

    public void RequestResync() => _outbox.Queue(PeerFlags.Resync);

    public void OnDeadline(Instant now)
    {
        if (IsPaused && now >= _unansweredUntil) _unanswered = 0;
        if (now < _aliveAt) return;

        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
        bool acknowledged = false;
        foreach (AckTracker peer in _peers.All) acknowledged |= peer.Acknowledge(_outbox);
        if (acknowledged || _isAliveQueued) return;

        _isAliveQueued = _outbox.Queue(PeerFlags.Alive);
    }

    /// <summary>Takes in the header of a message (and the range of a control message).</summary>
    public Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        AckTracker peer = _peers.Find(from.Address, now);
        bool isHello = (header.Flags & PeerFlags.Hello) != 0;
        PeerRun run = peer.RunOf(from.Port, isHello, now);
        if (run == PeerRun.Former)
        {
            _stats.Value.Before++;
            return Verdict.Drop;
        }

        SequenceOrder order = run == PeerRun.New ? SequenceOrder.Unset : peer.Order(header.Sequence);
        bool isStart = isHello && !(run == PeerRun.Same && Continues(peer, order, header.Sequence));
        bool areWeGreeting = _hello != Hello.Done;
        if (isStart && order == SequenceOrder.Before && peer.IsLateGreeting(header.Sequence, now))
        {
            peer.NoteLate(header.Sequence);
            isStart = isHello = false;
        }

        if (!isStart && order == SequenceOrder.Before && peer.IsStranded(now)) isStart = _lostInGreeting = true;
        if ((header.Flags & PeerFlags.HelloBack) != 0 && _hello == Hello.Say) EndGreeting();
        if (isHello) _owesHelloBack = true;
        if (!isStart) Count(order, peer, header.Sequence);
        if (!isStart && order == SequenceOrder.Before) return Verdict.Drop;

        // What a peer that starts acknowledges with its first words may cover flows it never got: an original does not
        // look for gaps between messages that say HELLO. So all flows go again before the range is looked at.
        if (isStart) _resend.RepeatFlows();
        Verdict verdict = Digest(now, in header, message);
        if (isStart)
        {
            _resend.RepeatAll(keepsResync: _hello == Hello.Done);
            _isPeerNew = true;
        }

        if (verdict == Verdict.Bad) return verdict;

        peer.HeardAt = now;
        peer.Enter(run, from.Port, now);
        _stats.Value.MessagesAccepted++;
        if (isStart && peer.TakeLate(header.Sequence) is { } late)
            _outbox.Queue(PeerFlags.Nack, late, header.Sequence.Previous);
        if (isStart) peer.Restart();
        if (isStart || order != SequenceOrder.After)
        {
            peer.Accept(header.Sequence, isHello, _outbox);
            return verdict;
        }

        _lostInGreeting |= areWeGreeting;
        peer.AcceptAfterGap(header.Sequence, isHello, _outbox);
        return verdict;
    }

    // An original takes whatever says HELLO without looking at its number, and acknowledges what it missed in between.
    private void EndGreeting()
    {
        _hello = Hello.Done;
        _resend.RepeatGreetings();
    }

    // Several messages in a row say HELLO, until ours back has arrived: all but the first belong to one run.
    private static bool Continues(AckTracker peer, SequenceOrder order, Seq sequence) =>
        peer.IsGreeting
        && (order == SequenceOrder.InSync || (order == SequenceOrder.After && peer.IsShortlyAfter(sequence)));

    /// <summary>Fills one packet; see <see cref="SyncEngine.PollTransmit"/>.</summary>
    public int Transmit(Instant now, Span<byte> buffer, int capacity)
    {
        if (IsPaused && now < _unansweredUntil) return 0;

        int used = 0;
        int unansweredBefore = _unanswered;
        while (_transmit.Head is var handle and not 0 && buffer.Length - used >= PeerHeader.Size + FlowMessage.MaxSize)
        {
            bool isFlow = EntrySlabs.IsFlow(handle);
            Span<byte> message = buffer[used..];
            int length = isFlow ? WriteBody(handle, message) : ControlLength(handle);

            // One that fits no packet goes alone, in a datagram that will be fragmented.
            if (used > 0 && used + length >= capacity) break;

            if (isFlow) SendFlow(handle, message, length);
            else SendControl(handle, message);
            used += length;
            if (used >= capacity) break;
        }

        if (used > 0) _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
        if (unansweredBefore < MostUnanswered && _unanswered >= MostUnanswered)
            _unansweredUntil = now.PlusMilliseconds(UnansweredPauseMilliseconds);
        return used;
    }

    private void Count(SequenceOrder order, AckTracker peer, Seq sequence)
    {
        if (order == SequenceOrder.After) _stats.Value.Lost += sequence.DistanceFrom(peer.Last!.Value.Next);
        else if (order == SequenceOrder.Before) _stats.Value.Before++;
    }

    private Verdict Digest(Instant now, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        if (header.IsData) return Verdict.Data;
        if (header.Type != PeerMessageType.Control) return Verdict.Bad;
        if ((header.Flags & (PeerFlags.Ack | PeerFlags.Nack)) != 0)
        {
            (Seq from, Seq to) = PeerHeader.ReadRange(message);
            if (to.IsBefore(from)) return Verdict.Bad;

            // Without HELLO_BACK the peer has not heard of this run: the numbers may be those of one before.
            if (_hello != Hello.Done) return Verdict.Control;
            if ((header.Flags & PeerFlags.Ack) != 0) Release(now, from, to);
            else _resend.Repeat(from, to);
            return Verdict.Control;
        }

        if ((header.Flags & PeerFlags.Resync) != 0) return Verdict.Resync;
        return (header.Flags & PeerFlags.Alive) != 0 ? Verdict.Control : Verdict.Bad;
    }

    private void Release(Instant now, Seq from, Seq to)
    {
        _isPeerNew = false;
        _resend.Release(now, from, to, _sequence);
        _unanswered = 0;
    }

    private int WriteBody(uint handle, Span<byte> message)
    {
        _store.Read(handle, ref _flow);
        return PeerHeader.Size + FlowMessage.Write(in _flow, _options, message[PeerHeader.Size..]);
    }

    private int ControlLength(uint handle) =>
        PeerHeader.CarriesRange((PeerFlags)_slabs.Control(handle).Flags) ? PeerHeader.RangeSize : PeerHeader.Size;

    private void SendFlow(uint handle, Span<byte> message, int length)
    {
        _transmit.Remove(handle);
        ref EntryHeader entry = ref _slabs.Header(handle);
        PeerMessageType type = entry.State switch
        {
            EntryState.Dead => PeerMessageType.FlowDelete,
            EntryState.Alive when (entry.Flags & EntryFlags.Anew) == 0 => PeerMessageType.FlowUpdate,
            _ => PeerMessageType.FlowNew,
        };
        entry.Sequence = TakeSequence().Value;
        new PeerHeader(PeerHeader.CurrentVersion, type, TakeGreetings(), (ushort)length, new Seq(entry.Sequence))
            .Write(message);
        AwaitAck(handle);
    }

    private void SendControl(uint handle, Span<byte> message)
    {
        _outbox.Take(handle);
        ref ControlRecord control = ref _slabs.Control(handle);
        control.Header.Sequence = TakeSequence().Value;
        PeerFlags flags = ((PeerFlags)control.Flags & ~PeerFlags.Greetings) | TakeGreetings();
        control.Flags = (byte)flags;
        PeerHeader.WriteControl(message, flags, new Seq(control.Header.Sequence), control.From, control.To);
        if (PeerHeader.CarriesRange(flags))
        {
            AwaitAck(handle);
            return;
        }

        _isAliveQueued = false;
        _slabs.Free(handle);
    }

    private Seq TakeSequence()
    {
        Seq taken = _sequence;
        _sequence = taken.Next;
        if (_isPeerNew) _resend.LastUnsure = taken;
        _stats.Value.MessagesSent++;
        return taken;
    }

    private PeerFlags TakeGreetings()
    {
        PeerFlags flags = PeerFlags.None;
        if (_hello != Hello.Done)
        {
            _hello = Hello.Say;
            _resend.LastGreeting = _resend.LastUnsure = _sequence.Previous;   // the number was just taken
            flags |= PeerFlags.Hello;
        }

        if (!_owesHelloBack) return flags;
        _owesHelloBack = false;
        return flags | PeerFlags.HelloBack;
    }

    private void AwaitAck(uint handle)
    {
        _resend.Append(handle);
        _unanswered++;
    }
}
