namespace TwinTrack.Helpers;

/// <summary>Looks at one packet of a control flow and says what follows from it.</summary>
public delegate void Inspect(ref Inspection packet);

/// <summary>A helper: a row of <see cref="HelperTable"/>.</summary>
/// <param name="Name">Its name in rules and in the configuration, at most 15 characters.</param>
/// <param name="Protocol">IP protocol number of its control flows.</param>
/// <param name="Inspect">What it does; not called for packets without payload.</param>
public sealed record Helper(string Name, byte Protocol, Inspect Inspect)
{
    /// <summary>Bytes of private data the kernel keeps for each flow, at most 32.</summary>
    public int PrivateBytes { get; init; }

    /// <summary>Bytes of a line or message that are kept until the rest comes in another segment, at most.</summary>
    public int LongestTail { get; init; } = StreamTails.LongestLine;

    /// <summary>Expectations of one flow at a time, unless configured otherwise.</summary>
    public uint ExpectMax { get; init; } = 1;

    /// <summary>Seconds an expectation lives, unless configured otherwise.</summary>
    public uint ExpectSeconds { get; init; } = 300;

    /// <summary>The lowest port it opens, unless configured otherwise.</summary>
    public ushort LeastPort { get; init; } = 1024;
}
