namespace TwinTrack.House.Tests;

/// <summary>The files of this repository, without what is built.</summary>
internal static class SourceTree
{
    private static readonly string[] _built = ["artifacts", "dist", "bin", "obj", ".git"];

    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> Files(string pattern, params string[] folders) =>
        from folder in folders.Length > 0 ? folders : [""]
        let start = Path.Combine(Root, folder)
        where Directory.Exists(start)
        from file in Directory.EnumerateFiles(start, pattern, SearchOption.AllDirectories)
        where !IsBuilt(file)
        select file;

    public static string Relative(string file) => Path.GetRelativePath(Root, file);

    private static bool IsBuilt(string file) =>
        Relative(file).Split(Path.DirectorySeparatorChar).Any(part => _built.Contains(part));

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "twintrack.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside of the repository");
    }
}
