using System.Text.Json.Nodes;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Router.Views;

/// <summary>Makes JSON of a listing of conntrackd in JSON, in the members that the router has always shown.</summary>
internal static class CacheJson
{
    /// <summary>Flows or expectations.</summary>
    /// <param name="listing">What the daemon answered.</param>
    public static JsonArray Read(string listing)
    {
        var json = new JsonArray();
        JsonObject root = JsonNode.Parse(listing)!.AsObject();
        foreach (JsonNode? one in root["flows"] as JsonArray ?? []) json.Add((JsonNode)Flow(one!.AsObject()));
        foreach (JsonNode? one in root["expectations"] as JsonArray ?? [])
            json.Add((JsonNode)Expectation(one!.AsObject()));
        return json;
    }

    private static JsonObject Flow(JsonObject entry)
    {
        JsonObject flow = entry["flow"]!.AsObject();
        JsonObject original = flow["original"]!.AsObject();
        JsonObject made = Ends(original, flow);
        made["state"] = flow["state"]?.DeepClone();
        made["reply"] = flow["reply"] is JsonObject reply ? Point(reply) : Turned(original);
        made["mark"] = flow["mark"]?.DeepClone() ?? 0;
        made["zone"] = flow["zone"]?.DeepClone() ?? 0;
        made["age_s"] = entry["age_seconds"]?.DeepClone();
        return made;
    }

    private static JsonObject Expectation(JsonObject entry)
    {
        JsonObject expectation = entry["expectation"]!.AsObject();
        JsonObject made = Ends(expectation["expected"]!.AsObject(), expectation);
        foreach (string name in (string[])["mask", "master"])
            made[name] = expectation[name] is JsonObject tuple ? Point(tuple) : null;
        foreach (string name in (string[])["helper", "class", "flags"]) made[name] = expectation[name]?.DeepClone();
        made["zone"] = expectation["zone"]?.DeepClone() ?? 0;
        made["age_s"] = entry["age_seconds"]?.DeepClone();
        return made;
    }

    private static JsonObject Ends(JsonObject tuple, JsonObject described)
    {
        JsonObject made = Point(tuple);
        byte number = (byte)described["protocol_number"]!;
        string name = (string)described["protocol"]!;
        made["proto"] = number;
        made["protoname"] = name == "unknown"
            ? ProtocolNames.OfSystem().NameOf(number)?.ToLowerInvariant() ?? name
            : name;
        return made;
    }

    private static JsonObject Point(JsonObject tuple) => new()
    {
        ["src"] = tuple["src"]?.DeepClone(),
        ["sport"] = tuple["sport"]?.DeepClone(),
        ["dst"] = tuple["dst"]?.DeepClone(),
        ["dport"] = tuple["dport"]?.DeepClone(),
    };

    // Peers tell the reply only where it is translated.
    private static JsonObject Turned(JsonObject tuple) => new()
    {
        ["src"] = tuple["dst"]?.DeepClone(),
        ["sport"] = tuple["dport"]?.DeepClone(),
        ["dst"] = tuple["src"]?.DeepClone(),
        ["dport"] = tuple["sport"]?.DeepClone(),
    };
}
