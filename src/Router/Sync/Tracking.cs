using System.Text.RegularExpressions;

namespace TwinTrack.Router.Sync;

/// <summary>Which families the kernel tracks: those for which a rule asks for the state of a connection.</summary>
/// <param name="IPv4">Whether it tracks IPv4.</param>
/// <param name="IPv6">Whether it tracks IPv6.</param>
internal readonly partial record struct Tracking(bool IPv4, bool IPv6)
{
    private const int MatchMilliseconds = 2000;

    /// <summary>Looks at the rules; null when no program can list them.</summary>
    public static Tracking? Read()
    {
        string? rules = Run("nft", "list", "ruleset");
        string? old = Run("iptables-legacy-save");
        string? oldIPv6 = Run("ip6tables-legacy-save");
        return (rules ?? old ?? oldIPv6) is null ? null : Of(rules ?? "", old ?? "", oldIPv6 ?? "");
    }

    /// <summary>Reads the rules as the programs print them.</summary>
    /// <param name="rules">Of nft.</param>
    /// <param name="old">Of iptables, IPv4.</param>
    /// <param name="oldIPv6">Of iptables, IPv6.</param>
    public static Tracking Of(string rules, string old, string oldIPv6)
    {
        bool isIPv4 = OldRule().IsMatch(old);
        bool isIPv6 = OldRule().IsMatch(oldIPv6);
        string family = "";
        foreach (string line in rules.Split('\n'))
        {
            if (line.StartsWith("table ", StringComparison.Ordinal)) family = line.Split(' ')[1];
            else if (Rule().IsMatch(line))
            {
                isIPv4 |= family is "ip" or "inet";
                isIPv6 |= family is "ip6" or "inet";
            }
        }

        return new(isIPv4, isIPv6);
    }

    private static string? Run(string program, params string[] arguments) =>
        Daemon.Doctor.Machine.Run(program, arguments);

    // ct state ..., type nat hook ..., xt match "conntrack"
    [GeneratedRegex(@"\bct [a-z]+ |\btype nat hook\b|match ""(conntrack|state)""",
        RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex Rule();

    [GeneratedRegex(@"--ctstate|--state\b|^-A .* -j (SNAT|DNAT|MASQUERADE|REDIRECT)",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline, MatchMilliseconds)]
    private static partial Regex OldRule();
}
