using System.Globalization;
using System.Text.Json.Nodes;

namespace TwinTrack.Router.Views;

/// <summary>Makes JSON of what is shown.</summary>
internal static class Json
{
    /// <summary>A list of texts.</summary>
    public static JsonArray List(IEnumerable<string> texts) =>
        [.. texts.Select(text => (JsonNode?)JsonValue.Create(text))];

    /// <summary>Entries of a cache.</summary>
    public static JsonArray Entries(IEnumerable<CacheEntry> entries)
    {
        var json = new JsonArray();
        foreach (CacheEntry entry in entries)
        {
            json.Add((JsonNode)new JsonObject
            {
                ["src"] = entry.Source,
                ["sport"] = Port(entry.SourcePort),
                ["dst"] = entry.Destination,
                ["dport"] = Port(entry.DestinationPort),
                ["proto"] = entry.Protocol,
                ["protoname"] = entry.ProtocolName,
                ["state"] = entry.State,
                ["helper"] = entry.Helper,
            });
        }

        return json;
    }

    private static int? Port(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? port : null;
}
