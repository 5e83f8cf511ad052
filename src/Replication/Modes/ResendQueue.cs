using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>What was sent and is not acknowledged yet, in the order of its sequence numbers.</summary>
/// <remarks>
/// An ACK releases a range; a NACK sends a range back to the transmit queue, from where each entry leaves under a new
/// number in its state of that moment. When the queue is full the oldest is given up.
/// </remarks>
internal sealed class ResendQueue(
    EntrySlabs slabs,
    EntryQueue transmit,
    ControlOutbox outbox,
    InternalEntries entries,
    SyncOptions options,
    StatsBox stats,
    Seq first)
{
    private const uint GivenUpLimit = 65_536;
    private const int MostQuestionsKept = 64;
    private const long StuckMilliseconds = 10_000;
    private const long LossyStuckMilliseconds = 250;

    private readonly EntryQueue _queue = new(slabs, QueueId.Resend);
    private Seq? _givenUp;           // the last number that the full queue has dropped
    private bool _isOverflowing;
    private bool _isOverflowDue;
    private bool _isUnrepairable;
    private bool _hasLostQuestion;

    public int Count => _queue.Count;

    /// <summary>The last number sent with HELLO; null once all of those are acknowledged.</summary>
    public Seq? LastGreeting { get; set; }

    /// <summary>Whether so much is lost on the link that waiting for lost answers takes too long.</summary>
    public bool IsLinkLossy { get; set; }

    /// <summary>Whether the queue overflowed since the last call and an operator should know.</summary>
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
    /// Whether a request of ours was given up: what it asked for does not come, unless everything is asked for.
    /// </summary>
    public bool TakeLostQuestion()
    {
        bool due = _hasLostQuestion;
        _hasLostQuestion = false;
        return due;
    }

    /// <summary>A peer lacks something that is not here any more.</summary>
    public void NoteUnrepairable() => _isUnrepairable = true;

    /// <summary>Everything is sent anew: what was given up until now is not missing any more.</summary>
    public void ForgetGivenUp() => _givenUp = null;

    /// <summary>Keeps what was sent.</summary>
    /// <param name="handle">The entry.</param>
    /// <param name="awaited">The peers whose acknowledgement it needs; none: whoever is first.</param>
    public void Append(uint handle, uint awaited)
    {
        if (_queue.Count >= options.ResendQueueSize) GiveUpOldest();
        slabs.Header(handle).Awaited = awaited;
        _queue.Append(handle);
    }

    /// <summary>Requests that the full queue has given up.</summary>
    public uint LostQuestions { get; private set; }

    /// <summary>Whether a request to a peer is not acknowledged.</summary>
    public bool HasQuestion(uint peer) => outbox.HasQuestion(_queue.Head, peer);

    /// <summary>Nothing waits for these peers any more; what waited for nobody else is given up.</summary>
    public void StopWaiting(uint peers)
    {
        for (uint handle = _queue.Head; handle != 0;)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            uint following = header.Next;
            bool waited = (header.Awaited & peers) != 0;
            header.Awaited &= ~peers;
            if (waited && header.Awaited == 0)
            {
                _givenUp = new Seq(header.Sequence);
                _queue.Remove(handle);
                Drop(handle);
            }

            handle = following;
        }
    }

    public void Remove(uint handle) => _queue.Remove(handle);

    public void RemoveEntries() => _queue.RemoveEntries();

    /// <summary>A peer has these.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="peer">Who.</param>
    /// <param name="from">First number of the range.</param>
    /// <param name="to">Last number of the range.</param>
    /// <param name="next">The number that is sent next.</param>
    public void Release(Instant now, AckTracker peer, Seq from, Seq to, Seq next)
    {
        // A range that begins before this run takes it for the run before: what it covers may never have arrived.
        if (LastGreeting is not null && from.IsBefore(first)) return;

        RepeatUnheard(peer, from);
        for (uint handle = FirstIn(from); handle != 0;)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            if (new Seq(header.Sequence).IsAfter(to)) break;
            uint following = header.Next;
            header.Awaited &= ~peer.Bit;
            if (header.Awaited == 0)
            {
                _queue.Remove(handle);
                header.Flags &= ~EntryFlags.Anew;
                Drop(handle);
            }

            handle = following;
        }

        if (_queue.Count == 0) _isOverflowing = false;
        RepeatStuck(now, peer, from);

        // What was given up so long ago is not asked for any more; and numbers wrap round.
        if (_givenUp is { } given && next.DistanceFrom(given) > GivenUpLimit + (uint)options.ResendQueueSize)
            _givenUp = null;
    }

    /// <summary>The peer lacks these.</summary>
    public void Repeat(Seq from, Seq to)
    {
        uint missing = to.DistanceFrom(from) + 1;
        for (uint handle = FirstIn(from); handle != 0;)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            if (new Seq(header.Sequence).IsAfter(to)) break;
            uint following = header.Next;
            _queue.Remove(handle);
            Again(handle);
            missing--;
            handle = following;
        }

        if (missing > 0 && _givenUp is { } last && !from.IsAfter(last)) _isUnrepairable = true;
    }

    /// <summary>
    /// A peer starts afresh and gets again what was not acknowledged. The original forgets it here.
    /// </summary>
    /// <param name="peer">Who.</param>
    /// <param name="keepsResync">
    /// Whether a request for everything is repeated too; one of a node that has only just started itself is not: the
    /// peer has nothing yet. Other control messages for it belong to a run that is over.
    /// </param>
    public void RepeatAll(AckTracker peer, bool keepsResync)
    {
        outbox.ForgetAnswers(peer.Bit);
        for (uint handle = _queue.Head; handle != 0;)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            uint following = header.Next;
            if (EntrySlabs.IsEntry(handle))
            {
                _queue.Remove(handle);
                transmit.Append(handle);
            }
            else if (slabs.Control(handle).Peer == peer.Bit)
            {
                _queue.Remove(handle);
                slabs.Free(handle);
            }
            else if (slabs.Control(handle).Peer == 0)
            {
                RestartQuestion(handle, peer, keepsResync);
            }

            handle = following;
        }

        _givenUp = null;
        _isOverflowing = false;
    }

    /// <summary>Sends all flows again; control messages stay.</summary>
    public void RepeatFlows() => RepeatFlowsUpTo(null);

    /// <summary>Flows that were sent with HELLO are sent again: whether they have arrived nobody can tell.</summary>
    public void RepeatGreetings()
    {
        if (LastGreeting is { } last) RepeatFlowsUpTo(last);
    }

    /// <summary>Lists the queue, oldest first.</summary>
    public List<ResendQueueElement> Read()
    {
        var elements = new List<ResendQueueElement>(_queue.Count);
        for (uint handle = _queue.Head; handle != 0; handle = slabs.Header(handle).Next)
        {
            bool isControl = !EntrySlabs.IsEntry(handle);
            byte flags = isControl ? slabs.Control(handle).Flags : (byte)0;
            elements.Add(new ResendQueueElement(new Seq(slabs.Header(handle).Sequence), isControl, flags));
        }

        return elements;
    }

    private void RestartQuestion(uint handle, AckTracker peer, bool keepsResync)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        header.Awaited &= ~peer.Bit;
        if (!keepsResync && header.Awaited != 0) return;
        _queue.Remove(handle);
        if (keepsResync) Again(handle);
        else slabs.Free(handle);
    }

    // The numbers begin with the first message that a peer hears: it does not miss what came before, nor ask for it.
    private void RepeatUnheard(AckTracker peer, Seq from)
    {
        if (peer.LastUnsure is not { } last) return;
        RepeatBefore(peer, from, last);
        if (!from.IsAfter(last)) return;
        peer.LastUnsure = null;
        if (LastGreeting is { } greeting && from.IsAfter(greeting)) LastGreeting = null;
    }

    // Neither acknowledged nor asked for, although what was sent after it has been acknowledged for long: the answer is
    // lost for good, as when the peer's own queue gave it up.
    private void RepeatStuck(Instant now, AckTracker peer, Seq from)
    {
        if (peer.StuckBefore is { } end)
        {
            if (now < peer.StuckUntil) return;
            RepeatBefore(peer, end, last: end);
            peer.StuckBefore = null;
        }
        else if (_queue.Head is var head and not 0 && new Seq(slabs.Header(head).Sequence).IsBefore(from))
        {
            peer.StuckBefore = from;
            peer.StuckUntil = now.PlusMilliseconds(IsLinkLossy ? LossyStuckMilliseconds : StuckMilliseconds);
        }
    }

    private void RepeatFlowsUpTo(Seq? last)
    {
        for (uint handle = _queue.Head; handle != 0;)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            if (last is { } end && new Seq(header.Sequence).IsAfter(end)) break;
            uint following = header.Next;
            if (EntrySlabs.IsEntry(handle))
            {
                _queue.Remove(handle);
                transmit.Append(handle);
            }

            handle = following;
        }
    }

    private void RepeatBefore(AckTracker peer, Seq from, Seq last)
    {
        for (uint handle = _queue.Head; handle != 0;)
        {
            ref EntryHeader header = ref slabs.Header(handle);
            uint following = header.Next;
            var sequence = new Seq(header.Sequence);
            if (!sequence.IsBefore(from) || sequence.IsAfter(last)) break;
            if (header.Awaited == 0 || (header.Awaited & peer.Bit) != 0)
            {
                _queue.Remove(handle);
                Again(handle);
            }

            handle = following;
        }
    }

    private uint FirstIn(Seq from)
    {
        uint handle = _queue.Head;
        while (handle != 0 && new Seq(slabs.Header(handle).Sequence).IsBefore(from))
            handle = slabs.Header(handle).Next;
        return handle;
    }

    private void Again(uint handle)
    {
        if (EntrySlabs.IsEntry(handle)) transmit.Append(handle);
        else outbox.QueueAgain(handle);
    }

    private bool IsResync(uint handle) => ((PeerFlags)slabs.Control(handle).Flags & PeerFlags.Resync) != 0;

    private bool IsAck(uint handle) => ((PeerFlags)slabs.Control(handle).Flags & PeerFlags.Ack) != 0;

    private void GiveUpOldest()
    {
        uint oldest = LeastWorthKeeping();
        if (!EntrySlabs.IsEntry(oldest) && !IsAck(oldest))
        {
            _hasLostQuestion = true;
            LostQuestions++;
        }

        _givenUp = new Seq(slabs.Header(oldest).Sequence);
        _queue.Remove(oldest);
        Drop(oldest);
        stats.Value.ResendQueueOverflows++;
        if (_isOverflowing) return;
        _isOverflowing = true;
        _isOverflowDue = true;
    }

    // What asks the peer for something is kept as long as possible: nobody else knows that it is missing.
    private uint LeastWorthKeeping()
    {
        uint handle = _queue.Head;
        for (int step = 0; handle != 0 && step < MostQuestionsKept; step++)
        {
            if (EntrySlabs.IsEntry(handle) || IsAck(handle)) return handle;
            handle = slabs.Header(handle).Next;
        }

        return _queue.Head;
    }

    private void Drop(uint handle)
    {
        if (EntrySlabs.IsEntry(handle)) entries.Release(handle);
        else slabs.Free(handle);
    }
}
