using System.Text;

namespace TwinTrack.Daemon.Config;

/// <summary>Reads small text files, pipes included.</summary>
internal static class TextFile
{
    private const int FirstRead = 16 * 1024;

    /// <summary>Reads the whole file as UTF-8; bytes that are none become U+FFFD.</summary>
    /// <returns>The text, or null when the file is larger than <paramref name="mostBytes"/>.</returns>
    public static string? Read(string path, int mostBytes)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[Math.Min(FirstRead, mostBytes + 1)];
        int length = 0;
        while (true)
        {
            length += stream.ReadAtLeast(bytes.AsSpan(length), bytes.Length - length, throwOnEndOfStream: false);
            if (length > mostBytes) return null;
            if (length < bytes.Length) return Encoding.UTF8.GetString(bytes, 0, length);
            Array.Resize(ref bytes, Math.Min(bytes.Length * 2, mostBytes + 1));
        }
    }
}
