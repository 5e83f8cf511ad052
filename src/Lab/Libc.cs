using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>The system calls of the lab. Every struct is blittable and laid out as on a 64-bit Linux.</summary>
internal static partial class Libc
{
    public const int OpenReadOnly = 0;            // O_RDONLY
    public const int OpenCloseOnExec = 0x80000;   // O_CLOEXEC
    public const int CloneNewNet = 0x40000000;    // CLONE_NEWNET
    public const int DetachMount = 2;             // MNT_DETACH
    public const int OpenFiles = 7;               // RLIMIT_NOFILE
    public const int AfPacket = 17;
    public const int SockRaw = 3;
    public const int SockCloseOnExec = 0x80000;
    public const int SockNonBlock = 0x800;
    public const int SolSocket = 1;
    public const int ReceiveBufferForce = 33;     // SO_RCVBUFFORCE
    public const int SolPacket = 263;
    public const int PacketVnetHeader = 15;       // PACKET_VNET_HDR
    public const int PacketIgnoreOutgoing = 23;   // PACKET_IGNORE_OUTGOING

    public const int SignalKill = 9;              // SIGKILL
    public const int Exists = 17;                 // EEXIST
    public const int Interrupted = 4;             // EINTR

    public const int EpollAdd = 1;                // EPOLL_CTL_ADD
    public const int EpollRemove = 2;             // EPOLL_CTL_DEL
    public const uint EpollIn = 1;                // EPOLLIN
    public const int EpollCloseOnExec = 0x80000;  // EPOLL_CLOEXEC

    private const string Library = "libc";

    [StructLayout(LayoutKind.Sequential)]
    public struct LinkLayerAddress // sockaddr_ll
    {
        public ushort Family;
        public ushort Protocol; // network order
        public int InterfaceIndex;
        public ushort HardwareType;
        public byte PacketType;
        public byte AddressLength;
        public ulong Address;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit // rlimit
    {
        public ulong Current;
        public ulong Maximum;
    }

    [LibraryImport(Library, EntryPoint = "getrlimit", SetLastError = true)]
    public static unsafe partial int GetResourceLimit(int resource, ResourceLimit* limit);

    [LibraryImport(Library, EntryPoint = "setrlimit", SetLastError = true)]
    public static unsafe partial int SetResourceLimit(int resource, ResourceLimit* limit);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(int descriptor, int type);

    [LibraryImport(Library, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string path, int flags);

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int processId, int signal);

    [LibraryImport(Library, EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport(
        Library, EntryPoint = "if_nametoindex", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint InterfaceIndex(string name);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "sendto", SetLastError = true)]
    public static unsafe partial nint SendTo(
        int descriptor, byte* data, nuint length, int flags, LinkLayerAddress* address, uint addressLength);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static unsafe partial nint Receive(int descriptor, byte* data, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    public static unsafe partial int Bind(int descriptor, LinkLayerAddress* address, uint addressLength);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    public static unsafe partial int SetSocketOption(int descriptor, int level, int option, int* value, uint length);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static unsafe partial int EpollControl(int epoll, int operation, int descriptor, byte* change);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    public static unsafe partial int EpollWait(int epoll, byte* events, int capacity, int timeoutMilliseconds);
}
