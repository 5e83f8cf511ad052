namespace TwinTrack.Daemon;

/// <summary>Events of poll(2) with the kernel's numbers.</summary>
[Flags]
public enum PollEvents : short
{
    /// <summary>Only what poll reports unasked: error and hang-up.</summary>
    None = 0,

    /// <summary>POLLIN.</summary>
    Read = 0x1,

    /// <summary>POLLOUT.</summary>
    Write = 0x4,

    /// <summary>POLLERR; never asked for.</summary>
    Error = 0x8,

    /// <summary>POLLHUP; never asked for.</summary>
    HangUp = 0x10,
}

/// <summary>A descriptor that the loop shall watch, and for what.</summary>
/// <param name="Descriptor">The file descriptor; it stays owned by whoever named it.</param>
/// <param name="Events">What to wait for.</param>
public readonly record struct PollInterest(int Descriptor, PollEvents Events);
