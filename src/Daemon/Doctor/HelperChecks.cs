using System.Globalization;
using System.Text.RegularExpressions;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Doctor;

/// <summary>Helpers in user space: do rules attach them, does somebody serve them, can the kernel take them?</summary>
internal sealed class HelperChecks(Findings findings, Machine machine, HelperConfig config)
{
    private const int MatchMilliseconds = 2000;
    private const string Example = "examples/helpers/ruleset.nft does";

    /// <summary>Looks at the kernel and at the rules.</summary>
    /// <param name="rules">The printed rule set; null when it cannot be read.</param>
    public void Run(string? rules)
    {
        int before = findings.All.Count;
        CheckNames();
        CheckQueues(ReadRegistered());
        if (rules is not null) CheckRules(rules);
        if (findings.All.Count == before) findings.Fine("helpers", "they are attached and served");
    }

    /// <summary>Looks for helpers that nobody serves, and for queues that were full.</summary>
    /// <param name="registered">What the kernel knows.</param>
    public void CheckQueues(IReadOnlyList<HelperDefinition> registered)
    {
        string[][] queues = [.. (machine.Read("proc/net/netfilter/nfnetlink_queue") ?? "").Split('\n')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 5)];
        foreach (HelperDefinition helper in registered.Where(helper => helper.IsEnabled == true))
        {
            string number = helper.Queue.ToString(CultureInfo.InvariantCulture);
            string[]? queue = queues.FirstOrDefault(words => words[0] == number);
            if (queue is null)
            {
                findings.Fail("helpers", $"helper {Describe(helper.Name, helper.Protocol)} is enabled and nobody "
                    + "listens to its queue: its new flows are not confirmed, and their answers do not pass",
                    $"start conntrackd, or nfct helper disable {helper.Name} "
                    + (helper.Family == AddressFamily.IPv4 ? "inet " : "inet6 ") + Protocol(helper.Protocol));
            }
            else if (queue[5] != "0") // packets dropped because it was full
            {
                findings.Warn("helpers", $"{queue[5]} packets of helper {Describe(helper.Name, helper.Protocol)} were "
                    + "dropped because its queue was full", "raise QueueLen, or set FailOpen on");
            }
        }
    }

    /// <summary>Looks at a printed rule set.</summary>
    public void CheckRules(string rules)
    {
        foreach ((string name, byte protocol) in config.Types.Select(type => (type.Name, type.Protocol)).Distinct())
        {
            string[] attaching = [.. Attaching(rules, name, Protocol(protocol))];
            if (attaching.Length == 0)
            {
                findings.Warn("helpers", $"no rule attaches helper {Describe(name, protocol)}: it sees nothing",
                    $"attach it to the flows to its servers; {Example}");
            }
            else if (attaching.Any(line => !Matches(line, @"\b[sd]addr\b|\s-[sd]\s")))
            {
                findings.Note("helpers", $"a rule attaches helper {Describe(name, protocol)} and names no address: "
                    + "whoever speaks its protocol opens ports of its own host", $"name the servers; {Example}");
            }
        }

        bool asksGroups = config.Types.Any(type => type.Name is "mdns" or "slp" or "ssdp");
        bool hasFunction = IsLoaded("nf_nat_h323") || IsLoaded("nf_nat_sip");
        if (asksGroups && !hasFunction && Matches(rules, @"\b(masquerade|snat)\b"))
        {
            findings.Note("helpers", "answers to a group (mdns, slp, ssdp) do not find their way back through a "
                + "translated source: the kernel's function for that is in modules that are not loaded",
                "modprobe nf_nat_h323 before conntrackd starts, if such questions are translated");
        }
    }

    // Lines that attach a helper: of nft by the name of an object, of iptables by its own.
    private static IEnumerable<string> Attaching(string rules, string name, string protocol)
    {
        string[] lines = rules.Split('\n');
        HashSet<string> objects = [];
        for (int i = 0; i + 1 < lines.Length; i++)
        {
            // ct helper NAME { and, on the next line, type "ftp" protocol tcp
            string[] words = lines[i].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            bool isOfType = Matches(lines[i + 1], $@"type ""{name}"" protocol {protocol}\b");
            if (isOfType && words is ["ct", "helper", var known, "{"]) objects.Add(known);
        }

        return lines.Where(line =>
            (line.Contains("ct helper set", StringComparison.Ordinal)
                && objects.Any(known => line.Contains($"\"{known}\"", StringComparison.Ordinal)))
            || (Matches(line, $@"--helper {name}(\s|$)") && Matches(line, $@"-p {protocol}\b")));
    }

    private static bool Matches(string text, string pattern) => Regex.IsMatch(
        text, pattern, RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        TimeSpan.FromMilliseconds(MatchMilliseconds));

    private static string Describe(string name, byte protocol) => $"`{name}' ({Protocol(protocol)})";

    private static string Protocol(byte protocol) => protocol == IpProtocol.Tcp ? "tcp" : "udp";

    private bool IsLoaded(string module) => machine.Read($"sys/module/{module}/initstate") is not null;

    private void CheckNames()
    {
        foreach (string name in config.Types.Select(type => type.Name).Distinct(StringComparer.Ordinal))
        {
            if (!IsLoaded($"nf_conntrack_{name}")) continue;
            findings.Fail("helpers", $"the kernel's own helper {name} is loaded: another of that name is refused",
                $"rmmod nf_nat_{name} nf_conntrack_{name}, and keep them from being loaded");
        }
    }

    private static IReadOnlyList<HelperDefinition> ReadRegistered()
    {
        try
        {
            using var kernel = new Conntrack.Kernel.Helpers();
            return kernel.Get(null, out IReadOnlyList<HelperDefinition> known).IsSuccess ? known : [];
        }
        catch (NetlinkException)
        {
            return []; // what the kernel lacks is told with its options
        }
    }
}
