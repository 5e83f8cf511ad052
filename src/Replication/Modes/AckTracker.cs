using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>Where a sequence number stands against the one expected.</summary>
internal enum SequenceOrder : byte
{
    /// <summary>Nothing was heard before.</summary>
    Unset,
    InSync,

    /// <summary>Numbers are missing before it.</summary>
    After,

    /// <summary>Late or repeated.</summary>
    Before,
}

/// <summary>Which run of a peer's process a message is from.</summary>
internal enum PeerRun : byte
{
    Same,

    /// <summary>The peer was started anew.</summary>
    New,

    /// <summary>It is late, and of the run before.</summary>
    Former,
}

/// <summary>The receiving half of FT-FW for one peer: keeps its messages in order and says which arrived.</summary>
/// <remarks>
/// Late means lost: the sender repeats the state as a new message. The numbers and the window run as the original's
/// do, so that a pair with an original exchanges the very same acknowledgements.
/// </remarks>
internal sealed class AckTracker(int ackWindow, uint bit)
{
    // Acknowledgements are acknowledged, too, by every peer that hears them: with a window that is not larger than the
    // number of peers, nodes would answer each other without end.
    private const int LeastWindowPerPeer = 2;

    private const uint LateLimit = 65_536;

    // So far beyond the last number nothing can be repeated any more, however long the link was silent. The peer, who
    // speaks every second, goes on from there; a stranger who forges its address is contradicted.
    private const uint JumpLimit = 1 << 20;
    private const long JumpMilliseconds = 2500;

    // A little less than after which a peer stops waiting for one that does not answer.
    private const long DeafMilliseconds = 8000;

    // Of the answers to a peer those are remembered that are so far apart.
    private const int AnswersKept = 32;
    private const long AnswerMilliseconds = 500;

    private const long LateMilliseconds = 1500;
    private const long LateTickMilliseconds = 700;
    private const int LateTicks = 5;

    private uint _fullWindow = (uint)Math.Max(ackWindow, LeastWindowPerPeer);
    private uint _window = (uint)Math.Max(ackWindow, LeastWindowPerPeer);
    private Seq? _lateFrom;          // the first number dropped as late since the last start
    private Seq? _ackFrom;           // start of the run that is not acknowledged yet
    private Instant _greetedAt;      // when a HELLO was accepted last
    private Seq? _mark;              // the last number accepted when it was set
    private Seq? _formerMark;        // the one before
    private Instant _markedAt;
    private Seq? _jumpedTo;          // a number beyond the limit, since nothing else was accepted
    private Instant _jumpedAt;
    private bool _isJumpTold;
    private int _lateTicks;          // times apart from each other at which a message was late, since one was not
    private Instant _nextLateTick;
    private readonly (Seq Number, Instant SentAt)[] _answers = new (Seq, Instant)[AnswersKept];
    private int _answersSent;        // noted since the peer is known, or has started
    private Instant _answerHeardAt;  // when the last answer was sent of which is known that the peer has heard it
    private ushort _port;            // where the peer's run sends from
    private ushort _formerPort;      // where the run before did
    private Instant _begunAt;        // when the run began

    /// <summary>What stands for this peer in sets of peers.</summary>
    public uint Bit => bit;

    /// <summary>When it last acknowledged or asked for something of ours, or started.</summary>
    public Instant ListenedAt { get; set; }

    /// <summary>Whether it has answered our greeting.</summary>
    public bool IsGreeted { get; set; }

    /// <summary>
    /// The last number sent while it had not acknowledged anything yet: nobody knows where it began to listen. Null
    /// once an acknowledgement has shown that.
    /// </summary>
    public Seq? LastUnsure { get; set; }

    /// <summary>What is before this number waits for it, while later messages are acknowledged.</summary>
    public Seq? StuckBefore { get; set; }

    /// <summary>What is stuck is sent again then.</summary>
    public Instant StuckUntil { get; set; }

    /// <summary>Whether it reads dense messages, as its last control message says.</summary>
    public bool ReadsDense { get; set; }

    /// <summary>Whether it was asked for everything and has not sent the last of it.</summary>
    public bool IsRefreshing { get; set; }

    /// <summary>The last number accepted; null until the peer is first heard.</summary>
    public Seq? Last { get; private set; }

    /// <summary>Whether the last accepted message said HELLO.</summary>
    public bool IsGreeting { get; private set; }

    /// <summary>When the peer was last heard; the least recent gives way when there are too many.</summary>
    public Instant HeardAt { get; set; }

    /// <summary>Says how many peers there are.</summary>
    public void CountPeers(int count)
    {
        _fullWindow = (uint)Math.Max(ackWindow, LeastWindowPerPeer * count);
    }

