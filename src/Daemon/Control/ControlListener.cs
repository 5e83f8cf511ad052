using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace TwinTrack.Daemon.Control;

/// <summary>
/// The listening control socket and its file, which only the owner may use (srw-------) unless a group is let in.
/// </summary>
/// <remarks>
/// A file that a dead daemon left is taken over, one on which somebody answers is not. At the end the file is removed
/// only while it is still ours.
/// </remarks>
public sealed class ControlListener : IDisposable
{
    /// <summary>sun_path holds 108 bytes with the terminator.</summary>
    public const int MaxPathBytes = 107;

    private const int Backlog = 100;
    private const uint OwnerOnly = 0x7f; // 0177
    private const uint OwnerReadWrite = 0x180; // 0600
    private const uint OwnerAndGroup = 0x1b0; // 0660

    private readonly byte[] _path;
    private readonly FileIdentity _identity;

    private ControlListener(byte[] path, Socket socket, FileIdentity identity)
    {
        _path = path;
        Socket = socket;
        _identity = identity;
    }

    /// <summary>The listening socket, non-blocking.</summary>
    internal Socket Socket { get; }

    /// <summary>Binds the path and listens.</summary>
    /// <param name="path">At most <see cref="MaxPathBytes"/> bytes of UTF-8.</param>
    /// <param name="listener">The listener, null when the result is false.</param>
    /// <param name="problem">One line that says why not, empty when the result is true.</param>
    public static bool TryListen(string path, [NotNullWhen(true)] out ControlListener? listener, out string problem)
    {
        listener = null;
        byte[] terminated = Encoding.UTF8.GetBytes(path + '\0');
        problem = Refuse(path, terminated);
        if (problem.Length > 0) return false;

        if (TryBind(terminated) is not { } socket)
        {
            problem = Problem(path, LastError());
            return false;
        }

        _ = TryIdentify(terminated, out FileIdentity identity);
        listener = new ControlListener(terminated, socket, identity);
        return true;
    }

    /// <summary>Whether a socket stands at a path, whoever made it.</summary>
    internal static bool IsSocket(string path) =>
        TryIdentify(Encoding.UTF8.GetBytes(path + '\0'), out FileIdentity identity) && identity.IsSocket;

    /// <summary>Lets the members of a group connect.</summary>
    /// <param name="group">Its name, or its number; null: nobody but the owner.</param>
    /// <returns>One line that says why not, null when it worked.</returns>
    public string? Admit(string? group)
    {
        if (group is null)
        {
            return ControlLibc.SetMode(_path, OwnerReadWrite) == 0 ? null
                : $"can't take the unix socket from its group: {LastError()}";
        }

        nint entry = ControlLibc.FindGroup(group);
        int id = entry == 0 ? -1 : Marshal.ReadInt32(entry, ControlLibc.GroupIdOffset);
        if (entry == 0 && !int.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out id))
            return $"there is no group `{group}' (UNIX {{ Group }})";

        // The group first: for a moment nobody but the owner, never somebody else.
        bool isAdmitted = ControlLibc.SetOwner(_path, -1, id) == 0 && ControlLibc.SetMode(_path, OwnerAndGroup) == 0;
        return isAdmitted ? null : $"can't give the unix socket to group `{group}': {LastError()}";
    }

    /// <summary>Closes the socket and removes its file.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        if (TryIdentify(_path, out FileIdentity current) && current == _identity) _ = ControlLibc.Unlink(_path);
    }

    private static string Refuse(string path, byte[] terminated)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal)) return Problem(path, "no path is given");
        if (terminated.Length - 1 > MaxPathBytes) return Problem(path, $"the path exceeds {MaxPathBytes} bytes");
        if (!TryIdentify(terminated, out FileIdentity identity)) return "";
        if (!identity.IsSocket) return Problem(path, "there is a file that is not a socket");
        if (IsAnswered(path)) return Problem(path, "another daemon answers there");
        return ControlLibc.Unlink(terminated) == 0 ? "" : Problem(path, LastError());
    }

    // Only a refused connection proves that nobody listens any more; "try again" is a full queue of a living daemon.
    private static bool IsAnswered(string path)
    {
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        probe.Blocking = false;
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }

    private static Socket? TryBind(byte[] path)
    {
        int descriptor = ControlLibc.Socket(
            ControlLibc.AddressFamilyUnix, ControlLibc.SocketStream | ControlLibc.SocketCloseOnExec, 0);
        if (descriptor < 0) return null;

        // sockaddr_un: u16 family in host order, then the path; the terminator is not counted.
        byte[] address = new byte[2 + path.Length];
        MemoryMarshal.Write(address, (ushort)ControlLibc.AddressFamilyUnix);
        path.CopyTo(address, 2);

        uint mask = ControlLibc.SetFileModeMask(OwnerOnly);
        int result = ControlLibc.Bind(descriptor, address, (uint)(address.Length - 1));
        int error = Marshal.GetLastPInvokeError();
        _ = ControlLibc.SetFileModeMask(mask);
        if (result == 0)
        {
            result = ControlLibc.Listen(descriptor, Backlog);
            error = Marshal.GetLastPInvokeError();
        }

        if (result != 0)
        {
            _ = ControlLibc.Close(descriptor);
            Marshal.SetLastPInvokeError(error);
            return null;
        }

        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)) { Blocking = false };
    }

    private static bool TryIdentify(byte[] path, out FileIdentity identity)
    {
        Span<byte> stat = stackalloc byte[ControlLibc.StatSize];
        stat.Clear();
        int result = ControlLibc.Stat(
            ControlLibc.AtWorkingDirectory, path, ControlLibc.AtNoFollow, ControlLibc.StatTypeAndInode, stat);
        int type = MemoryMarshal.Read<ushort>(stat[ControlLibc.StatModeOffset..]) & ControlLibc.FileTypeMask;
        identity = new FileIdentity(
            MemoryMarshal.Read<ulong>(stat[ControlLibc.StatDeviceOffset..]),
            MemoryMarshal.Read<ulong>(stat[ControlLibc.StatInodeOffset..]),
            type == ControlLibc.FileTypeSocket);
        return result == 0;
    }

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    private static string Problem(string path, string reason) => $"can't open unix socket `{path}': {reason}";

    private readonly record struct FileIdentity(ulong Device, ulong Inode, bool IsSocket);
}
