namespace TwinTrack.Tests;

/// <summary>Finds the recordings of tests/golden from wherever the tests were built.</summary>
internal static class GoldenFiles
{
    /// <summary>The folder tests/golden.</summary>
    public static string Root { get; } = Find();

    /// <summary>Recorded outputs whose path matches, as paths below tests/golden.</summary>
    public static IEnumerable<string> Below(string folder, params string[] patterns) =>
        patterns
            .SelectMany(pattern => Directory.EnumerateFiles(
                Path.Combine(Root, folder), pattern, SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Root, path))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);

    /// <summary>The text of a recording.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "tests", "golden");
            if (Directory.Exists(candidate)) return candidate;
        }

        throw new DirectoryNotFoundException("tests/golden is not above " + AppContext.BaseDirectory);
    }
}
