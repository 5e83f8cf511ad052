using System.Runtime.InteropServices;

namespace TwinTrack.Daemon;

/// <summary>
/// Turns signals into a readable descriptor: handlers run on a thread of the runtime, the loop on its own.
/// </summary>
internal sealed class Signals : IDisposable
{
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000; // EFD_NONBLOCK, EFD_CLOEXEC
    private const PosixSignal UserSignal1 = (PosixSignal)10;    // SIGUSR1

    private static readonly int[] _ignoredInTheBackground = [1, 2, 3]; // SIGHUP, SIGINT, SIGQUIT

    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _isStopWanted;
    private volatile bool _isReloadWanted;
    private volatile bool _isReopenWanted;

    public Signals()
    {
        Descriptor = Libc.EventDescriptor(0, NonBlockingCloseOnExec);
        if (Descriptor < 0) throw new IOException($"eventfd: {Libc.ErrorText(Marshal.GetLastPInvokeError())}");

        foreach (int signal in _ignoredInTheBackground) HearIgnored(signal);
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, Reload),
            PosixSignalRegistration.Create(UserSignal1, Reopen),
        ];
    }

    /// <summary>Readable after a signal.</summary>
    public int Descriptor { get; }

    /// <summary>SIGTERM, SIGINT or SIGQUIT came.</summary>
    public bool IsStopWanted => _isStopWanted;

    /// <summary>SIGHUP came since the last call: the configuration is to be read again.</summary>
    public bool TakeReload()
    {
        bool wanted = _isReloadWanted;
        _isReloadWanted = false;
        return wanted;
    }

    /// <summary>SIGUSR1 came since the last call: log files were rotated.</summary>
    public bool TakeReopen()
    {
        bool wanted = _isReopenWanted;
        _isReopenWanted = false;
        return wanted;
    }

    /// <summary>Makes the descriptor unreadable again.</summary>
    public void Clear()
    {
        Span<byte> counter = stackalloc byte[8];
        _ = Libc.Read(Descriptor, ref MemoryMarshal.GetReference(counter), (nuint)counter.Length);
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _ = Libc.Close(Descriptor);
    }

    // A script's background job and nohup start programs with signals ignored, which the runtime would leave so;
    // whoever sends a daemon a signal means it.
    private static void HearIgnored(int signal)
    {
        const nint byDefault = 0, ignored = 1; // SIG_DFL, SIG_IGN
        nint before = Libc.SetSignalAction(signal, byDefault);
        if (before != ignored) _ = Libc.SetSignalAction(signal, before);
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        _isStopWanted = true;
        Wake();
    }

    private void Reload(PosixSignalContext context)
    {
        context.Cancel = true;
        _isReloadWanted = true;
        Wake();
    }

    private void Reopen(PosixSignalContext context)
    {
        context.Cancel = true;
        _isReopenWanted = true;
        Wake();
    }

    private void Wake()
    {
        Span<byte> one = stackalloc byte[8];
        MemoryMarshal.Write(one, 1UL);
        _ = Libc.Write(Descriptor, in MemoryMarshal.GetReference(one), (nuint)one.Length);
    }
}
