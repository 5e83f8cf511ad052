using System.Text.Json;
using TwinTrack.Router.Config;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Configurations of old routers, read and written.</summary>
public sealed class MigrationTests
{
    public static TheoryData<string> Old => ["01-old-cluster-multicast", "02-old-vrrp-unicast"];

    [Theory]
    [MemberData(nameof(Old))]
    public void An_old_configuration_becomes_the_expected_one_and_stays_it(string name)
    {
        string host = Samples.Json(name, "env.json").GetProperty("hostname").GetString()!;
        var first = new Migration(Samples.Text(name, "config.boot"), isClusterReplaced: true, host);
        Assert.Equal(
            Samples.Text(name, "expected.migrated.set.txt").Trim().Split('\n'), ConfigText.SetLines(first.Result),
            StringComparer.Ordinal);
        JsonElement warnings = Samples.Json(name, "sample.json").GetProperty("migration-warnings");
        Assert.Equal(
            warnings.EnumerateArray().Select(one => one.GetString()!).Order(StringComparer.Ordinal),
            first.Warnings.Order(StringComparer.Ordinal), StringComparer.Ordinal);

        string text = ConfigText.File(first.Result);
        var second = new Migration(text, isClusterReplaced: true, host);
        Assert.Equal(text, ConfigText.File(second.Result));
        Assert.Empty(second.Changes);
        Assert.Empty(second.Warnings);
    }

    [Fact]
    public void A_cluster_stays_unless_it_shall_become_VRRP()
    {
        var kept = new Migration(Samples.Text(Old.First().Data, "config.boot"), isClusterReplaced: false, "r1");
        Assert.NotNull(kept.Result.At("cluster", "group", "EDGE"));
    }

    [Theory]
    [InlineData("service 203.0.113.1/24/eth0", "service nginx", "a service of EDGE is no address")]
    [InlineData("/eth0", "", "has no interface")]
    [InlineData("203.0.113.1/24/eth0", "203.0.113.1/24/eth0\n        service 203.0.114.1/24/eth1", "eth0, eth1")]
    [InlineData("cluster {\n    dead",
        "high-availability {\n    vrrp {\n        sync-group EDGE {\n        }\n    }\n}\ncluster {\n    dead",
        "there is a VRRP group EDGE already")]
    public void What_cannot_become_VRRP_is_said(string old, string now, string reason)
    {
        string text = Samples.Text(Old.First().Data, "config.boot").Replace(old, now, StringComparison.Ordinal);
        var error = Assert.Throws<PathException>(() => new Migration(text, isClusterReplaced: true, "r1"));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Modules_that_were_on_unless_switched_off_are_named()
    {
        const string text = "set system conntrack modules ftp disable\nset system conntrack table-size 5000\n"
            + "// vyos-config-version: \"conntrack@2\"";
        var migration = new Migration(text, isClusterReplaced: false, "r1");
        Assert.Equal(
            "h323 nfs pptp sip sqlnet tftp",
            string.Join(' ', migration.Result.NamesAt("system", "conntrack", "modules")));
        Assert.Empty(migration.Warnings);
    }

    [Theory]
    [MemberData(nameof(Old))]
    public void What_is_exported_is_what_old_routers_wrote(string name)
    {
        ConfigNode root = Samples.Configuration(Samples.Text(name, "config.boot"));
        Assert.Empty(OldDialect.Refusals(root));
        string exported = OldDialect.File(root);
        Assert.Equal(
            ConfigText.SetLines(root), ConfigText.SetLines(Samples.Configuration(exported)), StringComparer.Ordinal);
        string[] original = Statements(Samples.Text(name, "config.boot").Replace(",tcp\n", "\n", StringComparison.Ordinal));
        if (name == Old.First().Data) Assert.Equal(original, Statements(exported), StringComparer.Ordinal);
        string[] commands = [.. OldDialect.SetLines(root)];
        Assert.Equal(
            ConfigText.SetLines(root), ConfigText.SetLines(Samples.Configuration(string.Join('\n', commands))),
            StringComparer.Ordinal);
        Assert.Contains(commands, line => line.Contains("accept-protocol '", StringComparison.Ordinal)
            && line.Contains(',', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("accept-protocol icmp6", "accept-protocol icmp6")]
    [InlineData("interface eth2", "several interfaces: eth1, eth2")]
    [InlineData("interface eth1 port 4000", "interface eth1 port 4000")]
    [InlineData("ignore-address fe80::/64", "ignore-address fe80::/64")]
    [InlineData("interface eth1 peer fd00::2", "interface eth1 peer fd00::2")]
    [InlineData("purge-timeout 90", "purge-timeout")]
    public void What_old_routers_do_not_know_is_not_exported(string set, string refusal)
    {
        ConfigNode root = Samples.Configuration(
            $"set service conntrack-sync interface eth1\nset service conntrack-sync {set}");
        Assert.Contains(refusal, OldDialect.Refusals(root), StringComparer.Ordinal);
    }

    // Without the lines about versions.
    private static string[] Statements(string text) =>
    [
        .. text.Split('\n').Where(line => line.Length > 0 && !line.StartsWith("/*", StringComparison.Ordinal)),
    ];
}
