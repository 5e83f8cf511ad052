namespace TwinTrack.Sim.Net;

/// <summary>What a link does to datagrams.</summary>
internal sealed record LinkOptions
{
    public long DelayMicroseconds { get; init; } = 200;

    /// <summary>At most so much more, drawn for each datagram: they overtake each other.</summary>
    public long JitterMicroseconds { get; init; }

    /// <summary>Share of datagrams lost in good times.</summary>
    public double Loss { get; init; }

    /// <summary>Chance, for each datagram, that a burst of losses begins.</summary>
    public double BurstStart { get; init; }

    /// <summary>Chance, for each datagram, that the burst ends.</summary>
    public double BurstEnd { get; init; } = 0.2;

    public double Duplicates { get; init; }

    /// <summary>Share of datagrams that come much later.</summary>
    public double Stragglers { get; init; }

    /// <summary>How much later at most.</summary>
    public long StragglerMicroseconds { get; init; } = 300_000;
}

/// <summary>One direction between two nodes.</summary>
internal sealed class Link(LinkOptions options, Dice dice)
{
    private bool _isBurst;

    /// <summary>Whether anything goes through.</summary>
    public bool IsUp { get; set; } = true;

    /// <summary>Whether the faults of the options happen; a healed link only delays.</summary>
    public bool IsFaulty { get; set; } = true;

    /// <summary>Datagrams to lose next, for scenarios.</summary>
    public int LoseNext { get; set; }

    /// <summary>Datagrams to deliver twice next, for scenarios.</summary>
    public int DoubleNext { get; set; }

    /// <summary>Datagrams to hold back next, for scenarios, and for how long.</summary>
    public (int Count, long Microseconds) HoldNext { get; set; }

    /// <summary>Decides the fate of one datagram.</summary>
    /// <param name="delays">Filled with the delay of each copy that arrives.</param>
    /// <returns>The number of copies.</returns>
    public int Carry(Span<long> delays)
    {
        if (!IsUp) return 0;
        if (LoseNext > 0)
        {
            LoseNext--;
            return 0;
        }

        delays[0] = options.DelayMicroseconds;
        if (HoldNext.Count > 0)
        {
            HoldNext = HoldNext with { Count = HoldNext.Count - 1 };
            delays[0] += HoldNext.Microseconds;
        }

        if (DoubleNext > 0)
        {
            DoubleNext--;
            delays[1] = delays[0] + 1;
            return 2;
        }

        return IsFaulty ? CarryFaulty(delays) : 1;
    }

    private int CarryFaulty(Span<long> delays)
    {
        if (_isBurst) _isBurst = !dice.Chance(options.BurstEnd);
        else if (dice.Chance(options.BurstStart)) _isBurst = true;
        if (_isBurst || dice.Chance(options.Loss)) return 0;

        delays[0] = Delay();
        if (!dice.Chance(options.Duplicates)) return 1;
        delays[1] = Delay();
        return 2;
    }

    private long Delay()
    {
        long delay = options.DelayMicroseconds;
        if (options.JitterMicroseconds > 0) delay += dice.Below((int)options.JitterMicroseconds);
        if (dice.Chance(options.Stragglers)) delay += dice.Below((int)options.StragglerMicroseconds);
        return delay;
    }
}
