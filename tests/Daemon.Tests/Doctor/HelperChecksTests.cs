using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Doctor;
using Xunit;

namespace TwinTrack.Daemon.Tests.Doctor;

/// <summary>What the doctor says of user-space helpers: of rules as nft and iptables print them, and of a made-up kernel.</summary>
public sealed class HelperChecksTests : IDisposable
{
    private const string Rules = """
        table inet fw {
        	ct helper ftp-read {
        		type "ftp" protocol tcp
        		l3proto inet
        	}

        	chain pre {
        		ip daddr 192.0.2.21 tcp dport 21 ct helper set "ftp-read"
        	}
        }
        """;

    private readonly string _root = Directory.CreateTempSubdirectory().FullName;
    private readonly Findings _findings = new();

    /// <summary>Helper, rules, and the finding; empty for none.</summary>
    public static TheoryData<string, string, string> Cases => new()
    {
        { "ftp", Rules, "" },
        { "ftp", Rules.Replace("set \"ftp-read\"", "set tcp dport map { 21 : \"ftp-read\" }", StringComparison.Ordinal), "" },
        { "ftp", Rules.Replace("ip daddr 192.0.2.21 ", "", StringComparison.Ordinal), "names no address" },
        { "ftp", Rules.Replace("set \"ftp-read\"", "set \"other\"", StringComparison.Ordinal), "no rule attaches helper `ftp' (tcp)" },
        { "sane", Rules, "no rule attaches helper `sane' (tcp)" },
        { "ftp", "-A PREROUTING -d 192.0.2.21/32 -p tcp -m tcp --dport 21 -j CT --helper ftp\n", "" },
        { "ftp", "-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\n", "names no address" },
        { "ftp", "-A PREROUTING -d 192.0.2.21/32 -p udp -m udp --dport 69 -j CT --helper tftp\n", "no rule attaches" },
        { "mdns", "-A OUTPUT -d 224.0.0.251 -p tcp -j CT --helper mdns\nmasquerade", "modprobe nf_nat_h323" },
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory, MemberData(nameof(Cases))]
    public void Rules_have_to_attach_a_helper_to_named_servers(string name, string rules, string text)
    {
        Checks(name).CheckRules(rules);

        if (text.Length == 0) Assert.Empty(_findings.All);
        else Assert.Contains(text, Assert.Single(_findings.All).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", FindingLevel.Problem, "nfct helper disable ftp inet tcp")]
    [InlineData("    4   1234     0 2 65535     0     0        7  1\n", FindingLevel.Problem, "nobody listens")]
    [InlineData("    3   1234     0 2 65535     0     0        7  1\n", FindingLevel.Fine, "")]
    [InlineData("    3   1234     0 2 65535    12     0        7  1\n", FindingLevel.Warning, "12 packets of helper `ftp' (tcp)")]
    public void An_enabled_helper_needs_somebody_at_its_queue(string queues, FindingLevel level, string text)
    {
        Put("proc/net/netfilter/nfnetlink_queue", queues);
        var helper = new HelperDefinition { Name = "ftp", Family = AddressFamily.IPv4, Protocol = IpProtocol.Tcp, Queue = 3 };
        Checks("ftp").CheckQueues([helper with { IsEnabled = true }, helper with { Queue = 9, IsEnabled = false }]);

        if (text.Length == 0)
        {
            Assert.Empty(_findings.All);
            return;
        }

        Finding found = Assert.Single(_findings.All);
        Assert.Equal(level, found.Level);
        Assert.Contains(text, found.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_helper_of_the_kernel_with_the_same_name_is_in_the_way()
    {
        Put("sys/module/nf_conntrack_ftp/initstate", "live\n");
        Checks("ftp").Run(rules: null);

        Assert.Contains(_findings.All, finding => finding.Level == FindingLevel.Problem
            && finding.Text.Contains("the kernel's own helper ftp", StringComparison.Ordinal));
    }

    private HelperChecks Checks(string name) => new(_findings, new Machine(_root), new HelperConfig
    {
        Types = [new HelperTypeConfig { Name = name, Family = AddressFamily.IPv4, Protocol = IpProtocol.Tcp }],
    });

    private void Put(string path, string text)
    {
        string file = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
