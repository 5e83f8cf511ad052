using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TwinTrack.Daemon;

/// <summary>The calls on files that the base library has no exact form of. Failures leave errno.</summary>
internal static partial class FileLibc
{
    public const int WriteOnly = 0x1;           // O_WRONLY
    public const int ReadWrite = 0x2;           // O_RDWR
    public const int Create = 0x40;             // O_CREAT
    public const int Exclusive = 0x80;          // O_EXCL
    public const int NoTerminal = 0x100;        // O_NOCTTY
    public const int Append = 0x400;            // O_APPEND
    public const int CloseOnExec = 0x80000;     // O_CLOEXEC
    public const int OwnerOnly = 0x180;         // 0600

    // O_NOFOLLOW is one of the few flags that differ between machines.
    public static readonly int NoFollow =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    public const int NoSuchFile = 2;            // ENOENT
    public const int Interrupted = 4;           // EINTR
    public const int FileExists = 17;           // EEXIST

    private const int GetOpenFileLock = 36;     // F_OFD_GETLK
    private const int SetOpenFileLock = 37;     // F_OFD_SETLK
    private const short WriteLock = 1;          // F_WRLCK
    private const short Unlocked = 2;           // F_UNLCK
    private const int WriteAccess = 2;          // W_OK
    private const int EmptyPath = 0x1000;       // AT_EMPTY_PATH
    private const uint BasicStats = 0x7ff;      // STATX_BASIC_STATS
    private const int StatSize = 256;           // struct statx, the same on every machine
    private const int LinksOffset = 16;         // stx_nlink
    private const int ModeOffset = 28;          // stx_mode
    private const int SizeOffset = 40;          // stx_size
    private const int FileTypeMask = 0xf000;    // S_IFMT
    private const int RegularFile = 0x8000;     // S_IFREG

    /// <summary>Opens a file; the handle is invalid after a failure.</summary>
    public static SafeFileHandle Open(string path, int flags) => Open(path, flags | CloseOnExec, OwnerOnly);

    /// <summary>Writes all bytes where the file's flags say.</summary>
    /// <returns>False after a failure; a part may be written.</returns>
    public static bool WriteAll(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written = Write(file, bytes, (nuint)bytes.Length);
            if (written < 0 && Marshal.GetLastPInvokeError() == Interrupted) continue;
            if (written <= 0) return false;
            bytes = bytes[(int)written..];
        }

        return true;
    }

    /// <summary>What <see cref="Examine"/> finds out.</summary>
    public readonly record struct FileFacts(bool IsRegular, uint Links, long Size);

    /// <summary>Looks at an open file.</summary>
    public static FileFacts Examine(SafeFileHandle file)
    {
        Span<byte> stat = stackalloc byte[StatSize];
        if (Statx(file, string.Empty, EmptyPath, BasicStats, stat) != 0) return default;

        return new FileFacts(
            (MemoryMarshal.Read<ushort>(stat[ModeOffset..]) & FileTypeMask) == RegularFile,
            MemoryMarshal.Read<uint>(stat[LinksOffset..]),
            MemoryMarshal.Read<long>(stat[SizeOffset..]));
    }

    /// <summary>Locks the whole file until the last copy of its descriptor is closed.</summary>
    /// <remarks>
    /// Not flock(2): .NET takes such a lock on every file it reads, so a look at our file would disturb a start.
    /// </remarks>
    public static bool TryLock(SafeFileHandle file)
    {
        var whole = new LockRange { Type = WriteLock };
        return Control(file, SetOpenFileLock, in whole) == 0;
    }

    /// <summary>Whether somebody holds such a lock on a file; null when that cannot be asked.</summary>
    public static bool? IsLocked(string path)
    {
        using SafeFileHandle file = Open(path, ReadWrite | NoFollow);
        var whole = new LockRange { Type = WriteLock };
        return !file.IsInvalid && Question(file, GetOpenFileLock, ref whole) == 0 ? whole.Type != Unlocked : null;
    }

    /// <summary>Whether files may be made in a folder.</summary>
    public static bool MayWrite(string folder) => Access(folder, WriteAccess) == 0;

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Remove(string path);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, nuint length);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, in LockRange range);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Question(SafeFileHandle file, int command, ref LockRange range);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle directory, string path, int flags, uint mask, Span<byte> stat);

    [StructLayout(LayoutKind.Sequential)]
    private struct LockRange // struct flock of 64-bit machines; all zero is the whole file
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }
}
