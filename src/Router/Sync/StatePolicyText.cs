using System.Text;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>Writes the nftables rules of <c>firewall state-policy</c>: they also make the kernel track.</summary>
internal static class StatePolicyText
{
    private const string Table = "inet twintrack_state_policy";

    /// <summary>What takes the rules away, whether they are there or not.</summary>
    public const string Removal = $"table {Table}\ndelete table {Table}\n";

    /// <summary>The rules, which replace those of before; empty without a state policy.</summary>
    public static string Make(ConfigNode root)
    {
        ConfigNode? policy =
            root.At("firewall", "state-policy") ?? root.At("firewall", "global-options", "state-policy");
        if (policy is null) return "";

        var text = new StringBuilder($"{Removal}table {Table} {{\n");
        foreach (string hook in (string[])["forward", "input", "output"])
        {
            text.Append($"    chain {hook} {{\n        type filter hook {hook} priority filter; policy accept;\n");
            foreach (ConfigNode state in policy.Children)
            {
                string log = state.At("log") is null ? "" : $"log prefix \"[STATE-POLICY-{state.Name}] \" ";
                text.Append($"        ct state {state.Name} counter {log}{state.ValueAt("action") ?? "accept"}\n");
            }

            text.Append("    }\n");
        }

        return text.Append("}\n").ToString();
    }
}
