namespace TwinTrack.Helpers;

/// <summary>Why a helper did not open what a packet announced.</summary>
public enum HelperRefusal
{
    /// <summary>The announced address is not one the announcer may open.</summary>
    Address,

    /// <summary>The port is 0, too large, or below the lowest that may be opened.</summary>
    Port,

    /// <summary>The announcement answers nothing that was asked, or stands in a place where it may not.</summary>
    State,

    /// <summary>Under address translation the announcement cannot be rewritten: it came in pieces.</summary>
    Split,

    /// <summary>The sender announces more than it may in this time.</summary>
    Rate,

    /// <summary>The kernel did not take the expectation, or every port was in use.</summary>
    Kernel,
}

/// <summary>Counters of one helper, from the start of the daemon.</summary>
public sealed class HelperStats
{
    private readonly ulong[] _refused = new ulong[Enum.GetValues<HelperRefusal>().Length];

    /// <summary>Packets it was shown.</summary>
    public ulong Packets { get; set; }

    /// <summary>Bytes of their payload.</summary>
    public ulong Bytes { get; set; }

    /// <summary>Expectations made.</summary>
    public ulong Expected { get; set; }

    /// <summary>Packets whose content was changed.</summary>
    public ulong Rewritten { get; set; }

    /// <summary>Packets whose inspection ended with a defect of the helper; they passed as they were.</summary>
    public ulong Failed { get; set; }

    /// <summary>Announcements not followed, by reason.</summary>
    public ulong this[HelperRefusal reason]
    {
        get => _refused[(int)reason];
        set => _refused[(int)reason] = value;
    }
}
