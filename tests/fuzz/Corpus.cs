using TwinTrack.Testing;

namespace TwinTrack.Fuzz;

/// <summary>The committed inputs of a target: one a line, in hexadecimal; lines with # are remarks.</summary>
internal static class Corpus
{
    /// <summary>Longest input that is kept.</summary>
    public const int LongestInput = 4096;

    public static string PathOf(Target target) =>
        Path.Combine(Repository.Root, "tests", "fuzz", "corpus", target.Name + ".hex");

    /// <summary>The inputs.</summary>
    public static List<byte[]> Read(Target target) => File.Exists(PathOf(target))
        ? [.. File.ReadLines(PathOf(target)).Where(line => !line.StartsWith('#')).Select(Convert.FromHexString)]
        : [];

    /// <summary>Adds inputs at the end; those that are there already are left out.</summary>
    /// <returns>How many were added.</returns>
    public static int Add(Target target, IEnumerable<byte[]> inputs, string remark)
    {
        var known = Read(target).Select(Convert.ToHexString).ToHashSet(StringComparer.Ordinal);
        List<string> lines =
            [.. inputs.Where(input => input.Length <= LongestInput).Select(Convert.ToHexString).Where(known.Add)];
        if (lines.Count > 0) File.AppendAllLines(PathOf(target), ["# " + remark, .. lines]);
        return lines.Count;
    }
}
