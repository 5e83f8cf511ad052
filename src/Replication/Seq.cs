using System.Globalization;

namespace TwinTrack.Replication;

/// <summary>A wrapping 32-bit sequence number; order is the sign of the difference.</summary>
public readonly record struct Seq(uint Value)
{
    /// <summary>Whether this number comes before the other (signed difference negative).</summary>
    public bool IsBefore(Seq other) => (int)(Value - other.Value) < 0;

    /// <summary>Whether this number comes after the other.</summary>
    /// <remarks>
    /// At a distance of exactly 2^31 both tests hold; callers ask for "after" first, as the original does.
    /// </remarks>
    public bool IsAfter(Seq other) => other.IsBefore(this);

    /// <summary>The number that follows.</summary>
    public Seq Next => new(Value + 1);

    /// <summary>The number before.</summary>
    public Seq Previous => new(Value - 1);

    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>How far this number is ahead, modulo 2^32.</summary>
    public uint DistanceFrom(Seq other) => Value - other.Value;
}
