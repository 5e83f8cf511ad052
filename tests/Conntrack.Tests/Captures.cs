using System.Globalization;
using System.Net;
using TwinTrack.Tests;

namespace TwinTrack.Conntrack.Tests;

/// <summary>The recordings of tests/golden/netlink.</summary>
internal static class Captures
{
    public static IEnumerable<string> Names(Func<string, bool> filter) =>
        GoldenFiles.Below("netlink", "*.hex").Select(path => Path.GetFileNameWithoutExtension(path)).Where(filter);

    /// <summary>The bytes of a message.</summary>
    public static byte[] Bytes(string name) =>
        Convert.FromHexString(string.Concat(GoldenFiles.Read($"netlink/{name}.hex").Split()));

    /// <summary>
    /// What the recording says of each attribute that holds a value: its path, and the value in one notation.
    /// </summary>
    public static SortedDictionary<string, string> Leaves(string name)
    {
        SortedDictionary<string, string> leaves = new(StringComparer.Ordinal);
        List<string> path = [];
        foreach (string line in GoldenFiles.Read($"netlink/{name}.txt").Split('\n'))
        {
            if (line.Length < 6 || !line.Contains(" len=", StringComparison.Ordinal)) continue;
            if (line.Contains("nlmsghdr", StringComparison.Ordinal)) continue;

            string text = line[6..];
            int depth = text.TakeWhile(c => c == ' ').Count() / 2;
            path.RemoveRange(depth, path.Count - depth);
            path.Add(text.Trim().Split(' ')[0]);
            int equals = text.IndexOf(" = ", StringComparison.Ordinal);
            if (equals >= 0) leaves.Add(string.Join('/', path), Normalize(path[^1], text[(equals + 3)..].Trim()));
        }

        return leaves;
    }

    // Numbers are decimal, addresses as .NET prints them, labels sixteen bytes.
    private static string Normalize(string attribute, string value)
    {
        if (attribute.StartsWith("CTA_LABELS", StringComparison.Ordinal)) return value.PadRight(32, '0');
        if (value[0] == '\'') return value[1..value.IndexOf('\'', 1)];
        if (value.StartsWith("flags=0x", StringComparison.Ordinal))
            return $"{Hex(value.AsSpan(8, 2))}/{Hex(value.AsSpan(18, 2))}";
        if (attribute.StartsWith("CTA_IP_", StringComparison.Ordinal) || value.Contains('.', StringComparison.Ordinal))
            return IPAddress.Parse(value).ToString();
        string first = value.Split(' ')[0];
        return first.StartsWith("0x", StringComparison.Ordinal)
            ? Hex(first.AsSpan(2)).ToString(CultureInfo.InvariantCulture)
            : first;
    }

    private static uint Hex(ReadOnlySpan<char> digits) =>
        uint.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
