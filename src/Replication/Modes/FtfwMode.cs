using System.Numerics;
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
/// </remarks>
internal sealed class FtfwMode : SyncMode
{
    // While datagrams get lost, what is missing shows with the next message, and each question may be lost as well.
    private const long AliveMilliseconds = 1000;
    private const long SleepMilliseconds = 1000;
    private const long LossyMilliseconds = 50;
    private const long LossySeconds = 3;
    private const int LossesOfLossyLink = 4;     // less than so many within that time are repaired at leisure

    // Sent without any acknowledgement, then a pause: a peer that is slower than we are is not drowned.
    private const int MostUnanswered = 8192;
    private const long UnansweredPauseMilliseconds = 50;

    // Of each start of a peer everything unacknowledged goes again.
    private const int StartsAtOnce = 8;
    private const long SecondsPerStart = 3;

    private readonly EntrySlabs _slabs;
    private readonly StatsBox _stats;
    private readonly EntryQueue _transmit;
    private readonly ControlOutbox _outbox;
    private readonly ResendQueue _resend;
    private readonly PeerTable _peers;
    private readonly Greeting _greeting;
    private readonly Refresh _refresh;
    private readonly Notices _notices;
    private readonly bool _isDenseOffered;
    private readonly PeerLimit _starts = new(StartsAtOnce, SecondsPerStart);
    private bool _isAliveQueued;
    private Instant _aliveAt;
    private Instant _lossyUntil;
    private int _losses;             // until then
    private int _unanswered;
    private Instant _unansweredUntil;
    private Instant _now;            // of the datagram that is being filled
    private uint _givenUp;           // peers that are not waited for any more, a bit for each
    private ulong _sent;             // messages of this run
    private uint _newPeers;          // have started and not acknowledged anything since, a bit for each

    public FtfwMode(
        EntrySlabs slabs, InternalEntries entries, TxQueue queue, SyncOptions options, StatsBox stats,
        Notices notices, Instant now)
        : base(queue)
    {
        _slabs = slabs;
        _stats = stats;
        _transmit = queue.Entries;
        _outbox = queue.Outbox;
        _resend = new ResendQueue(slabs, _transmit, _outbox, entries, options, stats, queue.Next);
        _peers = new PeerTable(options.AckWindow);
        _aliveAt = now.PlusMilliseconds(AliveMilliseconds);
        _greeting = new Greeting(_peers, _resend, now);
        _refresh = new Refresh(_peers, _resend, _outbox);
        _notices = notices;
        _isDenseOffered = options.DenseFormat;
    }

    public override ResendQueue Resend => _resend;

    public override bool TakeLostInGreeting() => _greeting.TakeLost();

    public override bool TakeRefreshed() => _refresh.TakeDone();

    public override bool TakeDisturbed() => _refresh.TakeDisturbed();

    public override void OnBulkEnd() => _outbox.ReleaseAcknowledgements();

    public override Instant NextDeadline => IsPaused ? Instant.Earlier(_aliveAt, _unansweredUntil) : _aliveAt;

    private bool IsPaused => _unanswered >= MostUnanswered && _transmit.Count > 0;

    public override void Enqueue(uint handle)
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

    public override void Forget(uint handle)
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

    public override void ForgetAll()
    {
        _transmit.RemoveEntries();
        _resend.RemoveEntries();
    }

    public override void RequestResync() => _outbox.Queue(PeerFlags.Resync);

    public override void OnDeadline(Instant now)
    {
        if (IsPaused && now >= _unansweredUntil) _unanswered = 0;
        if (now < _aliveAt) return;

        // While this machine slept, the peers were not silent.
        if (now > _aliveAt.PlusMilliseconds(SleepMilliseconds)) _peers.OnSlept(now);
        _aliveAt = NextAlive(now);
        _greeting.OnDeadline(now);
        WaitForListeners(now);
        bool acknowledged = false;
        foreach (AckTracker peer in _peers.All) acknowledged |= peer.Acknowledge(_outbox);
        if (acknowledged || _isAliveQueued) return;

        _isAliveQueued = _outbox.Queue(PeerFlags.Alive);
    }

