using System.Text.Json;
using TwinTrack.Tests;

namespace TwinTrack.Replication.Tests;

/// <summary>A datagram made by hand, and what the original made of it.</summary>
internal sealed record CraftedCase
{
    public required string Name { get; init; }

    public required byte[] Datagram { get; init; }

    /// <summary>Increase of each counter, by the original's name for it; counters that stay are not there.</summary>
    public required IReadOnlyDictionary<string, ulong> Counters { get; init; }

    /// <summary>Lines that the external cache gains, sorted.</summary>
    public required IReadOnlyList<string> Added { get; init; }

    /// <summary>Lines that the external cache loses, sorted.</summary>
    public required IReadOnlyList<string> Removed { get; init; }

    /// <summary>Control messages in answer, as <see cref="ControlText"/> writes them.</summary>
    public required IReadOnlyList<string> Replies { get; init; }

    /// <summary>The cases of a mode in their order.</summary>
    public static List<CraftedCase> OfMode(string mode)
    {
        using JsonDocument file = JsonDocument.Parse(GoldenFiles.Read(Path.Combine("sync", "crafted.json")));
        return
        [
            .. file.RootElement.GetProperty("cases").EnumerateArray()
                .Where(entry => string.Equals(entry.GetProperty("mode").GetString(), mode, StringComparison.Ordinal))
                .Select(Read),
        ];
    }

    public static string ControlText(IEnumerable<string> flags, uint from, uint to) =>
        $"{string.Join('|', flags)} {from}..{to}";

    private static CraftedCase Read(JsonElement entry) => new()
    {
        Name = entry.GetProperty("case").GetString()!,
        Datagram = Convert.FromHexString(entry.GetProperty("payload").GetString()!),
        Counters = entry.TryGetProperty("counters", out JsonElement counters)
            ? counters.EnumerateObject().ToDictionary(
                counter => counter.Name, counter => counter.Value.GetUInt64(), StringComparer.Ordinal)
            : new Dictionary<string, ulong>(StringComparer.Ordinal),
        Added = Lines(entry, "external_added"),
        Removed = Lines(entry, "external_removed"),
        Replies = entry.TryGetProperty("replies", out JsonElement replies)
            ? [.. replies.EnumerateArray().Select(ReadReply)]
            : [],
    };

    private static List<string> Lines(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out JsonElement lines)
            ? [.. lines.EnumerateArray().Select(line => line.GetString()!).Order(StringComparer.Ordinal)]
            : [];

    private static string ReadReply(JsonElement reply) => ControlText(
        reply.GetProperty("flags").EnumerateArray().Select(flag => flag.GetString()!),
        reply.GetProperty("from").GetUInt32(),
        reply.GetProperty("to").GetUInt32());
}
