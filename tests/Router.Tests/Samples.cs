using System.Text.Json;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;
using TwinTrack.Tests;

namespace TwinTrack.Router.Tests;

/// <summary>Reads the samples.</summary>
internal static class Samples
{
    public static string Root => Path.Combine(GoldenFiles.Root, "router");

    public static IEnumerable<string> Names =>
        Directory.GetDirectories(Root).Select(path => Path.GetFileName(path)!)
            .Where(name => char.IsAsciiDigit(name[0]) && File.Exists(Path.Combine(Root, name, "set.txt")))
            .Order(StringComparer.Ordinal);

    public static string Text(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path]));

    public static JsonElement Json(params string[] path) => JsonDocument.Parse(Text(path)).RootElement;

    /// <summary>Reads a configuration in either form; every line must be understood.</summary>
    public static ConfigNode Configuration(string text)
    {
        ConfigNode root = ConfigNode.Empty();
        ConfigText.Read(
            text, root, (line, e) => throw new InvalidOperationException($"line {line}: {e.Message}", e), _ => { });
        return root;
    }

    public static Machine Machine(JsonElement environment)
    {
        Dictionary<string, IReadOnlyList<LocalAddress>> interfaces = new(StringComparer.Ordinal);
        foreach (JsonProperty one in environment.GetProperty("interfaces").EnumerateObject())
        {
            List<LocalAddress> addresses = [];
            foreach (JsonElement text in one.Value.EnumerateArray())
            {
                if (Rules.TryNetwork(text.GetString()!, out System.Net.IPAddress address, out int length))
                    addresses.Add(new(address, length));
            }

            interfaces[one.Name] = addresses;
        }

        return new()
        {
            Interfaces = interfaces,
            HashSize = uint.Parse(environment.GetProperty("hashsize").GetString()!),
            TableSize = uint.Parse(environment.GetProperty("conntrack_max").GetString()!),
        };
    }
}
