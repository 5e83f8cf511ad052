using TwinTrack.Router.Config;

namespace TwinTrack.Router.Live;

/// <summary>Reads and writes the router's files so that they are whole at any time.</summary>
internal static class FileStore
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MostRevisions = 100;

    /// <summary>The text of a file; null when there is none.</summary>
    public static string? Read(string path) => File.Exists(path) ? File.ReadAllText(path) : null;

    /// <summary>A configuration; empty when there is no file.</summary>
    /// <exception cref="RouterException">A line of it is not understood.</exception>
    public static ConfigNode ReadConfig(string path)
    {
        ConfigNode root = ConfigNode.Empty();
        ConfigText.Read(
            Read(path) ?? "", root, (line, e) => throw new RouterException($"{path}:{line}: {e.Message}"), _ => { });
        return root;
    }

    /// <summary>Writes a file under another name, and puts it in place when it is on the disk.</summary>
    public static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string made = path + ".new";
        using (FileStream file = File.Create(made))
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, Private);
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(made, path, overwrite: true);
    }

    /// <summary>Puts a configuration before all former ones.</summary>
    public static void Archive(string folder, string text)
    {
        Directory.CreateDirectory(folder);
        for (int number = MostRevisions - 2; number >= 0; number--)
        {
            string from = Revision(folder, number);
            if (File.Exists(from)) File.Move(from, Revision(folder, number + 1), overwrite: true);
        }

        Write(Revision(folder, 0), text);
    }

    /// <summary>The file of a former configuration.</summary>
    public static string Revision(string folder, int number) => Path.Combine(folder, $"{number}.boot");
}
