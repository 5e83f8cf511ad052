using System.Text;

namespace TwinTrack.Router.Config;

/// <summary>Writes a configuration as routers of before read it.</summary>
internal static class OldDialect
{
    private const string Versions = "cluster@1:conntrack-sync@1:conntrack@1:vrrp@2";

    // Nodes of conntrack-sync that old routers do not have.
    private static readonly string[] _unknown = ["disable-syslog", "purge-timeout", "startup-resync"];

    /// <summary>What cannot be said in it, a line for each.</summary>
    public static IReadOnlyList<string> Refusals(ConfigNode root)
    {
        if (root.At("service", "conntrack-sync") is not { } sync) return [];

        List<string> refused = [];
        foreach (string protocol in sync.ValuesAt("accept-protocol").Where(word => word is "icmp6" or "dccp"))
            refused.Add($"accept-protocol {protocol}");
        string[] links = [.. sync.NamesAt("interface")];
        if (links.Length > 1) refused.Add($"several interfaces: {string.Join(", ", links)}");
        foreach (ConfigNode link in sync.At("interface")?.Children ?? [])
        {
            if (link.ValueAt("port") is { } port) refused.Add($"interface {link.Name} port {port}");
            if (link.ValueAt("peer") is { } peer && IsIPv6(peer)) refused.Add($"interface {link.Name} peer {peer}");
        }

        foreach (string leaf in (string[])["ignore-address", "listen-address"])
        {
            foreach (string address in sync.ValuesAt(leaf).Where(one => IsIPv6(one) || one == Rules.OwnTraffic))
                refused.Add($"{leaf} {address}");
        }

        if (sync.ValuesAt("listen-address").Count > 1) refused.Add("several listen-address");
        refused.AddRange(_unknown.Where(name => sync.At(name) is not null));
        return refused;
    }

    /// <summary>A configuration file of an old router.</summary>
    public static string File(ConfigNode root)
    {
        var text = new StringBuilder();
        Append(text, root, "", 0);
        text.Append("\n/* Warning: Do not remove the following line. */\n");
        text.Append($"/* === vyatta-config-version: \"{Versions}\" === */\n/* Release version: TwinTrack */\n");
        return text.ToString();
    }

    /// <summary>The set commands for an old router.</summary>
    public static IEnumerable<string> SetLines(ConfigNode root) => SetLines(root, "set", "");

    private static IEnumerable<string> SetLines(ConfigNode node, string prefix, string place)
    {
        foreach (ConfigNode child in node.Children)
        {
            (string name, IReadOnlyList<string> values) = Said(child, place);
            string path = $"{prefix} {name}";
            foreach (string value in values) yield return $"{path} '{value}'";
            if (values.Count == 0 && !child.Children.Any()) yield return path;
            foreach (string line in SetLines(child, path, $"{place} {Step(node, child)}")) yield return line;
        }
    }

    private static void Append(StringBuilder text, ConfigNode node, string place, int depth)
    {
        string indent = new(' ', depth * 4);
        foreach (ConfigNode child in node.Children)
        {
            (string name, IReadOnlyList<string> values) = Said(child, place);
            string below = $"{place} {Step(node, child)}";
            if (child.Schema.Kind == NodeKind.Tag)
            {
                foreach (ConfigNode instance in child.Children)
                {
                    text.Append($"{indent}{name} {instance.Name} {{\n");
                    Append(text, instance, $"{below} *", depth + 1);
                    text.Append($"{indent}}}\n");
                }
            }
            else if (name.Contains(' ', StringComparison.Ordinal))
            {
                string[] words = name.Split(' ');
                text.Append($"{indent}{words[0]} {{\n");
                foreach (string value in values) text.Append($"{indent}    {words[1]} {Quoted(value)}\n");
                text.Append($"{indent}}}\n");
            }
            else if (child.Schema.Kind == NodeKind.Node)
            {
                text.Append($"{indent}{name} {{\n");
                Append(text, child, below, depth + 1);
                text.Append($"{indent}}}\n");
            }
            else
            {
                if (values.Count == 0) text.Append($"{indent}{name}\n");
                foreach (string value in values) text.Append($"{indent}{name} {Quoted(value)}\n");
            }
        }
    }

    // The name and values that a node has there.
    private static (string Name, IReadOnlyList<string> Values) Said(ConfigNode node, string place) =>
        (place, node.Name) switch
        {
            (" service conntrack-sync", "accept-protocol") => (node.Name, [string.Join(',', node.Values)]),
            (" service conntrack-sync", "ignore-address") => ("ignore-address ipv4", node.Values),
            (" high-availability vrrp group *", "address") => ("virtual-address", node.Values),
            (" high-availability vrrp group *", "excluded-address") => ("virtual-address-excluded", node.Values),
            _ => (node.Name, node.Values),
        };

    // Instances have names of their own.
    private static string Step(ConfigNode parent, ConfigNode child) =>
        parent.Schema.Kind == NodeKind.Tag ? "*" : child.Name;

    private static string Quoted(string value) =>
        value.Length == 0 || value.Any(c => char.IsWhiteSpace(c) || c is '{' or '}' or ';') ? $"\"{value}\"" : value;

    private static bool IsIPv6(string address) => address.Contains(':', StringComparison.Ordinal);
}
