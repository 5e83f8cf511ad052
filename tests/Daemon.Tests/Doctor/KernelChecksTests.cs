using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Doctor;
using Xunit;

namespace TwinTrack.Daemon.Tests.Doctor;

/// <summary>What the doctor says of a kernel: of files made for it, as a real kernel cannot be changed in a test.</summary>
public sealed class KernelChecksTests : IDisposable
{
    private const string AllOptions =
        "CONFIG_NF_CONNTRACK_MARK=y\nCONFIG_NF_CONNTRACK_ZONES=y\nCONFIG_NF_CONNTRACK_LABELS=y\nCONFIG_NF_CT_NETLINK=m\n"
        + "CONFIG_NETFILTER_NETLINK_QUEUE=m\nCONFIG_NETFILTER_NETLINK_GLUE_CT=y\nCONFIG_NF_CT_NETLINK_HELPER=m\n"
        + "CONFIG_IP_MULTICAST=y\n# CONFIG_OTHER is not set\n";

    private readonly string _root = Directory.CreateTempSubdirectory().FullName;

    public KernelChecksTests()
    {
        Put("proc/sys/kernel/osrelease", "6.1.0");
        Put("boot/config-6.1.0", AllOptions);
        Put("proc/sys/net/ipv4/ip_forward", "1");
        foreach (string[] pair in (string[][])[
            ["max", "1000"], ["count", "10"], ["buckets", "1000"], ["events", "2"], ["tcp_loose", "0"],
            ["tcp_be_liberal", "0"], ["acct", "1"], ["timestamp", "1"]])
        {
            Put("proc/sys/net/netfilter/nf_conntrack_" + pair[0], pair[1]);
        }
    }

    /// <summary>A file, what stands in it (nothing: there is no such file), and the finding.</summary>
    public static TheoryData<string, string?, FindingLevel, string> Cases => new()
    {
        { "proc/sys/net/netfilter/nf_conntrack_max", null, FindingLevel.Problem, "connection tracking is not there" },
        { "proc/sys/net/netfilter/nf_conntrack_events", null, FindingLevel.Problem, "CONFIG_NF_CONNTRACK_EVENTS" },
        { "proc/sys/net/netfilter/nf_conntrack_events", "0", FindingLevel.Problem, "nf_conntrack_events is 0" },
        { "proc/sys/net/netfilter/nf_conntrack_count", "950", FindingLevel.Warning, "950 of at most 1000" },
        { "proc/sys/net/netfilter/nf_conntrack_buckets", "100", FindingLevel.Warning, "1000 flows in 100 buckets" },
        { "proc/sys/net/netfilter/nf_conntrack_max", "300000", FindingLevel.Warning, "only 262144 (HashLimit)" },
        { "boot/config-6.1.0", null, FindingLevel.Note, "not to be read" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_ZONES=y\n", FindingLevel.Warning, "CONFIG_NF_CONNTRACK_MARK" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_MARK=y\n", FindingLevel.Warning, "CONFIG_NF_CONNTRACK_ZONES" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_MARK=y\n", FindingLevel.Warning, "CONFIG_NF_CONNTRACK_LABELS" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_MARK=y\n", FindingLevel.Problem, "CONFIG_IP_MULTICAST" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_MARK=y\n", FindingLevel.Problem, "CONFIG_NETFILTER_NETLINK_QUEUE" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_MARK=y\n", FindingLevel.Problem, "CONFIG_NETFILTER_NETLINK_GLUE_CT" },
        { "boot/config-6.1.0", "CONFIG_NF_CONNTRACK_MARK=y\n", FindingLevel.Problem, "CONFIG_NF_CT_NETLINK_HELPER" },
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Nothing_is_found_where_all_is_well() =>
        Assert.DoesNotContain(Examine(), finding => finding.Level > FindingLevel.Fine && !IsOfThisMachine(finding));

    [Theory, MemberData(nameof(Cases))]
    public void What_is_missing_is_found(string file, string? content, FindingLevel level, string text)
    {
        Put(file, content);
        Finding found = Assert.Single(
            Examine(), finding => finding.Level == level && finding.Text.Contains(text, StringComparison.Ordinal));
        Assert.True(found.Advice is not null || level == FindingLevel.Note);
    }

    [Fact]
    public void Capabilities_are_read_as_bits()
    {
        Put("proc/self/status", "Name:\tx\nCapEff:\t0000000000001000\n");
        var machine = new Machine(_root);
        Assert.True(machine.HasCapability(12));
        Assert.False(machine.HasCapability(13));
    }

    // The real kernel answers, or refuses to without the privilege.
    private static bool IsOfThisMachine(Finding finding) =>
        finding.Text.Contains("does not answer for its table", StringComparison.Ordinal);

    private IReadOnlyList<Finding> Examine()
    {
        const string text =
            "Sync { Mode FTFW { } Multicast { IPv4_address 225.0.0.50 Group 1 IPv4_interface 127.0.0.1 Interface lo } }"
            + "Helper { Type ftp inet tcp { QueueNum 1 } }";
        DaemonConfig config = ConfigReader.Parse("x", text, ProtocolNames.OfSystem()).Config!;
        var findings = new Findings();
        new KernelChecks(findings, new Machine(_root), config).Run();
        return findings.All;
    }

    private void Put(string file, string? content)
    {
        string path = Path.Combine(_root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (content is null) File.Delete(path);
        else File.WriteAllText(path, content);
    }
}
