using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>
/// Decides how long to let a socket fill before it is read: not at all when little comes, up to a few milliseconds
/// under load. A wake-up costs several times what reading a message costs.
/// </summary>
/// <remarks>
/// The pause doubles while each reading finds plenty and falls to nothing when one finds little. It is bounded by what
/// the socket's buffer holds as well as by time, so that pausing never loses messages: the next pause may be filled
/// twice as densely as the last before a quarter of the buffer is used.
/// </remarks>
internal sealed class DrainPacer(long longestMicroseconds)
{
    private const long FirstMicroseconds = 500;
    private const int Plenty = 8;            // messages in one reading that make a pause worthwhile
    private const int Little = 2;

    private long _pause;
    private Instant _lastRead;

    /// <summary>Until when the socket should be left alone; the past when it may be waited for.</summary>
    public Instant ReadAt { get; private set; }

    /// <summary>Whether the socket is to fill for a while.</summary>
    public bool IsPausing(Instant now) => now < ReadAt;

    /// <summary>Tells how many messages a reading found, and how many the buffer holds.</summary>
    public void OnRead(Instant now, int messages, int bufferMessages)
    {
        long sinceLast = Math.Max(now.Microseconds - _lastRead.Microseconds, 1);
        _lastRead = now;
        if (messages >= Plenty) _pause = Math.Clamp(_pause * 2, FirstMicroseconds, longestMicroseconds);
        else if (messages <= Little) _pause = 0;
        else _pause /= 2;

        // At twice the rate just seen, a quarter of the buffer fills in this time.
        long bounded = bufferMessages / 4 * sinceLast / (2L * Math.Max(messages, 1));
        ReadAt = new Instant(now.Microseconds + Math.Min(_pause, bounded));
    }
}
