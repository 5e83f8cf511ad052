namespace TwinTrack.Daemon.Channels;

/// <summary>A socket of a dedicated link could not be had.</summary>
internal sealed class ChannelException : Exception
{
    // What the network lacks now and may have later.
    private const int NoDevice = 19;                // ENODEV
    private const int AddressNotAvailable = 99;     // EADDRNOTAVAIL
    private const int NetworkDown = 100;            // ENETDOWN
    private const int NetworkUnreachable = 101;     // ENETUNREACH
    private const int HostUnreachable = 113;        // EHOSTUNREACH

    public ChannelException()
    {
    }

    public ChannelException(string message)
        : base(message)
    {
    }

    public ChannelException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public ChannelException(int errno, string hint = "")
        : base(Libc.ErrorText(errno) + hint) => Errno = errno;

    /// <summary>The system's error number, 0 for none.</summary>
    public int Errno { get; }

    /// <summary>
    /// Whether waiting may help: the interface, its address or its route is not there yet. Everything else is a
    /// mistake, or somebody else's socket.
    /// </summary>
    public bool IsPassing => Errno
        is NoDevice or AddressNotAvailable or NetworkDown or NetworkUnreachable or HostUnreachable;
}
