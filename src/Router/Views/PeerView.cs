using System.Globalization;
using System.Text.Json.Nodes;

namespace TwinTrack.Router.Views;

/// <summary><c>show conntrack-sync peer</c>: the partners, and what went wrong on the way from them.</summary>
internal static class PeerView
{
    private const double MillisecondsPerSecond = 1000;

    /// <summary>The tables.</summary>
    /// <param name="network">What the daemon answers to <c>-s network --json</c>.</param>
    public static string Text(JsonObject network)
    {
        var peers = new SimpleTable("Peer", "Last message", "Sequence");
        foreach (JsonNode? node in network["nodes"] as JsonArray ?? [])
        {
            string age = (long?)node!["heard_ms_ago"] is { } milliseconds
                ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds / MillisecondsPerSecond:0.0} s ago")
                : "never";
            peers.Add((string?)node["address"] ?? "", age, node["last_sequence"]?.ToString() ?? "");
        }

        var messages = new SimpleTable("Messages", "Count");
        foreach ((string title, string group, string name) in _counters)
            messages.Add(title, network[group]?[name]?.ToString() ?? "0");
        return $"{peers}\n{messages}";
    }

    private static readonly (string Title, string Group, string Name)[] _counters =
    [
        ("lost", "sequence", "lost"), ("late", "sequence", "before"), ("jumps refused", "sequence", "jumps_refused"),
        ("hellos refused", "peers", "hellos_refused"), ("peers given up", "peers", "given_up"),
        ("malformed", "malformed", "total"), ("of another version", "malformed", "wrong_version"),
    ];
}
