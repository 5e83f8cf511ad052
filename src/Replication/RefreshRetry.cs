namespace TwinTrack.Replication;

/// <summary>When to ask for everything again, because what came had gaps: later each time.</summary>
/// <remarks>Where every answer has gaps, be it that it overflows a buffer each time, peers are left alone.</remarks>
internal sealed class RefreshRetry
{
    private const long SecondsEach = 5;
    private const long MostSeconds = 240;
    private const long EpisodeSeconds = 600;

    private Instant _askedAt;
    private int _attempts;

    /// <summary>When it is due.</summary>
    public Instant DueAt { get; private set; } = Instant.Never;

    /// <summary>Everything is asked for, for whatever reason.</summary>
    public void OnAsked(Instant now)
    {
        if (now > _askedAt.PlusSeconds(EpisodeSeconds)) _attempts = 0;
        _askedAt = now;
        DueAt = Instant.Never;
    }

    /// <summary>Something of the answer is missing.</summary>
    public void OnDisturbed()
    {
        if (DueAt != Instant.Never) return;
        _attempts++;
        DueAt = _askedAt.PlusSeconds(Math.Min(_attempts * SecondsEach, MostSeconds));
    }
}
