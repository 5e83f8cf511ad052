using System.Text.RegularExpressions;
using TwinTrack.Daemon.Config;
using TwinTrack.Conntrack;

namespace TwinTrack.Daemon.Doctor;

/// <summary>The rule set: is it stateful, does it let the link through, does its NAT outlive a fail-over?</summary>
internal sealed partial class RuleChecks(Findings findings, Machine machine, DaemonConfig config)
{
    private const int MatchMilliseconds = 2000;
    private const string Example = "examples/failover/ruleset.nft does";

    /// <summary>Looks at the rules as nft and iptables print them.</summary>
    /// <param name="rules">The printed rule set; null when it cannot be read.</param>
    public void Run(string? rules)
    {
        if (rules is null)
        {
            findings.Note("rules", "the rule set cannot be read", "install nft or iptables, and run this as root");
            return;
        }

        Check(rules);
    }

    /// <summary>Looks at a printed rule set.</summary>
    public void Check(string rules)
    {
        if (!Stateful().IsMatch(rules))
        {
            findings.Fail("rules", "no rule asks for the state of a connection: the kernel may not track at all, and "
                + "recovered connections are not let through as such",
                $"accept ct state established,related; {Example}");
            return;
        }

        int before = findings.All.Count;
        if (config.Sync is { } sync)
        {
            CheckInvalid(rules);
            CheckTranslation(rules);
            foreach (LinkConfig link in sync.Links) CheckLink(rules, link);
        }

        if (findings.All.Count == before) findings.Fine("rules", "they are stateful");
    }

    private void CheckInvalid(string rules)
    {
        if (!InvalidDropped().IsMatch(rules) && !ForwardDrops().IsMatch(rules))
        {
            findings.Warn("rules", "packets that belong to no known connection (ct state invalid) are not dropped: "
                + "after a fail-over they are answered or passed untranslated", $"drop them in forward; {Example}");
        }

        if (machine.Setting("net/netfilter/nf_conntrack_tcp_loose") is > 0 && !SynDemanded().IsMatch(rules))
        {
            findings.Warn("rules", "a new TCP connection need not begin with a SYN",
                $"demand it, or set nf_conntrack_tcp_loose to 0; {Example}");
        }
    }

    private void CheckTranslation(string rules)
    {
        if (Masquerade().IsMatch(rules))
        {
            findings.Warn("rules", "masquerade takes the interface's own address, and forgets its connections when the "
                + "interface or an address goes", "use snat to the virtual address");
        }
    }

    private void CheckLink(string rules, LinkConfig link)
    {
        bool isNamed = Word(link.Interface).IsMatch(rules) || Word(link.Port.ToString()).IsMatch(rules)
            || NamesPattern(rules, link.Interface);
        if (!isNamed && InputDrops().IsMatch(rules))
        {
            findings.Warn("rules", $"input drops by default and no rule names {link.Interface} or port {link.Port}: "
                + "the peer may not be heard", $"accept what comes in by {link.Interface}");
        }

        if (!Untracked().IsMatch(rules) && Replicates(link))
        {
            findings.Note("rules", $"the flow of the link {link.Interface} itself is tracked and replicated",
                $"add {link.Local?.ToString() ?? "the link's addresses"} to Filter Address Ignore, or do not track it");
        }
    }

    // Rules may name interfaces by a beginning: "sync*" of nft, sync+ of iptables.
    private static bool NamesPattern(string rules, string name) => Enumerable.Range(1, name.Length).Any(length =>
        rules.Contains($"\"{name[..length]}*\"", StringComparison.Ordinal)
        || rules.Contains($" {name[..length]}+", StringComparison.Ordinal));

    private bool Replicates(LinkConfig link)
    {
        if (config.General.Filter is not { } filter || link.Local is not { } own) return true;

        byte protocol = link.Kind == LinkKind.Tcp ? IpProtocol.Tcp : IpProtocol.Udp;
        (string here, string there) = (own.ToString(), link.Remote.ToString());
        PackedFlow flow = default;
        flow.Original = FlowTuple.Of(protocol, here, link.Port, there, link.Port);
        flow.Reply = FlowTuple.Of(protocol, there, link.Port, here, link.Port);
        return filter.ToFlowFilter().Accepts(in flow, isDestroy: true);
    }

    private static Regex Word(string word) => new(
        $@"\b{Regex.Escape(word)}\b", RegexOptions.None, TimeSpan.FromMilliseconds(MatchMilliseconds));

    // ct state ..., -m conntrack --ctstate ..., -m state --state ..., xt match "conntrack"
    [GeneratedRegex(
        @"\bct state\b|--ctstate|--state\b|match ""(conntrack|state)""", RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex Stateful();

    [GeneratedRegex(
        @"ct\s*state[^\n]*invalid[^\n]*\b(drop|reject)\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex InvalidDropped();

    [GeneratedRegex(@"hook forward [^\n]*policy drop|^:FORWARD DROP", RegexOptions.Multiline, MatchMilliseconds)]
    private static partial Regex ForwardDrops();

    [GeneratedRegex(@"hook input [^\n]*policy drop|^:INPUT DROP", RegexOptions.Multiline, MatchMilliseconds)]
    private static partial Regex InputDrops();

    [GeneratedRegex(@"\bsyn\b", RegexOptions.IgnoreCase, MatchMilliseconds)]
    private static partial Regex SynDemanded();

    [GeneratedRegex(@"\bmasquerade\b", RegexOptions.IgnoreCase, MatchMilliseconds)]
    private static partial Regex Masquerade();

    [GeneratedRegex(@"\bnotrack\b", RegexOptions.IgnoreCase, MatchMilliseconds)]
    private static partial Regex Untracked();
}
