namespace TwinTrack.Replication.Modes;

/// <summary>Follows a request for everything until each peer has sent all it has, or something was missing.</summary>
/// <remarks>
/// A peer acknowledges the request after it has sent what was asked for. When nothing was missing in between, all of it
/// has come; what is lost may be beyond repetition, and then nothing can be concluded: it has to be asked for again.
/// </remarks>
internal sealed class Refresh(PeerTable peers, ResendQueue resend, ControlOutbox outbox)
{
    private uint _questionsLost;     // when everything was asked for last
    private bool _isDone;
    private bool _isDisturbed;

    private uint QuestionsLost => resend.LostQuestions + outbox.Dropped;

    /// <summary>Whether the peer that spoke last has sent all it has, as was asked.</summary>
    public bool TakeDone()
    {
        bool due = _isDone;
        _isDone = false;
        return due;
    }

    /// <summary>Whether something of what was asked for may be missing since the last call.</summary>
    public bool TakeDisturbed()
    {
        bool due = _isDisturbed;
        _isDisturbed = false;
        return due;
    }

    /// <summary>The request leaves.</summary>
    public void Begin()
    {
        _questionsLost = QuestionsLost;
        foreach (AckTracker peer in peers.All) peer.IsRefreshing = (peers.Awaited & peer.Bit) != 0;
    }

    /// <summary>Something of a peer was missing.</summary>
    public void OnGap(AckTracker peer)
    {
        _isDisturbed |= peer.IsRefreshing;
        peer.IsRefreshing = false;
    }

    /// <summary>A peer has acknowledged something, and nothing was missing since it was asked.</summary>
    public void OnAcknowledged(AckTracker peer)
    {
        if (outbox.HasQuestion(peer.Bit) || resend.HasQuestion(peer.Bit)) return;
        peer.IsRefreshing = false;
        _isDone = _questionsLost == QuestionsLost;
        _isDisturbed |= !_isDone;
    }
}
