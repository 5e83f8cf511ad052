namespace TwinTrack.Router.Live;

/// <summary>Lets one program at a time commit, restart, or follow a transition; others wait.</summary>
internal sealed class Gate : IDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private readonly FileStream _file;

    private Gate(FileStream file) => _file = file;

    /// <summary>Waits until nobody else is inside.</summary>
    public static Gate Enter(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (File.Exists(path))
            {
                Thread.Sleep(_pause); // somebody holds it
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
