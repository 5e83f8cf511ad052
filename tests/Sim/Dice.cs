namespace TwinTrack.Sim;

/// <summary>What a stream of random numbers is for. Each has its own, so that a new draw in one shifts no other.</summary>
internal enum Concern : byte
{
    Plan,
    Options,
    Traffic,
    Network,
    Shell,
    Faults,
    Kernel,
    Takeover,
    Shape,
    Announcements,
    Links,
    Formats,
    Turns,
    Caches,
}

/// <summary>One stream of random numbers, the same on every machine and runtime (SplitMix64).</summary>
internal sealed class Dice(ulong seed, Concern concern)
{
    private const ulong Step = 0x9E37_79B9_7F4A_7C15;

    private ulong _state = Mix(seed + (((ulong)concern + 1) * Step));

    public ulong Next()
    {
        _state += Step;
        return Mix(_state);
    }

    /// <summary>A number from 0 up to but not including the count.</summary>
    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    /// <summary>A number from the least to the most, both included.</summary>
    public int Between(int least, int most) => least + Below(most - least + 1);

    public bool Chance(double probability) => Fraction() < probability;

    /// <summary>A number from 0 up to but not including 1.</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    public T Pick<T>(params ReadOnlySpan<T> options) => options[Below(options.Length)];

    /// <summary>A waiting time with the given mean, at least one microsecond.</summary>
    public long Wait(double meanMicroseconds) => 1 + (long)(-Math.Log(1 - Fraction()) * meanMicroseconds);

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
