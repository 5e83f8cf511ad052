namespace TwinTrack.Daemon;

/// <summary>
/// Keeps a fault that repeats from filling the disk: after a burst, warnings and errors come at a steady pace and the
/// rest is counted.
/// </summary>
internal sealed class LogBudget(TimeProvider time)
{
    /// <summary>Lines that may come at once.</summary>
    public const int Burst = 1000;

    /// <summary>Lines a second afterwards.</summary>
    public const int PerSecond = 50;

    private long _stamp = time.GetTimestamp();
    private double _left = Burst;

    /// <summary>Lines left out since the last one that was let through.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Whether the last line was left out: what belongs to it goes the same way.</summary>
    public bool IsExhausted { get; private set; }

    /// <summary>Asks for the place of one line.</summary>
    /// <param name="leftOut">When it is granted, how many were left out before it.</param>
    public bool TryTake(out long leftOut)
    {
        long now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_stamp, now).TotalSeconds * PerSecond));
        _stamp = now;
        leftOut = LeftOut;
        IsExhausted = _left < 1;
        if (IsExhausted)
        {
            LeftOut++;
            return false;
        }

        _left--;
        LeftOut = 0;
        return true;
    }
}
