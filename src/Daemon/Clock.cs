using System.Diagnostics;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>The monotonic clock that the engine is told.</summary>
internal static class Clock
{
    public static Instant Now => new((long)Stopwatch.GetElapsedTime(0).TotalMicroseconds);
}
