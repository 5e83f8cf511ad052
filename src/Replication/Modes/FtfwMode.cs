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
    private const int PeerLimit = 32;
    private const uint GivenUpLimit = 65_536;
    private const int MostQuestionsKept = 64;

    // Sent without any acknowledgement, then a pause: a peer that is slower than we are is not drowned.
    private const int MostUnanswered = 8192;
    private const long UnansweredPauseMilliseconds = 50;

    private readonly EntrySlabs _slabs;
    private readonly InternalCache _cache;
    private readonly FlowStore _store;
    private readonly SyncOptions _options;
    private readonly StatsBox _stats;
    private readonly EntryQueue _transmit;
    private readonly EntryQueue _resend;
    private readonly ControlOutbox _outbox;
    private readonly Dictionary<PeerId, AckTracker> _peers = [];
    private PackedFlow _flow;
    private Seq _sequence;
    private Hello _hello = Hello.Init;
    private Seq? _lastGreeting;      // the last number sent with HELLO; null once all of those are acknowledged
    private bool _owesHelloBack;
    private bool _isAliveQueued;
    private Instant _aliveAt;
    private int _unanswered;
    private Instant _unansweredUntil;
    private Seq? _givenUp;           // the last number the full resend queue has dropped
    private bool _isOverflowing;
    private bool _isOverflowDue;
    private bool _isUnrepairable;
    private bool _lostInGreeting;

    private enum Hello : byte
    {
        Init,
        Say,
        Done,
    }

    public FtfwMode(
        EntrySlabs slabs, InternalCache cache, FlowStore store, SyncOptions options, StatsBox stats, Seq first, Instant now)
    {
        _slabs = slabs;
        _cache = cache;
        _store = store;
        _options = options;
        _stats = stats;
        _transmit = new EntryQueue(slabs, QueueId.Transmit);
        _resend = new EntryQueue(slabs, QueueId.Resend);
        _outbox = new ControlOutbox(slabs, _transmit);
        _sequence = first;
        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
    }

    public int TransmitCount => _transmit.Count;

    public int ResendCount => _resend.Count;

    public uint ControlCount => _outbox.Count;

    /// <summary>Whether the resend queue overflowed since the last call and an operator should know.</summary>
    public bool TakeOverflowReport()
    {
        bool due = _isOverflowDue;
        _isOverflowDue = false;
        return due;
    }

    /// <summary>Whether a peer asked for numbers that can't be repeated: only sending everything helps.</summary>
    public bool TakeUnrepairable()
    {
        bool due = _isUnrepairable;
        _isUnrepairable = false;
        return due;
    }

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

    /// <summary>Everything is sent anew: what was given up until now is not missing any more.</summary>
    public void ForgetGivenUp() => _givenUp = null;

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
        ForgetFlows(_transmit);
        ForgetFlows(_resend);
    }

    public void RequestResync() => _outbox.Queue(PeerFlags.Resync);

    public void OnDeadline(Instant now)
    {
        if (IsPaused && now >= _unansweredUntil) _unanswered = 0;
        if (now < _aliveAt) return;

        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
        bool acknowledged = false;
        foreach (AckTracker peer in _peers.Values) acknowledged |= peer.Acknowledge(_outbox);
        if (acknowledged || _isAliveQueued) return;

        _isAliveQueued = _outbox.Queue(PeerFlags.Alive);
    }

    /// <summary>Takes in the header of a message (and the range of a control message).</summary>
    public Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        AckTracker peer = PeerOf(from, now);
        SequenceOrder order = peer.Order(header.Sequence);
        bool isHello = (header.Flags & PeerFlags.Hello) != 0;
        bool isStart = isHello && !Continues(peer, order, header.Sequence);
        bool areWeGreeting = _hello != Hello.Done;
        if (isStart && order == SequenceOrder.Before && peer.IsLateGreeting(header.Sequence, now))
            isStart = isHello = false;
        if ((header.Flags & PeerFlags.HelloBack) != 0 && _hello == Hello.Say) _hello = Hello.Done;
        if (isHello) _owesHelloBack = true;
        if (!isStart) Count(order, peer, header.Sequence);
        if (!isStart && order == SequenceOrder.Before) return Verdict.Drop;

        Verdict verdict = Digest(in header, message);
        if (isStart) RepeatAll();
        if (verdict == Verdict.Bad) return verdict;

        peer.HeardAt = now;
        _stats.Value.MessagesAccepted++;
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

    /// <summary>Lists what waits for an acknowledgement, oldest first.</summary>
    public List<ResendQueueElement> ReadResendQueue()
    {
        var elements = new List<ResendQueueElement>(_resend.Count);
        for (uint handle = _resend.Head; handle != 0; handle = _slabs.Header(handle).Next)
        {
            bool isControl = !EntrySlabs.IsFlow(handle);
            byte flags = isControl ? _slabs.Control(handle).Flags : (byte)0;
            elements.Add(new ResendQueueElement(new Seq(_slabs.Header(handle).Sequence), isControl, flags));
        }

        return elements;
    }

    private void Count(SequenceOrder order, AckTracker peer, Seq sequence)
    {
        if (order == SequenceOrder.After) _stats.Value.Lost += sequence.DistanceFrom(peer.Last!.Value.Next);
        else if (order == SequenceOrder.Before) _stats.Value.Before++;
    }

    private AckTracker PeerOf(PeerId id, Instant now)
    {
        if (_peers.TryGetValue(id, out AckTracker? known)) return known;
        if (_peers.Count >= PeerLimit) _peers.Remove(LeastRecent());
        var peer = new AckTracker(_options.AckWindow) { HeardAt = now };
        _peers.Add(id, peer);
        return peer;
    }

    private PeerId LeastRecent()
    {
        PeerId oldest = default;
        Instant heard = Instant.Never;
        foreach ((PeerId id, AckTracker peer) in _peers)
        {
            if (peer.HeardAt >= heard) continue;
            heard = peer.HeardAt;
            oldest = id;
        }

        return oldest;
    }

    private Verdict Digest(in PeerHeader header, ReadOnlySpan<byte> message)
    {
        if (header.IsData) return Verdict.Data;
        if (header.Type != PeerMessageType.Control) return Verdict.Bad;
        if ((header.Flags & (PeerFlags.Ack | PeerFlags.Nack)) != 0)
        {
            (Seq from, Seq to) = PeerHeader.ReadRange(message);
            if (to.IsBefore(from)) return Verdict.Bad;

            // Without HELLO_BACK the peer has not heard of this run: the numbers may be those of one before.
            if (_hello != Hello.Done) return Verdict.Control;
            if ((header.Flags & PeerFlags.Ack) != 0) Release(from, to);
            else Repeat(from, to);
            return Verdict.Control;
        }

        if ((header.Flags & PeerFlags.Resync) != 0) return Verdict.Resync;
        return (header.Flags & PeerFlags.Alive) != 0 ? Verdict.Control : Verdict.Bad;
    }

    private void Release(Seq from, Seq to)
    {
        RepeatUnheard(from);
        for (uint handle = FirstIn(from); handle != 0;)
        {
            ref EntryHeader header = ref _slabs.Header(handle);
            if (new Seq(header.Sequence).IsAfter(to)) break;
            uint next = header.Next;
            _resend.Remove(handle);
            header.Flags &= ~EntryFlags.Anew;
            Drop(handle);
            handle = next;
        }

        _unanswered = 0;
        if (_resend.Count == 0) _isOverflowing = false;

        // What was given up so long ago is not asked for any more; and numbers wrap round.
        if (_givenUp is { } given && _sequence.DistanceFrom(given) > GivenUpLimit + (uint)_options.ResendQueueSize)
            _givenUp = null;
    }

    // The numbers begin with the first message that a peer hears: it does not miss what came before, nor ask for it.
    private void RepeatUnheard(Seq from)
    {
        if (_lastGreeting is not { } last) return;
        while (_resend.Head is var handle and not 0)
        {
            var sequence = new Seq(_slabs.Header(handle).Sequence);
            if (!sequence.IsBefore(from) || sequence.IsAfter(last)) break;
            _resend.Remove(handle);
            Again(handle);
        }

        if (from.IsAfter(last)) _lastGreeting = null;
    }

    private void Repeat(Seq from, Seq to)
    {
        uint missing = to.DistanceFrom(from) + 1;
        for (uint handle = FirstIn(from); handle != 0;)
        {
            ref EntryHeader header = ref _slabs.Header(handle);
            if (new Seq(header.Sequence).IsAfter(to)) break;
            uint next = header.Next;
            _resend.Remove(handle);
            Again(handle);
            missing--;
            handle = next;
        }

        if (missing > 0 && _givenUp is { } last && !from.IsAfter(last)) _isUnrepairable = true;
    }

    // A peer that starts afresh, or missed part of what we sent while it said HELLO, gets again what it has not
    // acknowledged. The original forgets it here; we, too, forget control messages of a run that is over, and a request
    // for everything if we have only just started ourselves: then the peer has nothing yet.
    private void RepeatAll()
    {
        while (_resend.Head is var handle and not 0)
        {
            _resend.Remove(handle);
            bool isRepeated = EntrySlabs.IsFlow(handle) || (IsResync(handle) && _hello == Hello.Done);
            if (isRepeated) Again(handle);
            else _slabs.Free(handle);
        }

        _givenUp = null;
        _isOverflowing = false;
    }

    private void Again(uint handle)
    {
        if (EntrySlabs.IsFlow(handle)) _transmit.Append(handle);
        else _outbox.QueueAgain(handle);
    }

    private bool IsResync(uint handle) => ((PeerFlags)_slabs.Control(handle).Flags & PeerFlags.Resync) != 0;

    private uint FirstIn(Seq from)
    {
        uint handle = _resend.Head;
        while (handle != 0 && new Seq(_slabs.Header(handle).Sequence).IsBefore(from)) handle = _slabs.Header(handle).Next;
        return handle;
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
        _stats.Value.MessagesSent++;
        return taken;
    }

    private PeerFlags TakeGreetings()
    {
        PeerFlags flags = PeerFlags.None;
        if (_hello != Hello.Done)
        {
            _hello = Hello.Say;
            _lastGreeting = _sequence.Previous;   // the number was just taken
            flags |= PeerFlags.Hello;
        }

        if (!_owesHelloBack) return flags;
        _owesHelloBack = false;
        return flags | PeerFlags.HelloBack;
    }

    private void AwaitAck(uint handle)
    {
        if (_resend.Count >= _options.ResendQueueSize) GiveUpOldest();
        _resend.Append(handle);
        _unanswered++;
    }

    // What asks the peer for something is kept as long as possible: nobody else knows that it is missing.
    private uint LeastWorthKeeping()
    {
        uint handle = _resend.Head;
        for (int step = 0; handle != 0 && step < MostQuestionsKept; step++)
        {
            if (EntrySlabs.IsFlow(handle)) return handle;
            if (((PeerFlags)_slabs.Control(handle).Flags & PeerFlags.Ack) != 0) return handle;
            handle = _slabs.Header(handle).Next;
        }

        return _resend.Head;
    }

    private void GiveUpOldest()
    {
        uint oldest = LeastWorthKeeping();
        _givenUp = new Seq(_slabs.Header(oldest).Sequence);
        _resend.Remove(oldest);
        Drop(oldest);
        _stats.Value.ResendQueueOverflows++;
        if (_isOverflowing) return;
        _isOverflowing = true;
        _isOverflowDue = true;
    }

    private void Drop(uint handle)
    {
        if (EntrySlabs.IsFlow(handle)) _cache.Release(handle);
        else _slabs.Free(handle);
    }

    private void ForgetFlows(EntryQueue queue)
    {
        for (uint handle = queue.Head; handle != 0;)
        {
            uint next = _slabs.Header(handle).Next;
            if (EntrySlabs.IsFlow(handle)) queue.Remove(handle);
            handle = next;
        }
    }
}
