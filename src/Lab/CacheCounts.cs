using System.Globalization;

namespace TwinTrack.Lab;

/// <summary>What <c>conntrackd -s</c> says of the caches.</summary>
/// <param name="Internal">Flows this firewall's kernel holds; null if there is no such cache.</param>
/// <param name="External">Flows that peers told; null if there is no such cache.</param>
public readonly record struct CacheCounts(long? Internal, long? External)
{
    /// <summary>Reads the two blocks from the output.</summary>
    public static CacheCounts Parse(string output)
    {
        ArgumentNullException.ThrowIfNull(output);
        return new(Find(output, "cache internal:"), Find(output, "cache external:"));
    }

    // cache internal:
    // current active connections:                  201
    private static long? Find(string output, string block)
    {
        string[] lines = output.Split('\n');
        int at = Array.FindIndex(lines, line => line.TrimEnd() == block);
        return at >= 0 && at + 1 < lines.Length
            && long.TryParse(lines[at + 1].Split(':')[^1], CultureInfo.InvariantCulture, out long count)
            ? count
            : null;
    }
}
