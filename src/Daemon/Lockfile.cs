using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace TwinTrack.Daemon;

/// <summary>
/// Keeps a second daemon from starting: a file with our process id in it and a kernel lock on it. The lock ends with
/// the process, so what a crash leaves behind is taken over by the next start.
/// </summary>
/// <remarks>
/// conntrackd goes by the mere existence of the file, and leaves it empty and without lock. It refuses to start beside
/// us; beside it, we look whether somebody answers at the control socket.
/// </remarks>
public sealed class Lockfile : IDisposable
{
    private const int MostAttempts = 10;
    private const int LongestContent = 32;

    private readonly string _path;
    private readonly SafeFileHandle _file;

    private Lockfile(string path, SafeFileHandle file, bool wasStale)
    {
        _path = path;
        _file = file;
        WasStale = wasStale;
    }

    /// <summary>Whether a dead daemon had left the file behind.</summary>
    public bool WasStale { get; }

    /// <summary>Takes the lock.</summary>
    /// <param name="path">The lock file.</param>
    /// <param name="controlPath">Control socket of a conntrackd that may hold the file.</param>
    /// <param name="problem">One line that says why not.</param>
    /// <returns>The lock, held until it is disposed or the process ends; null when it cannot be had.</returns>
    public static Lockfile? TryAcquire(string path, string controlPath, out string problem)
    {
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            SafeFileHandle file = Open(path, out bool isNew);
            if (file.IsInvalid)
            {
                file.Dispose();
                int error = Marshal.GetLastPInvokeError();
                if (error == FileLibc.NoSuchFile && Directory.Exists(Path.GetDirectoryName(path))) continue;
                problem = $"can't create lockfile `{path}': {Marshal.GetPInvokeErrorMessage(error)}";
                return null;
            }

            if (!FileLibc.TryLock(file))
            {
                problem = HeldBy(path, ReadContent(file));
                file.Dispose();
                return null;
            }

            FileLibc.FileFacts facts = FileLibc.Examine(file);
            if (facts.Links == 0)
            {
                file.Dispose();   // its owner ended between our open and our lock
                continue;
            }

            if (!MayTake(path, controlPath, facts, isNew, out problem) || !WriteProcessId(path, file, out problem))
            {
                if (isNew) _ = FileLibc.Remove(path);
                file.Dispose();
                return null;
            }

            return new Lockfile(path, file, wasStale: !isNew);
        }

        problem = HeldBy(path, string.Empty);
        return null;
    }

    /// <summary>Removes the file and gives the lock back.</summary>
    public void Dispose()
    {
        if (_file.IsClosed) return;

        // Somebody may have removed it by hand; what stands there now is another daemon's. If we may not remove it,
        // the lock ends all the same and the next start takes the file over.
        if (FileLibc.Examine(_file).Links > 0) _ = FileLibc.Remove(_path);
        _file.Dispose();
    }

    // First as conntrackd does. An existing file is opened without O_CREAT, which kernels refuse for other users'
    // files in directories everybody may write to, and without following a link somebody laid there.
    private static SafeFileHandle Open(string path, out bool isNew)
    {
        const int create = FileLibc.ReadWrite | FileLibc.Create | FileLibc.Exclusive;
        SafeFileHandle file = FileLibc.Open(path, create);
        isNew = !file.IsInvalid;
        if (isNew || Marshal.GetLastPInvokeError() != FileLibc.FileExists) return file;

        file.Dispose();
        return FileLibc.Open(path, FileLibc.ReadWrite | FileLibc.NoFollow);
    }

    private static bool MayTake(
        string path, string controlPath, FileLibc.FileFacts facts, bool isNew, out string problem)
    {
        problem = string.Empty;
        if (isNew) return true;

        if (!facts.IsRegular || facts.Links > 1 || facts.Size > LongestContent)
            problem = $"`{path}' is no lockfile, it stays as it is";
        else if (facts.Size == 0 && SomebodyAnswers(controlPath))
            problem = HeldBy(path, string.Empty);
        return problem.Length == 0;
    }

    private static bool SomebodyAnswers(string controlPath)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(controlPath));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static bool WriteProcessId(string path, SafeFileHandle file, out string problem)
    {
        byte[] content = Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n");
        bool isWritten = FileLibc.Truncate(file, 0) == 0 && FileLibc.WriteAll(file, content);
        problem = isWritten ? string.Empty : $"can't write lockfile `{path}': {Marshal.GetLastPInvokeErrorMessage()}";
        return isWritten;
    }

    private static string HeldBy(string path, string processId)
    {
        string question = $"lockfile `{path}' exists, perhaps conntrackd already running?";
        return int.TryParse(processId, NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            ? $"{question} (pid {pid})"
            : question;
    }

    private static string ReadContent(SafeFileHandle file)
    {
        Span<byte> content = stackalloc byte[LongestContent];
        int length = RandomAccess.Read(file, content, fileOffset: 0);
        return Encoding.ASCII.GetString(content[..length]).Trim();
    }
}
