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

/// <summary>The receiving half of FT-FW for one peer: keeps its messages in order and says which arrived.</summary>
/// <remarks>
/// Late means lost: the sender repeats the state as a new message. The numbers and the window run as the original's
/// do, so that a pair with an original exchanges the very same acknowledgements.
/// </remarks>
internal sealed class AckTracker(int ackWindow)
{
    private const uint LateLimit = 65_536;

    private uint _window = (uint)ackWindow;
    private Seq? _ackFrom;       // start of the run that is not acknowledged yet

    /// <summary>The last number accepted; null until the peer is first heard.</summary>
    public Seq? Last { get; private set; }

    /// <summary>Whether the last accepted message said HELLO.</summary>
    public bool IsGreeting { get; private set; }

    /// <summary>When the peer was last heard; the least recent gives way when there are too many.</summary>
    public Instant HeardAt { get; set; }

    public SequenceOrder Order(Seq sequence)
    {
        if (Last is not { } last) return SequenceOrder.Unset;
        Seq expected = last.Next;
        if (sequence == expected) return SequenceOrder.InSync;
        return sequence.IsAfter(expected) ? SequenceOrder.After : SequenceOrder.Before;
    }

    /// <summary>Whether the number lies so little before the last one that it may be a late message of the same run.</summary>
    public bool IsShortlyBefore(Seq sequence) => Last is { } last && last.DistanceFrom(sequence) < LateLimit;

    /// <summary>Whether the number lies so little beyond the last one that what is missing was lost on the way.</summary>
    public bool IsShortlyAfter(Seq sequence) => Last is { } last && sequence.DistanceFrom(last) < LateLimit;

    /// <summary>The peer starts afresh: whatever the number, it is the new base.</summary>
    public void Rebase(Seq sequence)
    {
        if (_ackFrom is not { } from || !sequence.IsBefore(from)) return;
        _window = (uint)ackWindow - 1;
        _ackFrom = sequence;
    }

    /// <summary>Takes a number as the new base whose message is asked for again: it must not be acknowledged.</summary>
    public void RebaseWithout(Seq sequence)
    {
        IsGreeting = true;
        _window = (uint)ackWindow;
        _ackFrom = null;
        Last = sequence;
    }

    /// <summary>Accepts a message beyond a gap: acknowledges what did arrive, and asks for what did not.</summary>
    public void AcceptAfterGap(Seq sequence, bool isHello, ControlOutbox outbox)
    {
        IsGreeting = isHello;
        Seq expected = Last!.Value.Next;
        if (_ackFrom is { } from) outbox.Queue(PeerFlags.Ack, from, expected.Previous);
        outbox.Queue(PeerFlags.Nack, expected, sequence.Previous);
        _window = (uint)ackWindow - 1;
        _ackFrom = sequence;
        Last = sequence;
    }

    /// <summary>Accepts the next message.</summary>
    public void Accept(Seq sequence, bool isHello, ControlOutbox outbox)
    {
        IsGreeting = isHello;
        _ackFrom ??= sequence;
        if (--_window == 0)
        {
            outbox.Queue(PeerFlags.Ack, _ackFrom.Value, sequence);
            _window = (uint)ackWindow;
            _ackFrom = null;
        }
        else if (_window > int.MaxValue)
        {
            // A gap with a window of one leaves nothing to count down.
            _window = (uint)ackWindow;
        }

        Last = sequence;
    }

    /// <summary>Acknowledges the run that is pending; the count of the window goes on.</summary>
    public bool Acknowledge(ControlOutbox outbox)
    {
        if (_ackFrom is not { } from || Last is not { } last) return false;
        outbox.Queue(PeerFlags.Ack, from, last);
        _ackFrom = null;
        return true;
    }
}