    /// <summary>Tells which run a message is from.</summary>
    /// <param name="port">Where it was sent from, 0 if that is not known.</param>
    /// <param name="isHello">Only a HELLO begins a run: any process of the peer's host may send something.</param>
    /// <param name="now">The clock: what is still on its way from the run before arrives soon.</param>
    public PeerRun RunOf(ushort port, bool isHello, Instant now)
    {
        if (port == 0 || _port == 0 || port == _port) return PeerRun.Same;
        if (port == _formerPort && now < _begunAt.PlusMilliseconds(LateMilliseconds)) return PeerRun.Former;
        return isHello ? PeerRun.New : PeerRun.Same;
    }

    /// <summary>A message of a run was accepted.</summary>
    public void Enter(PeerRun run, ushort port, Instant now)
    {
        if (_port == 0) _port = port;
        if (run != PeerRun.New) return;
        _formerPort = _port;
        _port = port;
        _begunAt = now;
        _lateFrom = null;
        Last = null;
    }

    public SequenceOrder Order(Seq sequence)
    {
        if (Last is not { } last) return SequenceOrder.Unset;
        Seq expected = last.Next;
        if (sequence == expected) return SequenceOrder.InSync;
        return sequence.IsAfter(expected) ? SequenceOrder.After : SequenceOrder.Before;
    }

    /// <summary>
    /// Whether the number lies so little beyond the last one that what is missing was lost on the way.
    /// </summary>
    public bool IsShortlyAfter(Seq sequence) => Last is { } last && sequence.DistanceFrom(last) < LateLimit;

    /// <summary>Whether a HELLO shortly before the last number is a late message rather than a restart.</summary>
    /// <remarks>
    /// A new process sends from a new port. Where ports are not known: a node soon stops saying HELLO, and what is on
    /// its way arrives soon, so that later on it is a restart; unless it is of a greeting that began only now, because
    /// another node turned up, and was overtaken.
    /// </remarks>
    /// <param name="sequence">The number of the message.</param>
    /// <param name="port">Where it was sent from, 0 if that is not known.</param>
    /// <param name="hasOthers">Whether it is not the only peer: among several a greeting is repeated.</param>
    /// <param name="now">The clock.</param>
    public bool IsLateGreeting(Seq sequence, ushort port, bool hasOthers, Instant now) =>
        Last is { } last && last.DistanceFrom(sequence) < LateLimit
        && ((port != 0 && port == _port) || now < _greetedAt.PlusMilliseconds(LateMilliseconds)
            || (hasOthers && LastBefore(now) is { } before && sequence.IsAfter(before)));

    /// <summary>The peer is waited for from here on, and waits for us.</summary>
    public void BeginListening(Instant now)
    {
        ListenedAt = now;
        _answerHeardAt = now;
        _answersSent = 0;
    }

    /// <summary>An acknowledgement of, or a request for, messages of the peer has left.</summary>
    public void NoteAnswer(Seq number, Instant now)
    {
        if (_answersSent > 0 && now < AnswerBefore(_answersSent).SentAt.PlusMilliseconds(AnswerMilliseconds)) return;
        _answers[_answersSent % AnswersKept] = (number, now);
        _answersSent++;
    }

    /// <summary>The peer has these messages of ours: does it know of us without a break?</summary>
    /// <remarks>
    /// It waits for us until it has not heard an answer for ten seconds. Which answers it has heard is what it
    /// acknowledges, however late we learn it: that something arrives says nothing of the other direction.
    /// </remarks>
    /// <returns>
    /// Whether it may have stopped waiting for us, because it did not hear us for long, and may have forgotten what we
    /// missed since.
    /// </returns>
    public bool WasDeaf(Seq from, Seq to)
    {
        for (int end = _answersSent; end > 0 && end > _answersSent - AnswersKept; end--)
        {
            (Seq number, Instant sentAt) = AnswerBefore(end);
            if (number.IsBefore(from) || number.IsAfter(to)) continue;
            bool wasDeaf = sentAt > _answerHeardAt.PlusMilliseconds(DeafMilliseconds);
            if (sentAt > _answerHeardAt) _answerHeardAt = sentAt;
            return wasDeaf;
        }

        return false;
    }

    /// <summary>Notes a late message: if nothing else comes for long, it is the numbers that are wrong.</summary>
    /// <remarks>A node speaks every second. It may have restarted and not know that its HELLO was not heard.</remarks>
    /// <returns>Whether the peer must be taken to start afresh here.</returns>
    public bool IsStranded(Instant now)
    {
        if (now < _nextLateTick) return false;
        _nextLateTick = now.PlusMilliseconds(LateTickMilliseconds);
        return ++_lateTicks >= LateTicks;
    }

