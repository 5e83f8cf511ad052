using TwinTrack.Replication.Caches;

namespace TwinTrack.Replication;

/// <summary>
/// Puts the internal cache right after events were lost: a dump brings what is new or changed, and a sweep afterwards
/// finds what neither the dump nor an event has confirmed. Only differences are sent.
/// </summary>
internal sealed class Repair(InternalCache cache, Announcer announcer)
{
    private const int SlotsPerStep = 4096;

    private ulong? _cursor;      // null unless sweeping
    private bool _kills;

    /// <summary>What was found different since the dump began.</summary>
    public long Differences { get; private set; }

    /// <summary>What the last dump was for.</summary>
    public SnapshotPurpose Purpose { get; private set; }

    public bool IsSweeping => _cursor is not null;

    public void BeginDump()
    {
        cache.BeginSnapshot();
        Differences = 0;
    }

    public void OnDifference(uint handle)
    {
        Differences++;
        announcer.Tell(handle);
    }

    /// <summary>Ends the dump.</summary>
    /// <param name="purpose">What it was for: when it compares, what it did not confirm is gone.</param>
    /// <param name="isComplete">Whether it was read to its end; else nothing may be concluded.</param>
    /// <returns>Whether there is something to sweep.</returns>
    public bool EndDump(SnapshotPurpose purpose, bool isComplete)
    {
        bool hasMemories = cache.EndSnapshot();
        Purpose = purpose;
        _kills = isComplete && purpose is (SnapshotPurpose.Repair or SnapshotPurpose.Poll);
        if (_kills || hasMemories) _cursor = 0;
        return IsSweeping;
    }

    /// <summary>Begins anew: the cache was emptied under the sweep.</summary>
    public void Restart()
    {
        if (IsSweeping) _cursor = 0;
    }

    /// <summary>Sweeps on.</summary>
    /// <returns>True at the end.</returns>
    public bool Sweep()
    {
        ulong cursor = _cursor!.Value;
        int steps = SlotsPerStep;
        bool isEnd = false;
        while (steps > 0 && !isEnd)
        {
            uint gone = cache.Sweep(_kills, ref cursor, ref steps, out isEnd);
            if (gone != 0) OnDifference(gone);
        }

        _cursor = isEnd ? null : cursor;
        return isEnd;
    }
}
