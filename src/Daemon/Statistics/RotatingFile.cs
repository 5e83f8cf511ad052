namespace TwinTrack.Daemon.Statistics;

/// <summary>
/// A file that only grows at its end, and makes room by itself: before it exceeds a size it becomes <c>PATH.1</c>, that
/// <c>PATH.2</c>, and so on; the oldest is dropped.
/// </summary>
internal sealed class RotatingFile : IDisposable
{
    private readonly AppendFile _file;
    private readonly long _limit;
    private readonly int _keep;
    private long _size;

    private RotatingFile(AppendFile file, long limit, int keep)
    {
        _file = file;
        _limit = limit;
        _keep = keep;
        _size = SizeOf(file.Path);
    }

    public string Path => _file.Path;

    /// <summary>Opens the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">Its largest size in bytes; 0: none.</param>
    /// <param name="keep">How many former files are kept.</param>
    /// <param name="reason">Why it could not be opened.</param>
    public static RotatingFile? Open(string path, long limit, int keep, out string reason)
    {
        AppendFile? file = AppendFile.Open(path, out reason);
        return file is null ? null : new RotatingFile(file, limit, keep);
    }

    /// <summary>Writes whole lines.</summary>
    /// <returns>False when the disk is full or broken.</returns>
    public bool Write(ReadOnlySpan<byte> lines)
    {
        if (_limit > 0 && _size > 0 && _size + lines.Length > _limit) Rotate();
        _size += lines.Length;
        return _file.Write(lines);
    }

    /// <summary>Opens the path anew, as after a foreign rotation; when that fails the old file stays.</summary>
    public bool Reopen(out string reason)
    {
        bool isOpen = _file.Reopen(out reason);
        if (isOpen) _size = SizeOf(Path);
        return isOpen;
    }

    public void Dispose() => _file.Dispose();

    // A rename that fails leaves the lines where they are: a file that is too large is better than lost lines.
    private void Rotate()
    {
        for (int number = _keep; number > 1; number--)
            _ = FileLibc.Rename($"{Path}.{number - 1}", $"{Path}.{number}");
        if (_keep > 0) _ = FileLibc.Rename(Path, $"{Path}.1");
        else _ = FileLibc.Remove(Path);
        _ = Reopen(out _);
    }

    private static long SizeOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? file.Length : 0;
    }
}
