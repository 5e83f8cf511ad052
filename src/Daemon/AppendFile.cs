using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TwinTrack.Daemon;

/// <summary>A file that only grows at its end: every write goes there, whoever else writes or truncates.</summary>
internal sealed class AppendFile : IDisposable
{
    private SafeFileHandle _file;

    private AppendFile(string path, SafeFileHandle file)
    {
        Path = path;
        _file = file;
    }

    public string Path { get; }

    /// <summary>Opens the file, mode 0600 when it is new.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reason">Why it could not be opened, in the words of the C library.</param>
    /// <returns>The file, or null.</returns>
    public static AppendFile? Open(string path, out string reason)
    {
        SafeFileHandle? file = TryOpen(path, out reason);
        return file is null ? null : new AppendFile(path, file);
    }

    /// <summary>Writes at the end.</summary>
    /// <returns>False when the disk is full or broken.</returns>
    public bool Write(ReadOnlySpan<byte> bytes) => FileLibc.WriteAll(_file, bytes);

    /// <summary>Opens the path anew, as after a rotation; when that fails the old file stays.</summary>
    public bool Reopen(out string reason)
    {
        if (TryOpen(Path, out reason) is not { } file) return false;

        _file.Dispose();
        _file = file;
        return true;
    }

    public void Dispose() => _file.Dispose();

    private static SafeFileHandle? TryOpen(string path, out string reason)
    {
        const int flags = FileLibc.WriteOnly | FileLibc.Create | FileLibc.Append | FileLibc.NoTerminal;
        SafeFileHandle file = FileLibc.Open(path, flags);
        reason = file.IsInvalid ? Marshal.GetLastPInvokeErrorMessage() : string.Empty;
        if (!file.IsInvalid) return file;

        file.Dispose();
        return null;
    }
}
