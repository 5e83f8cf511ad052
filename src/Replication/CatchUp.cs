namespace TwinTrack.Replication;

/// <summary>
/// When to send everything, or to ask for it, because something can't be repeated: at once, but not again and again.
/// </summary>
/// <remarks>A resend queue that is too small for its link would want it all the time.</remarks>
internal sealed class CatchUp
{
    private const long PauseSeconds = 5;

    private Instant? _last;

    /// <summary>When it is due.</summary>
    public Instant DueAt { get; private set; } = Instant.Never;

    public void Want(Instant now)
    {
        if (DueAt == Instant.Never) DueAt = _last is { } last ? last.PlusSeconds(PauseSeconds) : now;
    }

    /// <returns>Whether it is due now; then it is done with.</returns>
    public bool TakeDue(Instant now)
    {
        if (now < DueAt) return false;
        DueAt = Instant.Never;
        _last = now;
        return true;
    }
}
