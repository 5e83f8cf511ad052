using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>How a node says that it has started, until its peers have heard it, and answers theirs.</summary>
/// <remarks>
/// It says HELLO with every message until it sees HELLO_BACK:
/// <code>
///  Init ──first message──► Say ──HELLO_BACK──► Done
///                           ▲                    │
///                           └── a peer turns up ─┘  (soon after the start, in a group)
/// </code>
/// </remarks>
internal sealed class Greeting(PeerTable peers, ResendQueue resend, Instant now)
{
    // The greeting goes on that long after the first answer, for the peers that have not answered.
    private const long LongestMilliseconds = 3000;

    // A living peer that missed the greeting of our start has spoken by then.
    private const long StartSeconds = 30;

    private readonly Instant _startedUntil = now.PlusSeconds(StartSeconds);
    private State _state = State.Init;
    private Instant _until = Instant.Never;
    private bool _owesAnswer;
    private bool _hasLost;

    private enum State : byte
    {
        Init,
        Say,
        Done,
    }

    /// <summary>Whether the peers know that we have started.</summary>
    public bool IsOver => _state == State.Done;

    public void OnDeadline(Instant now)
    {
        if (now >= _until && _state == State.Say) End();
    }

    /// <summary>A peer says HELLO: the next message answers it.</summary>
    public void OnHello() => _owesAnswer = true;

    /// <summary>A peer has answered. Of several one may have missed the greeting that another has heard.</summary>
    public void OnHelloBack(Instant now, AckTracker peer)
    {
        if (_state != State.Say) return;
        peer.IsGreeted = true;
        if (_until == Instant.Never) _until = now.PlusMilliseconds(LongestMilliseconds);
        foreach (AckTracker other in peers.All)
        {
            if (!other.IsGreeted && now < _until) return;
        }

        End();
    }

    /// <summary>
    /// A peer was not heard before. If another one has answered so soon that this one may not have heard the greeting,
    /// to it we are who we were: it is greeted as well.
    /// </summary>
    public void OnNewPeer(Instant now, AckTracker peer)
    {
        peer.LastUnsure = resend.LastGreeting;
        if (!IsOver || peers.All.Count == 1 || now >= _startedUntil) return;
        foreach (AckTracker other in peers.All) other.IsGreeted = other != peer;
        _until = now.PlusMilliseconds(LongestMilliseconds);
        _state = State.Say;
    }

    /// <summary>The flags that ride on the message that takes a number.</summary>
    public PeerFlags OnNumber(Seq sequence)
    {
        PeerFlags flags = PeerFlags.None;
        if (!IsOver)
        {
            _state = State.Say;
            resend.LastGreeting = sequence;
            flags |= PeerFlags.Hello;
        }

        if (_owesAnswer) flags |= PeerFlags.HelloBack;
        _owesAnswer = false;
        return flags;
    }

    /// <summary>Something was missing that asking for its numbers does not bring.</summary>
    public void NoteLost() => _hasLost = true;

    /// <summary>
    /// Whether messages were missing while we said HELLO, which has ended: an original has forgotten them at each
    /// HELLO, so that asking for their numbers was in vain.
    /// </summary>
    public bool TakeLost()
    {
        if (!IsOver || !_hasLost) return false;
        _hasLost = false;
        return true;
    }

    // An original takes whatever says HELLO without looking at its number, and acknowledges what it missed in between.
    private void End()
    {
        _state = State.Done;
        _until = Instant.Never;
        foreach (AckTracker peer in peers.All) peer.IsGreeted = true;
        resend.RepeatGreetings();
    }
}
