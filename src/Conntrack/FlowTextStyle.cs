namespace TwinTrack.Conntrack;

/// <summary>Parts of a flow's text that a program shows or leaves out; all other parts are shown when known.</summary>
[Flags]
public enum FlowTextParts
{
    /// <summary>conntrackd's listing of a cache.</summary>
    None = 0,

    /// <summary>The seconds left.</summary>
    Timeout = 1,

    /// <summary>Packets and bytes of each direction.</summary>
    Counters = 1 << 1,

    /// <summary>References to the flow.</summary>
    Use = 1 << 2,

    /// <summary>The kernel's id.</summary>
    Id = 1 << 3,

    /// <summary>Name and number of the address family (text only: XML has it always).</summary>
    Family = 1 << 4,

    /// <summary>Start and stop as the kernel recorded them.</summary>
    KernelTimes = 1 << 5,

    /// <summary>When it was reported: the kernel's time of the event, else <see cref="FlowTextStyle.Now"/>.</summary>
    EventTime = 1 << 6,

    /// <summary>The flow is new.</summary>
    New = 1 << 7,

    /// <summary>The flow changed.</summary>
    Update = 1 << 8,

    /// <summary>The flow ended.</summary>
    Destroy = 1 << 9,
}

/// <summary>How to write a flow.</summary>
/// <param name="Parts">What to show.</param>
/// <param name="Now">Nanoseconds since the epoch, from which the age of a flow that has not ended follows.</param>
/// <param name="LabelNames">UTF-8 name of each label bit, null for a bit without; null: labels are not shown.</param>
public readonly record struct FlowTextStyle(
    FlowTextParts Parts, ulong Now = 0, IReadOnlyList<byte[]?>? LabelNames = null)
{
    /// <summary>Whether the part is shown.</summary>
    public bool Shows(FlowTextParts part) => (Parts & part) != FlowTextParts.None;
}
