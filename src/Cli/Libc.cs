using System.Runtime.InteropServices;

namespace TwinTrack.Cli;

/// <summary>The system calls of the command lines: what the base library has for them costs start time.</summary>
internal static partial class Libc
{
    public const int StandardInput = 0;
    public const int StandardOutput = 1;
    public const int StandardError = 2;

    public const int NotPermitted = 1;   // EPERM
    public const int Interrupted = 4;    // EINTR
    public const int BrokenPipe = 32;    // EPIPE
    public const int SignalInterrupt = 2; // SIGINT
    public const int SignalPipe = 13;    // SIGPIPE
    public const int OpenCloseOnExec = 0x80000;
    public const int NonBlockingCloseOnExec = 0x800 | 0x80000; // EFD_NONBLOCK, EFD_CLOEXEC
    public const int SeekEnd = 2;        // SEEK_END
    public const short PollIn = 1;

    private const string Library = "libc";

    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor // pollfd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, ref byte data, nuint length);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, in byte data, nuint length);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int fd, long offset, int origin);

    [LibraryImport(Library, EntryPoint = "isatty")]
    public static partial int IsTerminal(int fd);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollDescriptor first, nuint count, int milliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint initial, int flags);

    public const nint DefaultHandler = 0; // SIG_DFL

    [LibraryImport(Library, EntryPoint = "signal")]
    public static partial nint Signal(int number, nint handler);

    [LibraryImport(Library, EntryPoint = "raise")]
    public static partial int Raise(int number);
}
