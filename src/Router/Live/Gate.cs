namespace TwinTrack.Router.Live;

/// <summary>Lets one program at a time commit, restart, or follow a transition; others wait.</summary>
internal sealed class Gate : IDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private readonly FileStream _file;
    private readonly string? _mark;

    private Gate(FileStream file, string? mark)
    {
        _file = file;
        _mark = mark;
    }

    /// <summary>Waits until nobody else is inside.</summary>
    /// <param name="path">The file that is held.</param>
    /// <param name="isCommit">Whether a configuration is committed, see <see cref="IsCommitting"/>.</param>
    public static Gate Enter(string path, bool isCommit = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            if (TryOpen(path) is { } file)
            {
                string mark = MarkOf(path);
                if (isCommit) File.WriteAllText(mark, "");
                else File.Delete(mark); // left by one that was killed
                return new(file, isCommit ? mark : null);
            }

            Thread.Sleep(_pause); // somebody holds it
        }
    }

    /// <summary>Whether somebody is inside to commit a configuration.</summary>
    public static bool IsCommitting(string path)
    {
        if (!File.Exists(MarkOf(path))) return false;
        using FileStream? free = TryOpen(path);
        return free is null;
    }

    public void Dispose()
    {
        if (_mark is not null) File.Delete(_mark);
        _file.Dispose();
    }

    private static string MarkOf(string path) => path + ".commit";

    private static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
    }
}
