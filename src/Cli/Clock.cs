namespace TwinTrack.Cli;

/// <summary>The time of day.</summary>
internal static class Clock
{
    /// <summary>Nanoseconds since the epoch.</summary>
    public static ulong Now() => (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
}
