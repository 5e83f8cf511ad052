namespace TwinTrack.Replication;

/// <summary>
/// When the internal cache is compared with the kernel's table: after lost events, or, without events, regularly.
/// </summary>
/// <remarks>
/// One comparison makes up for every loss before it began, so further losses do not put it off. A loss while one is
/// under way asks for another. Without a configured delay it begins at once, but a machine that loses events all the
/// time does not spend all its time comparing: the pause between two is ten times what the last one took, and at
/// least a second.
/// </remarks>
internal sealed class RepairSchedule
{
    private const long LeastPauseMicroseconds = 1_000_000;
    private const int PauseFactor = 10;

    private readonly SyncOptions _options;
    private Instant _lossAt = Instant.Never;       // the first since the last comparison began
    private Instant _began;
    private Instant _earliest;
    private bool _isUnderWay;

    public RepairSchedule(SyncOptions options, Instant now)
    {
        _options = options;
        if (options.PollSeconds is { } seconds) DueAt = now.PlusSeconds(seconds);
    }

    /// <summary>When one is due.</summary>
    public Instant DueAt { get; private set; } = Instant.Never;

    public SnapshotPurpose Purpose => _options.PollSeconds is null ? SnapshotPurpose.Repair : SnapshotPurpose.Poll;

    /// <summary>Events were lost.</summary>
    public void OnLoss(Instant now)
    {
        if (_options.OverrunResyncSeconds is null || _options.PollSeconds is not null || _lossAt != Instant.Never)
            return;
        _lossAt = now;
        if (!_isUnderWay) Arm();
    }

    /// <returns>Whether one is due; it counts as begun.</returns>
    public bool TakeDue(Instant now)
    {
        if (now < DueAt) return false;
        DueAt = Instant.Never;
        _lossAt = Instant.Never;
        _began = now;
        _isUnderWay = true;
        return true;
    }

    /// <summary>The one under way is over, or given up.</summary>
    public void OnEnd(Instant now)
    {
        if (!_isUnderWay) return;
        _isUnderWay = false;
        long pause = Math.Max((now.Microseconds - _began.Microseconds) * PauseFactor, LeastPauseMicroseconds);
        _earliest = new Instant(now.Microseconds + pause);
        if (_options.PollSeconds is { } seconds) DueAt = Later(_began.PlusSeconds(seconds), now);
        else if (_lossAt != Instant.Never) Arm();
    }

    private void Arm() =>
        DueAt = Later(_lossAt.PlusSeconds(_options.OverrunResyncSeconds!.Value), _earliest);

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;
}
