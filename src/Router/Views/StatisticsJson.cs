using System.Globalization;
using System.Text.Json.Nodes;

namespace TwinTrack.Router.Views;

/// <summary>Statistics of the daemon as JSON, read from their text: the original's daemon is understood, too.</summary>
internal static class StatisticsAsJson
{
    private static readonly string[] _verbs = ["created", "updated", "destroyed"];

    /// <summary>Both blocks.</summary>
    public static JsonObject Make(string main, string? expect)
    {
        var json = new JsonObject { ["main"] = Block(main) };
        if (expect is not null) json["expect"] = Block(expect);
        return json;
    }

    private static JsonObject Block(string text)
    {
        var json = new JsonObject();
        string section = "";
        foreach (string line in text.Split('\n'))
        {
            if (line.Length > 0 && line[^1] == ':') section = line[..^1];
            else if (line.Length > 0) Take(json, section, line);
        }

        return json;
    }

    private static void Take(JsonObject json, string section, string line)
    {
        ulong[] numbers = Numbers(line);
        if (numbers.Length == 0) return;

        string kind = section.Split(' ')[0];
        switch (kind)
        {
            case "cache" or "external" or "internal":
                TakeCache(json, section, line, numbers);
                break;
            case "traffic":
                json["traffic"] = new JsonObject { ["bytes"] = numbers[0], ["packets"] = numbers[^1] };
                break;
            case "message":
                json["messages"] = new JsonObject { ["malformed"] = numbers[0], ["lost"] = numbers[^1] };
                break;
            default:
                TakeLink(json, section, line, numbers);
                break;
        }
    }

    private static void TakeCache(JsonObject json, string section, string line, ulong[] numbers)
    {
        string name = section.Contains("internal", StringComparison.Ordinal) ? "internal" : "external";
        if (json[name] is not JsonObject cache)
        {
            cache = [];
            if (section.EndsWith("inject", StringComparison.Ordinal)) cache["mode"] = "inject";
            if (section.EndsWith("bypass", StringComparison.Ordinal)) cache["mode"] = "bypass";
            json[name] = cache;
        }

        if (line.StartsWith("current active", StringComparison.Ordinal)) cache["active"] = numbers[0];
        foreach (string verb in _verbs)
        {
            bool isNew = verb == "created" && line.Contains("connections new", StringComparison.Ordinal);
            if (!isNew && !line.Contains($"connections {verb}", StringComparison.Ordinal)) continue;
            cache[verb] = numbers[0];
            if (numbers.Length > 1) cache[$"{verb}_failed"] = numbers[1];
        }
    }

    private static void TakeLink(JsonObject json, string section, string line, ulong[] numbers)
    {
        if (json["link"] is not JsonObject link)
        {
            int device = section.IndexOf('=', StringComparison.Ordinal);
            link = new()
            {
                ["type"] = section.Split(' ')[0].ToLowerInvariant(),
                ["device"] = device < 0 ? "" : section[(device + 1)..].TrimEnd(')'),
            };
            json["link"] = link;
        }

        string what = line.Contains("Bytes", StringComparison.Ordinal) ? "bytes"
            : line.Contains("Pckts", StringComparison.Ordinal) ? "packets"
            : "errors";
        link[$"{what}_sent"] = numbers[0];
        link[$"{what}_recv"] = numbers[^1];
    }

    private static ulong[] Numbers(string line) =>
    [
        .. line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)
            .Select(word => ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
                ? number
                : (ulong?)null)
            .OfType<ulong>(),
    ];
}
