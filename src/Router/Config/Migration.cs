using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TwinTrack.Router.Config;

/// <summary>Turns the configuration of an old router into that of today, and says what was changed.</summary>
internal sealed partial class Migration
{
    private const int MatchMilliseconds = 1000;
    private const int MillisecondsPerSecond = 1000;
    private const int MostVirtualRouters = 255;
    private const string Newest = "conntrack@5:conntrack-sync@2:vrrp@4";

    // Of these, all were on unless switched off.
    private static readonly string[] _modules = ["ftp", "h323", "nfs", "pptp", "sip", "sqlnet", "tftp"];

    private readonly string _text;
    private readonly string _host;

    /// <summary>Reads a configuration of any age.</summary>
    /// <param name="text">Set commands, or curly braces with their versions.</param>
    /// <param name="isClusterReplaced">Whether a cluster becomes VRRP; else it stays.</param>
    /// <param name="host">Name of this router: it tells which one of a cluster it is.</param>
    /// <exception cref="PathException">A cluster cannot become VRRP.</exception>
    public Migration(string text, bool isClusterReplaced, string host)
    {
        _text = text;
        _host = host;
        From = VersionLine().Match(text) is { Success: true } line ? line.Groups["versions"].Value : Newest;
        ConfigText.Read(
            text, Result, (number, e) => Warnings.Add($"line {number} is left out: {e.Message}"), Changes.Add);
        FindRepeatedProtocols();
        if (VersionOf("conntrack") is < 3) TurnModules();
        if (isClusterReplaced && Result.At("service", "conntrack-sync", "failover-mechanism", "cluster") is not null)
            ReplaceCluster();
    }

    /// <summary>What came of it.</summary>
    public ConfigNode Result { get; } = ConfigNode.Empty();

    /// <summary>Versions of the parts it was written for.</summary>
    public string From { get; }

    /// <summary>What was changed.</summary>
    public List<string> Changes { get; } = [];

    /// <summary>What the operator should look at.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The report.</summary>
    public JsonObject Report() => new()
    {
        ["from"] = From,
        ["to"] = Newest,
        ["changes"] = Views.Json.List(Changes),
        ["warnings"] = Views.Json.List(Warnings),
    };

    private int? VersionOf(string part)
    {
        string? found = From.Split(':').FirstOrDefault(one => one.StartsWith(part + "@", StringComparison.Ordinal));
        return found is null ? null : int.Parse(found[(part.Length + 1)..], CultureInfo.InvariantCulture);
    }

    private void FindRepeatedProtocols()
    {
        foreach (Match list in ProtocolList().Matches(_text))
        {
            string[] words = list.Groups["list"].Value.Split(',', StringSplitOptions.TrimEntries);
            Changes.Add("accept-protocol: a list became single values");
            foreach (string word in words.GroupBy(word => word, StringComparer.Ordinal)
                .Where(same => same.Count() > 1).Select(same => same.Key))
            {
                Warnings.Add($"M-W3 repeated protocol {word} dropped");
            }
        }
    }

    private void TurnModules()
    {
        if (Result.At("system", "conntrack") is null && !SwitchedOff().IsMatch(_text)) return;
        HashSet<string> off = [.. SwitchedOff().Matches(_text).Select(match => match.Groups["module"].Value)];
        foreach (string module in _modules.Where(module => !off.Contains(module)))
            Set("system", "conntrack", "modules", module);
        foreach (string module in off) Delete("system", "conntrack", "modules", module);
        Warnings.RemoveAll(text => text.Contains("[system conntrack modules", StringComparison.Ordinal)
            && text.Contains("takes no value", StringComparison.Ordinal));
        Changes.Add("system conntrack modules: those that were on are named");
    }

