using System.Runtime.InteropServices;

namespace TwinTrack.Daemon.Control;

/// <summary>The calls that make a control socket; afterwards it is a <see cref="System.Net.Sockets.Socket"/>.</summary>
internal static partial class ControlLibc
{
    public const int AddressFamilyUnix = 1; // AF_UNIX
    public const int SocketStream = 1; // SOCK_STREAM
    public const int SocketCloseOnExec = 0x80000; // SOCK_CLOEXEC
    public const int AtWorkingDirectory = -100; // AT_FDCWD
    public const int AtNoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    public const uint StatTypeAndInode = 0x1 | 0x100; // STATX_TYPE | STATX_INO
    public const int StatSize = 256;
    public const int StatModeOffset = 28; // stx_mode
    public const int StatInodeOffset = 32; // stx_ino
    public const int StatDeviceOffset = 136; // stx_dev_major, stx_dev_minor
    public const int GroupIdOffset = 16; // gr_gid of struct group
    public const int FileTypeMask = 0xf000; // S_IFMT
    public const int FileTypeSocket = 0xc000; // S_IFSOCK

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int descriptor, ReadOnlySpan<byte> address, uint length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int descriptor, int backlog);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint UserId();

    [LibraryImport("libc", EntryPoint = "getgrnam", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FindGroup(string name);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true)]
    public static partial int SetOwner(ReadOnlySpan<byte> path, int user, int group);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    public static partial int SetMode(ReadOnlySpan<byte> path, uint mode);

    [LibraryImport("libc", EntryPoint = "umask")]
    public static partial uint SetFileModeMask(uint mask);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true)]
    public static partial int Unlink(ReadOnlySpan<byte> path);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int Stat(
        int directory, ReadOnlySpan<byte> path, int flags, uint mask, Span<byte> result);
}
