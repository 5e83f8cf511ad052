namespace TwinTrack.Replication;

/// <summary>A reading of a monotonic clock, in microseconds since an arbitrary start.</summary>
public readonly record struct Instant(long Microseconds) : IComparable<Instant>
{
    /// <summary>Later than every reading: "no deadline".</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>This instant, later by whole seconds.</summary>
    public Instant PlusSeconds(long seconds) => new(Microseconds + (seconds * 1_000_000));

    /// <summary>This instant, later by milliseconds.</summary>
    public Instant PlusMilliseconds(long milliseconds) => new(Microseconds + (milliseconds * 1_000));

    /// <summary>Whole seconds since the start of the clock.</summary>
    public uint Seconds => (uint)(Microseconds / 1_000_000);

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Microseconds.CompareTo(other.Microseconds);

    /// <summary>Whether the left reading is earlier.</summary>
    public static bool operator <(Instant left, Instant right) => left.Microseconds < right.Microseconds;

    /// <summary>Whether the left reading is later.</summary>
    public static bool operator >(Instant left, Instant right) => left.Microseconds > right.Microseconds;

    /// <summary>Whether the left reading is not later.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Microseconds <= right.Microseconds;

    /// <summary>Whether the left reading is not earlier.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Microseconds >= right.Microseconds;

    /// <summary>The earlier of two.</summary>
    public static Instant Earlier(Instant left, Instant right) => left < right ? left : right;
}