    private void ReplaceCluster()
    {
        string name = Result.ValueAt("service", "conntrack-sync", "failover-mechanism", "cluster", "group") ?? "";
        ConfigNode group = Result.At("cluster", "group", name) ?? throw Stop($"there is no cluster group {name}");
        if (Result.At("high-availability", "vrrp", "group", name) is not null
            || Result.At("high-availability", "vrrp", "sync-group", name) is not null)
        {
            throw Stop($"there is a VRRP group {name} already");
        }

        string[][] services = [.. group.ValuesAt("service").Select(service => service.Split('/'))];
        if (services.Length == 0 || services.Any(parts => !Rules.TryAddress(parts[0], out _)))
            throw Stop($"a service of {name} is no address");
        if (services.Any(parts => parts.Length < 3)) throw Stop($"an address of {name} has no interface");
        string[] interfaces = [.. services.Select(parts => parts[2]).Distinct(StringComparer.Ordinal)];
        if (interfaces.Length > 1) throw Stop($"the addresses of {name} are on {string.Join(", ", interfaces)}");

        string[] vrrp = ["high-availability", "vrrp", "group", name];
        foreach (string[] parts in services) Set([.. vrrp, "address", $"{parts[0]}/{parts[1]}"]);
        Set([.. vrrp, "interface", interfaces[0]]);
        Set([.. vrrp, "vrid", FreeNumber().ToString(CultureInfo.InvariantCulture)]);
        Set([.. vrrp, "priority", group.ValueAt("secondary") == _host ? "100" : "200"]);
        SetTimes(vrrp, group);
        Set("high-availability", "vrrp", "sync-group", name, "member", name);
        Delete("service", "conntrack-sync", "failover-mechanism", "cluster");
        Set("service", "conntrack-sync", "failover-mechanism", "vrrp", "sync-group", name);
        Delete("cluster");
        Warnings.Add($"M-W1 cluster group {name} became a VRRP group");
        Warnings.Add($"M-W2 conntrack-sync now follows VRRP sync-group {name}");
    }

    private void SetTimes(string[] vrrp, ConfigNode group)
    {
        string every = Result.ValueAt("cluster", "keepalive-interval") ?? "5000";
        int interval = int.Parse(every, CultureInfo.InvariantCulture);
        string seconds = Math.Max(1, interval / MillisecondsPerSecond).ToString(CultureInfo.InvariantCulture);
        Set([.. vrrp, "advertise-interval", seconds]);
        if (Result.ValueAt("cluster", "pre-shared-secret") is { } secret)
        {
            Set([.. vrrp, "authentication", "password", secret]);
            Set([.. vrrp, "authentication", "type", "plaintext-password"]);
        }

        if (group.ValuesAt("monitor").Count > 0) Set([.. vrrp, "health-check", "ping", group.ValuesAt("monitor")[0]]);
        if (group.ValueAt("auto-failback") != "true") Set([.. vrrp, "no-preempt"]);
    }

    private int FreeNumber()
    {
        HashSet<string?> taken =
            [.. Result.At("high-availability", "vrrp", "group")?.Children.Select(one => one.ValueAt("vrid")) ?? []];
        return Enumerable.Range(1, MostVirtualRouters)
            .First(number => !taken.Contains(number.ToString(CultureInfo.InvariantCulture)));
    }

    private void Set(params string[] words) => Result.Set(PathReader.ForSet(words));

    private void Delete(params string[] words) => Result.Delete(PathReader.ForPlace(words));

    private static PathException Stop(string why) => new("S01", $"the cluster cannot become VRRP: {why}");

    [GeneratedRegex(@"(vyos|vyatta)-config-version: ""(?<versions>[^""]*)""", RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"accept-protocol ['""]?(?<list>[a-z0-9]+(\s*,\s*[a-z0-9]+)+)", RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex ProtocolList();

    // modules ftp disable; ftp { disable }
    [GeneratedRegex(@"\b(?<module>ftp|h323|nfs|pptp|sip|sqlnet|tftp)(\s*\{\s*| )disable\b",
        RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex SwitchedOff();
}
