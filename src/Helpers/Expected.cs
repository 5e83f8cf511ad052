using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>A flow that a helper announces.</summary>
/// <param name="Protocol">Its IP protocol number.</param>
/// <param name="Destination">Where it goes, as its first packet will say, before any translation.</param>
/// <param name="Port">Destination port its receiver announced.</param>
public readonly record struct Expected(byte Protocol, Address Destination, ushort Port)
{
    /// <summary>Where it comes from; null for anywhere.</summary>
    public Address? Source { get; init; }

    /// <summary>Its source port; 0 for any.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>Whether it runs against the direction in which the control flow was opened.</summary>
    public bool IsReply { get; init; }

    /// <summary>Whether it stays after a flow fulfilled it, until its time is over.</summary>
    public bool IsPermanent { get; init; }

    /// <summary>The helper of the flow itself; null for none. Newer kernels give it that of the control flow.</summary>
    public string? Helper { get; init; }

    /// <summary>
    /// Whether a flow under translation is led to where the control flow's translation leads, to <see cref="Port"/>;
    /// its port outside is then free to choose.
    /// </summary>
    public bool IsTranslated { get; init; }

    /// <summary>The port the receiver listens on, where <see cref="Port"/> is that outside; 0: the same.</summary>
    public ushort InnerPort { get; init; }
}

/// <summary>What became of an announced flow.</summary>
public enum ExpectResult
{
    /// <summary>The kernel lets it in.</summary>
    Made,

    /// <summary>Its port is taken by another.</summary>
    Taken,

    /// <summary>The kernel refused for another reason.</summary>
    Refused,
}

/// <summary>Asks for an expectation.</summary>
/// <param name="expectation">Complete, with its master.</param>
public delegate ExpectResult Expect(in PackedExpectation expectation);
