namespace TwinTrack.Replication;

/// <summary>
/// When the internal cache is compared with the kernel's table: after lost events, and where no events come, regularly.
/// </summary>
/// <remarks>
/// <para>One comparison makes up for every loss before it began, so further losses do not put it off. A loss while one
/// is under way asks for another. Without a configured delay it begins at once, but a machine that loses events all
/// the time does not spend all its time comparing: the pause between two is three times what the last one took, and at
/// least half a second.</para>
/// <para>Of flows that are older than the first listener the kernel tells nothing, not even their end
/// (nf_conntrack_events = 2). While the cache holds flows of which no event has come, it is compared from time to
/// time: more rarely as long as none of them has ended in silence.</para>
/// </remarks>
internal sealed class RepairSchedule
{
    private const long LeastPauseMicroseconds = 500_000;
    private const long ShortestSilenceMicroseconds = 10_000_000;
    private const long LongestSilenceMicroseconds = 320_000_000;
    private const int PauseFactor = 3;

    private readonly SyncOptions _options;
    private Instant _lossAt = Instant.Never;       // the first since the last comparison began
    private Instant _repairAt = Instant.Never;
    private Instant _pollAt = Instant.Never;
    private Instant _began;
    private Instant _earliest;
    private long _silence = ShortestSilenceMicroseconds;
    private bool _isUnderWay;
    private bool _isWanted;          // whatever the cache holds

    public RepairSchedule(SyncOptions options, Instant now)
    {
        _options = options;
        if (options.PollSeconds is { } seconds) _pollAt = now.PlusSeconds(seconds);
    }

    /// <summary>When one is due.</summary>
    public Instant DueAt => _isUnderWay ? Instant.Never : Instant.Earlier(_repairAt, _pollAt);

    /// <summary>Events were lost.</summary>
    public void OnLoss(Instant now)
    {
        if (_options.OverrunResyncSeconds is null || _options.PollSeconds is not null || _lossAt != Instant.Never)
            return;
        _lossAt = now;
        if (!_isUnderWay) Arm();
    }

    /// <summary>Events were left out on purpose: one comparison, without a word, brings what they told.</summary>
    public void OnLeftOut(Instant now)
    {
        _isWanted = true;
        _pollAt = Instant.Earlier(_pollAt, Later(now, _earliest));
    }

    /// <summary>What the one that is due is for; it counts as begun. Null when none is due.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="unheard">Flows in the cache of which no event has come.</param>
    public SnapshotPurpose? TakeDue(Instant now, uint unheard)
    {
        if (now < DueAt) return null;
        bool isRepair = _lossAt != Instant.Never;
        _repairAt = Instant.Never;
        _pollAt = Instant.Never;
        _lossAt = Instant.Never;
        if (!isRepair && _options.PollSeconds is null && unheard == 0 && !_isWanted) return null;
        _isWanted = false;
        _began = now;
        _isUnderWay = true;
        return isRepair ? SnapshotPurpose.Repair : SnapshotPurpose.Poll;
    }

    /// <summary>A comparison, or another reading of the table, is over or given up.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="purpose">What the table was read for.</param>
    /// <param name="unheard">Flows in the cache of which no event has come.</param>
    /// <param name="endedInSilence">Whether one of them was gone.</param>
    public void OnEnd(Instant now, SnapshotPurpose purpose, uint unheard, bool endedInSilence)
    {
        if (purpose is SnapshotPurpose.Repair or SnapshotPurpose.Poll)
        {
            _isUnderWay = false;
            long pause = Math.Max((now.Microseconds - _began.Microseconds) * PauseFactor, LeastPauseMicroseconds);
            _earliest = new Instant(now.Microseconds + pause);
            _silence = endedInSilence
                ? ShortestSilenceMicroseconds
                : Math.Min(_silence * 2, LongestSilenceMicroseconds);
            if (_lossAt != Instant.Never) Arm();
        }

        if (_options.PollSeconds is { } seconds) _pollAt = Later(_began.PlusSeconds(seconds), now);
        else if (_isWanted) _pollAt = Later(now, _earliest);
        else if (unheard > 0) _pollAt = Later(new Instant(now.Microseconds + _silence), _earliest);
    }

    private void Arm() =>
        _repairAt = Later(_lossAt.PlusSeconds(_options.OverrunResyncSeconds ?? 0), _earliest);

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;
}
