namespace TwinTrack.Replication.Modes;

/// <summary>What a mode makes of a message's header.</summary>
internal enum Verdict : byte
{
    /// <summary>Apply the body.</summary>
    Data,

    /// <summary>A control message that has been taken in.</summary>
    Control,

    /// <summary>The peer wants everything.</summary>
    Resync,

    /// <summary>Malformed.</summary>
    Bad,

    /// <summary>Of a type that does not exist.</summary>
    Unknown,

    /// <summary>Late: not to be applied.</summary>
    Drop,
}
