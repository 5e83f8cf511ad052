namespace TwinTrack.Router.Views;

/// <summary><c>show conntrack-sync status</c>.</summary>
internal static class StatusView
{
    private static readonly string[] _allHelpers = ["ftp", "sip", "h323", "nfs", "sqlnet"];

    /// <summary>The text: an empty line and four more.</summary>
    /// <param name="interfaces">The links.</param>
    /// <param name="mechanism">vrrp or cluster.</param>
    /// <param name="group">Name of the group.</param>
    /// <param name="transition">What the state file says; null without one.</param>
    /// <param name="expectations">Words of expect-sync.</param>
    /// <param name="isOld">The layout of old routers.</param>
    public static string Text(
        IReadOnlyList<string> interfaces, string mechanism, string group, string? transition,
        IReadOnlyList<string> expectations, bool isOld = false)
    {
        string kind = mechanism == "vrrp" ? "sync-group" : "group";
        return "\n"
            + Line("sync-interface", isOld ? interfaces.FirstOrDefault("") : string.Join(", ", interfaces))
            + Line("failover-mechanism", $"{mechanism} [{kind} {group}]")
            + Line("last state transition", transition?.Split('\n')[0] ?? "no transition yet!")
            + Line("ExpectationSync", Expectations(expectations, isOld));
    }

    private static string Expectations(IReadOnlyList<string> words, bool isOld)
    {
        if (words.Count == 0) return "disabled";

        bool isAll = words.Contains("all", StringComparer.Ordinal);
        string list = string.Join(", ", isAll ? _allHelpers : words);
        return isOld ? $"enabled for {(isAll ? "all: " : "")}{list}" : list;
    }

    private static string Line(string name, string value) => $"{name,-22}: {value}\n";
}