    public override Verdict OnMessage(Instant now, PeerId from, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        AckTracker peer = FindPeer(from.Address, now);
        bool isHello = (header.Flags & PeerFlags.Hello) != 0;
        PeerRun run = peer.RunOf(from.Port, isHello, now);
        if (run == PeerRun.Former)
        {
            _stats.Value.Before++;
            return Verdict.Drop;
        }

        SequenceOrder order = run == PeerRun.New ? SequenceOrder.Unset : peer.Order(header.Sequence);
        bool isStart = isHello && !(run == PeerRun.Same && Continues(peer, order, header.Sequence));
        bool areWeGreeting = !_greeting.IsOver;
        if (isStart && order == SequenceOrder.Before && IsLateGreeting(peer, header.Sequence, from.Port, now))
        {
            peer.NoteLate(header.Sequence);
            isStart = isHello = false;
        }

        if (isStart && !MayStart(now, from, peer, header.Sequence)) return Verdict.Drop;
        if (!isStart && order == SequenceOrder.Before) isStart = peer.IsStranded(now);
        if (!isStart && order == SequenceOrder.After)
        {
            isStart = peer.HasJumped(header.Sequence, now);
            if (!isStart && peer.IsJump(header.Sequence)) return RefuseJump(peer);
        }

        // A run that begins with a flow may have begun with another one, before the number that is heard first.
        if (isStart && (!isHello || header.IsData)) _greeting.NoteLost();
        if ((header.Flags & PeerFlags.HelloBack) != 0) _greeting.OnHelloBack(now, peer);
        if (isHello) _greeting.OnHello();
        if (!isStart) Count(order, peer, header.Sequence);
        if (!isStart && order == SequenceOrder.Before) return Verdict.Drop;

        // What a peer that starts acknowledges with its first words may cover flows it never got: an original does not
        // look for gaps between messages that say HELLO. So all flows go again before the range is looked at.
        if (isStart) _resend.RepeatFlows();
        Verdict verdict = Digest(now, peer, in header, message);
        if (isStart)
        {
            _resend.RepeatAll(peer, keepsResync: _greeting.IsOver);
            _newPeers |= peer.Bit;
            peer.BeginListening(now);
            peer.IsRefreshing = false;
        }

        if (verdict == Verdict.Bad) return verdict;

        if (verdict == Verdict.Resync) _outbox.HoldAcknowledgements();
        peer.HeardAt = now;
        peer.Enter(run, from.Port, now);
        _stats.Value.MessagesAccepted++;
        if (header.Type == PeerMessageType.Control) peer.ReadsDense = (header.Flags & PeerFlags.Dense) != 0;
        else if (isStart) peer.ReadsDense = false;
        if (isStart && peer.TakeLate(header.Sequence) is { } late)
            _outbox.Queue(PeerFlags.Nack, late, header.Sequence.Previous, peer.Bit);
        if (isStart) peer.Restart();
        if (isStart || order != SequenceOrder.After)
        {
            peer.Accept(header.Sequence, isHello, _outbox);
            if (peer.IsRefreshing && (header.Flags & PeerFlags.Ack) != 0) _refresh.OnAcknowledged(peer);
            return verdict;
        }

        if (areWeGreeting) _greeting.NoteLost();
        NoteLoss(now);
        _refresh.OnGap(peer);
        peer.AcceptAfterGap(header.Sequence, isHello, _outbox);
        return verdict;
    }

    private bool IsLateGreeting(AckTracker peer, Seq sequence, ushort port, Instant now) =>
        peer.IsLateGreeting(sequence, port, hasOthers: _peers.All.Count > 1, now);

    // Whoever can forge the peer's address could make it start again with each datagram.
    private bool MayStart(Instant now, PeerId from, AckTracker peer, Seq sequence)
    {
        if (_starts.Admits(from.Address, now)) return true;
        peer.NoteLate(sequence);
        _stats.Value.HellosRefused++;
        if (_starts.TakeFloodReport()) _notices.Add(SyncNoticeKind.HelloFlood);
        return false;
    }

    private Verdict RefuseJump(AckTracker peer)
    {
        _stats.Value.JumpsRefused++;
        if (peer.TakeJumpReport()) _notices.Add(SyncNoticeKind.NumbersJump);
        return Verdict.Drop;
    }

    private void NoteLoss(Instant now)
    {
        if (now >= _lossyUntil) _losses = 0;
        _lossyUntil = now.PlusSeconds(LossySeconds);
        if (++_losses >= LossesOfLossyLink) _aliveAt = Instant.Earlier(_aliveAt, NextAlive(now));
    }

    private Instant NextAlive(Instant now)
    {
        _resend.IsLinkLossy = _losses >= LossesOfLossyLink && now < _lossyUntil;
        return now.PlusMilliseconds(_resend.IsLinkLossy ? LossyMilliseconds : AliveMilliseconds);
    }

    private AckTracker FindPeer(Address address, Instant now)
    {
        AckTracker peer = _peers.Find(address, now, out AckTracker? leaving);
        if (leaving is not null) Leave(leaving);
        if (peer.Last is not null || peer.LastUnsure is not null) return peer;
        _greeting.OnNewPeer(now, peer);
        return peer;
    }

    private void Leave(AckTracker peer)
    {
        _newPeers &= ~peer.Bit;
        _givenUp &= ~peer.Bit;
        _outbox.ForgetAnswers(peer.Bit);
        _resend.StopWaiting(peer.Bit);
    }

    private void WaitForListeners(Instant now)
    {
        uint gone = _peers.Update(now);
        if (gone == 0) return;
        _stats.Value.PeersGivenUp += (uint)BitOperations.PopCount(gone);
        _givenUp |= gone;
        _resend.StopWaiting(gone);
        foreach (AckTracker peer in _peers.All) peer.IsRefreshing &= (gone & peer.Bit) == 0;
    }

