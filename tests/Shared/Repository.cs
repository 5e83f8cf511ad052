namespace TwinTrack.Testing;

/// <summary>Finds files of the repository from wherever the tests were built.</summary>
internal static class Repository
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>The text of a file.</summary>
    /// <param name="path">Below the root.</param>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The lines between the markers "// README" and "// end", without their common indentation.</summary>
    public static string Example(string path)
    {
        string[] lines = Read(path).Split('\n');
        int start = Array.FindIndex(lines, line => line.Trim() is "// README") + 1;
        int end = Array.FindIndex(lines, start, line => line.Trim() is "// end");
        string[] example = lines[start..end];
        int indent = example.Where(line => line.Length > 0).Min(line => line.TakeWhile(c => c == ' ').Count());
        return string.Join('\n', example.Select(line => line.Length == 0 ? line : line[indent..]));
    }

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "twintrack.slnx"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException("twintrack.slnx is not above " + AppContext.BaseDirectory);
    }
}
