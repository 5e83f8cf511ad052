using TwinTrack.Fuzz.Targets;
using TwinTrack.Helpers;

namespace TwinTrack.Fuzz;

/// <summary>Something that reads bytes from outside.</summary>
internal abstract class Target
{
    /// <summary>All there are.</summary>
    public static IReadOnlyList<Target> All { get; } =
    [
        new PeerTarget(), new StreamTarget(), new FlowTarget(), new ExpectationTarget(), new NetlinkTarget(), new ConfigTarget(),
        new PacketTarget(), .. HelperTable.All.Select(helper => new HelperTarget(helper)),
    ];

    /// <summary>Its name, and that of its corpus.</summary>
    public abstract string Name { get; }

    /// <summary>Recorded inputs to begin with.</summary>
    public abstract IEnumerable<byte[]> Seeds();

    /// <summary>Hands an input over, and checks what must hold whatever it is.</summary>
    /// <returns>
    /// A number that tells apart what the input made happen: an input with a new one is worth being changed further.
    /// </returns>
    /// <exception cref="FuzzFailure">Something does not hold. Any other exception is a failure as well.</exception>
    public abstract ulong Run(ReadOnlySpan<byte> input);

    /// <summary>Puts lengths right after a change, so that not everything is refused at the first byte.</summary>
    public virtual void Repair(Span<byte> input)
    {
    }

    /// <summary>Pieces that inputs are likely to be made of.</summary>
    public virtual IReadOnlyList<byte[]> Words => [];
}

/// <summary>Collects what an input made happen into one number.</summary>
internal struct Signature()
{
    private const ulong Prime = 0x100000001b3; // of the hash FNV-1a

    /// <summary>The number.</summary>
    public ulong Value { get; private set; } = 0xcbf29ce484222325;

    public void Add(ulong what) => Value = (Value ^ what) * Prime;

    public void Add(bool what) => Add(what ? 1UL : 0UL);

    /// <summary>A count, in steps that double: so many or so many more are not the same, but nearly.</summary>
    public void AddCount(ulong count) => Add((ulong)(64 - System.Numerics.BitOperations.LeadingZeroCount(count)));
}