    // One that was given up is waited for again from its first word on. What was dropped for it, and what others
    // acknowledged meanwhile, is not in the queue any more, nor is what was asked of it: both sides need everything.
    private void Listen(Instant now, AckTracker peer)
    {
        peer.ListenedAt = now;
        if ((_givenUp & peer.Bit) == 0) return;
        _givenUp &= ~peer.Bit;
        _resend.NoteUnrepairable();
        _greeting.NoteLost();
        WaitForListeners(now);
    }

    // Several messages in a row say HELLO, until ours back has arrived: all but the first belong to one run.
    private static bool Continues(AckTracker peer, SequenceOrder order, Seq sequence) =>
        peer.IsGreeting
        && (order == SequenceOrder.InSync || (order == SequenceOrder.After && peer.IsShortlyAfter(sequence)));

    public override int Transmit(Instant now, Span<byte> buffer, int capacity)
    {
        if (IsPaused && now < _unansweredUntil) return 0;

        _now = now;
        int unansweredBefore = _unanswered;
        int used = Queue.Fill(this, buffer, capacity);
        if (used > 0) _aliveAt = NextAlive(now);
        if (unansweredBefore < MostUnanswered && _unanswered >= MostUnanswered)
            _unansweredUntil = now.PlusMilliseconds(UnansweredPauseMilliseconds);
        return used;
    }

    internal override PeerFlags ControlFlags => _isDenseOffered ? PeerFlags.Dense : PeerFlags.None;

    // A peer that has just started may be another program than before; its first control message tells.
    internal override bool IsDense => _isDenseOffered && _greeting.IsOver && _peers.AllReadDense;

    internal override PeerFlags OnNumber(Seq sequence)
    {
        _sent++;
        if (_newPeers != 0 || !_greeting.IsOver) NoteUnsure(sequence);
        return _greeting.OnNumber(sequence);
    }

    private void NoteUnsure(Seq sequence)
    {
        foreach (AckTracker peer in _peers.All)
        {
            if ((_newPeers & peer.Bit) != 0 || !_greeting.IsOver) peer.LastUnsure = sequence;
        }
    }

    internal override void OnSent(uint handle)
    {
        bool isFlow = EntrySlabs.IsEntry(handle);
        if (isFlow || PeerHeader.CarriesRange((PeerFlags)_slabs.Control(handle).Flags))
        {
            uint only = isFlow ? 0 : _slabs.Control(handle).Peer;
            if (only != 0) NoteAnswer(handle, only);
            else if (!isFlow) _refresh.Begin();
            _resend.Append(handle, only == 0 ? _peers.Awaited : only);
            _unanswered++;
            return;
        }

        _isAliveQueued = false;
        _slabs.Free(handle);
    }

    private void NoteAnswer(uint handle, uint bit)
    {
        var number = new Seq(_slabs.Header(handle).Sequence);
        foreach (AckTracker peer in _peers.All)
        {
            if (peer.Bit == bit) peer.NoteAnswer(number, _now);
        }
    }

    private void Count(SequenceOrder order, AckTracker peer, Seq sequence)
    {
        if (order == SequenceOrder.After) _stats.Value.Lost += sequence.DistanceFrom(peer.Last!.Value.Next);
        else if (order == SequenceOrder.Before) _stats.Value.Before++;
    }

    private Verdict Digest(Instant now, AckTracker peer, in PeerHeader header, ReadOnlySpan<byte> message)
    {
        if (header.IsData) return Verdict.Data;
        if (header.Type != PeerMessageType.Control) return Verdict.Bad;
        if ((header.Flags & (PeerFlags.Ack | PeerFlags.Nack)) != 0)
        {
            (Seq from, Seq to) = PeerHeader.ReadRange(message);
            if (to.IsBefore(from)) return Verdict.Bad;

            // Without HELLO_BACK the peer has not heard of this run: the numbers may be those of one before.
            if (!_greeting.IsOver && !peer.IsGreeted) return Verdict.Control;

            // Nodes of a group hear what is meant for another: its numbers are elsewhere.
            if (_peers.All.Count > 1 && Queue.Next.Previous.DistanceFrom(to) >= _sent) return Verdict.Control;
            Listen(now, peer);
            if ((header.Flags & PeerFlags.Ack) != 0)
            {
                if (peer.WasDeaf(from, to) && _peers.All.Count > 1) _greeting.NoteLost();
                Release(now, peer, from, to);
            }
            else
            {
                NoteLoss(now);
                _resend.Repeat(from, to);
            }

            return Verdict.Control;
        }

        if ((header.Flags & PeerFlags.Resync) != 0) return Verdict.Resync;
        return (header.Flags & PeerFlags.Alive) != 0 ? Verdict.Control : Verdict.Bad;
    }

    private void Release(Instant now, AckTracker peer, Seq from, Seq to)
    {
        _newPeers &= ~peer.Bit;
        _resend.Release(now, peer, from, to, Queue.Next);
        _unanswered = 0;
    }
}
