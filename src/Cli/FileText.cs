using System.Runtime.InteropServices;

namespace TwinTrack.Cli;

/// <summary>Reads small files as a whole: label map, protocol names, /proc.</summary>
internal static class FileText
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="content">What it holds; empty when false is returned.</param>
    /// <returns>False when it cannot be opened or read; the cause is then the last error.</returns>
    public static bool TryRead(string path, out ReadOnlySpan<byte> content)
    {
        bool isRead = TryRead(path, out ReadOnlyMemory<byte> memory);
        content = memory.Span;
        return isRead;
    }

    /// <inheritdoc cref="TryRead(string, out ReadOnlySpan{byte})"/>
    public static bool TryRead(string path, out ReadOnlyMemory<byte> content)
    {
        content = default;
        int descriptor = Libc.Open(path, Libc.OpenCloseOnExec);
        if (descriptor < 0) return false;

        bool isRead = TryRead(descriptor, out content);
        int error = Marshal.GetLastPInvokeError();
        _ = Libc.Close(descriptor);
        Marshal.SetLastPInvokeError(error);
        return isRead;
    }

    /// <summary>Reads a descriptor to its end.</summary>
    public static bool TryRead(int descriptor, out ReadOnlyMemory<byte> content)
    {
        // A file tells its size; /proc and pipes do not.
        long size = Libc.Seek(descriptor, 0, Libc.SeekEnd);
        if (size > 0) _ = Libc.Seek(descriptor, 0, 0);
        byte[] buffer = new byte[Math.Clamp(size + 1, 8192, Array.MaxLength)];
        int length = 0;
        while (true)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            nint count = Libc.Read(descriptor, ref buffer[length], (nuint)(buffer.Length - length));
            if (count < 0 && Marshal.GetLastPInvokeError() == Libc.Interrupted) continue;
            if (count <= 0)
            {
                content = count == 0 ? buffer.AsMemory(0, length) : default;
                return count == 0;
            }

            length += (int)count;
        }
    }

    /// <summary>Takes the next line off a text.</summary>
    /// <returns>False at its end.</returns>
    public static bool TryTakeLine(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line)
    {
        line = rest;
        if (rest.IsEmpty) return false;

        int end = rest.IndexOf((byte)'\n');
        line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return true;
    }

    /// <summary>Takes the next word, parted by blanks and tabs, off a line.</summary>
    /// <returns>False when there is none.</returns>
    public static bool TryTakeWord(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> word)
    {
        rest = rest.TrimStart(" \t\r"u8);
        int end = rest.IndexOfAny(" \t\r"u8);
        word = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[end..];
        return !word.IsEmpty;
    }
}
