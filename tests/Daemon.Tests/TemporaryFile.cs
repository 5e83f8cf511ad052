namespace TwinTrack.Daemon.Tests;

/// <summary>A file, or the name of one, in a folder of its own that vanishes with it.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("twintrack-").FullName;

    public TemporaryFile(string? text = null)
    {
        Path = System.IO.Path.Combine(_folder, "file");
        if (text is not null) File.WriteAllText(Path, text);
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