    /// <summary>Whether the number lies so far beyond the last one that it is not believed at first.</summary>
    public bool IsJump(Seq sequence) => Last is { } last && sequence.DistanceFrom(last) >= JumpLimit;

    /// <summary>
    /// Notes a number; if it has jumped before and nothing else was accepted for long, the peer does go on from there.
    /// </summary>
    /// <returns>Whether the peer must be taken to start afresh here.</returns>
    public bool HasJumped(Seq sequence, Instant now)
    {
        if (!IsJump(sequence)) return false;
        bool goesOn = _jumpedTo is { } to
            && Math.Min(sequence.DistanceFrom(to), to.DistanceFrom(sequence)) < JumpLimit;
        if (!goesOn) _jumpedAt = now;
        _jumpedTo = sequence;
        return goesOn && now >= _jumpedAt.PlusMilliseconds(JumpMilliseconds);
    }

    /// <summary>Whether an operator should know of a jump: once until something is accepted.</summary>
    public bool TakeJumpReport()
    {
        bool due = !_isJumpTold;
        _isJumpTold = true;
        return due;
    }

    /// <summary>
    /// The peer starts afresh: what was heard before is of another run and not acknowledged any more.
    /// </summary>
    public void Restart()
    {
        _window = _fullWindow;
        _ackFrom = null;
        _mark = null;
        _formerMark = null;
    }

    /// <summary>
    /// Notes a greeting that was dropped as late: should it turn out a restart, it is asked for again.
    /// </summary>
    public void NoteLate(Seq sequence)
    {
        if (_lateFrom is not { } from || sequence.IsBefore(from)) _lateFrom = sequence;
    }

    /// <summary>The first number that was dropped as late although it belongs to the run that begins here.</summary>
    public Seq? TakeLate(Seq sequence)
    {
        Seq? from = _lateFrom;
        _lateFrom = null;
        return from is { } late && late.IsBefore(sequence) && sequence.DistanceFrom(late) < LateLimit ? late : null;
    }

    /// <summary>Accepts a message beyond a gap: acknowledges what did arrive, and asks for what did not.</summary>
    public void AcceptAfterGap(Seq sequence, bool isHello, ControlOutbox outbox)
    {
        SetGreeting(sequence, isHello);
        Seq expected = Last!.Value.Next;
        if (_ackFrom is { } from) outbox.Queue(PeerFlags.Ack, from, expected.Previous, bit);
        outbox.Queue(PeerFlags.Nack, expected, sequence.Previous, bit);
        _window = _fullWindow - 1;
        _ackFrom = sequence;
        Last = sequence;
    }

    /// <summary>Accepts the next message.</summary>
    public void Accept(Seq sequence, bool isHello, ControlOutbox outbox)
    {
        SetGreeting(sequence, isHello);
        _ackFrom ??= sequence;
        if (--_window == 0)
        {
            outbox.Queue(PeerFlags.Ack, _ackFrom.Value, sequence, bit);
            _window = _fullWindow;
            _ackFrom = null;
        }

        Last = sequence;
    }

    /// <summary>Acknowledges the run that is pending; the count of the window goes on.</summary>
    public bool Acknowledge(ControlOutbox outbox)
    {
        if (_ackFrom is not { } from || Last is not { } last) return false;
        outbox.Queue(PeerFlags.Ack, from, last, bit);
        _ackFrom = null;
        return true;
    }

    private ref (Seq Number, Instant SentAt) AnswerBefore(int end) => ref _answers[(end - 1) % AnswersKept];

    // The last number accepted some time ago: what is beyond it may be on its way still.
    private Seq? LastBefore(Instant now)
    {
        if (now >= HeardAt.PlusMilliseconds(LateMilliseconds)) return Last;
        return now >= _markedAt.PlusMilliseconds(LateMilliseconds) ? _mark : _formerMark;
    }

    private void Mark(Seq sequence)
    {
        bool isFirst = _formerMark is null;
        if (!isFirst && HeardAt < _markedAt.PlusMilliseconds(LateMilliseconds)) return;
        _formerMark = isFirst ? sequence.Previous : _mark;
        _mark = isFirst ? sequence.Previous : Last;
        _markedAt = HeardAt;
    }

    private void SetGreeting(Seq sequence, bool isHello)
    {
        Mark(sequence);
        IsGreeting = isHello;
        _lateTicks = 0;
        _jumpedTo = null;
        _isJumpTold = false;

        // The first that is heard may have overtaken a greeting that another peer has answered.
        if (isHello || Last is null) _greetedAt = HeardAt;
    }
}
