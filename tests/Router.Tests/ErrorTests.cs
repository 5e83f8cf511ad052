using System.Text.Json;
using TwinTrack.Daemon.Config;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>What is refused, at which stage, and by which name.</summary>
public sealed class ErrorTests
{
    private static readonly JsonElement _cases = Samples.Json("11-errors", "cases.json");

    public static TheoryData<string> Names =>
        [.. _cases.EnumerateArray().Select(one => one.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Errors_come_at_their_stage_and_by_their_name(string name)
    {
        JsonElement one = _cases.EnumerateArray().First(found => found.GetProperty("name").GetString() == name);
        List<string> expected = [.. one.GetProperty("conditions").EnumerateArray().Select(id => id.GetString()!)];
        ConfigNode root = ConfigNode.Empty();
        List<string> found = [];
        foreach (JsonElement command in one.GetProperty("commands").EnumerateArray())
        {
            try
            {
                root.Set(PathReader.ForSet(WordSplitter.Split(command.GetString()!)[1..]));
            }
            catch (PathException e)
            {
                found.Add(e.Id);
            }
        }

        if (one.GetProperty("stage").GetString() == "commit")
        {
            Assert.Empty(found);
            Machine machine = Samples.Machine(Samples.Json("11-errors", "env.json"));
            found.AddRange(new CommitCheck(root, machine).Run().Select(finding => finding.Id));
        }

        Assert.Equal(expected, found);
    }

    [Theory]
    [InlineData("delete high-availability vrrp sync-group edge", "C12")]
    [InlineData("delete high-availability", "C12")]
    [InlineData("set service conntrack-sync failover-mechanism vrrp sync-group other", "C08")]
    [InlineData("set service conntrack-sync expect-sync ftp", "W07")]
    [InlineData("set service conntrack-sync disable-external-cache", "W08")]
    public void What_a_change_breaks_is_found(string change, string id)
    {
        (ConfigNode before, Machine machine) = Usual();
        ConfigNode after = before.Clone();
        List<string> words = WordSplitter.Split(change);
        if (words[0] == "set") after.Set(PathReader.ForSet(words[1..]));
        else Assert.True(after.Delete(PathReader.ForPlace(words[1..])));
        Assert.Equal(
            id, string.Join(" ", new CommitCheck(after, machine, before).Run().Select(finding => finding.Id)));
    }

    [Theory]
    [InlineData("", false, true, true, "W04")]
    [InlineData("", true, false, false, "W10")]
    [InlineData("", true, true, false, "")]
    [InlineData("set service conntrack-sync accept-protocol icmp6", true, true, false, "W09")]
    [InlineData("set service conntrack-sync accept-protocol icmp6", true, true, true, "")]
    [InlineData("set system conntrack table-size 5000", true, true, true, "W05")]
    [InlineData("set system conntrack hash-size 5000", true, true, true, "W05")]
    [InlineData("set system conntrack table-size 262144", true, true, true, "")]
    public void What_did_not_come_of_a_commit_is_told(
        string change, bool isFailoverUp, bool isIPv4, bool isIPv6, string id)
    {
        (ConfigNode root, Machine machine) = Usual();
        if (change.Length > 0) root.Set(PathReader.ForSet(WordSplitter.Split(change)[1..]));
        machine = machine with { FailoverRuns = isFailoverUp, Tracking = new Tracking(isIPv4, isIPv6) };
        Assert.Equal(id, string.Join(' ', new CommitCheck(root, machine).Effects().Select(finding => finding.Id)));
    }

    [Theory]
    [InlineData("table ip x {\nct state new accept", "", "", true, false)]
    [InlineData("table inet x {\ntype nat hook postrouting priority srcnat; policy accept;", "", "", true, true)]
    [InlineData("table ip6 x {\n# xt\nmatch \"conntrack\"", "", "", false, true)]
    [InlineData("table bridge x {\nct state new accept", "-A INPUT -j ACCEPT", "", false, false)]
    [InlineData("", "-A INPUT -m state --state NEW -j ACCEPT", "-A POSTROUTING -j MASQUERADE", true, true)]
    public void Rules_tell_what_is_tracked(string rules, string old, string oldIPv6, bool isIPv4, bool isIPv6) =>
        Assert.Equal(new Tracking(isIPv4, isIPv6), Tracking.Of(rules, old, oldIPv6));

    [Fact]
    public void Own_traffic_is_left_out_where_that_is_wanted()
    {
        (ConfigNode root, Machine machine) = Usual();
        root.Set(PathReader.ForSet(["service", "conntrack-sync", "ignore-address", "auto"]));
        string text = Printer.Print(Generator.Make(root, machine, new DaemonFiles()));
        foreach (string address in (string[])["127.0.0.0/8", "192.0.2.1", "225.0.0.50", "224.0.0.18", "::1"])
            Assert.Contains($"_address {address}\n", text, StringComparison.Ordinal);
    }

    private static (ConfigNode Root, Machine Machine) Usual() => (
        Samples.Configuration(
            "set high-availability vrrp group lan interface eth0\nset high-availability vrrp sync-group edge member lan\n"
            + "set service conntrack-sync failover-mechanism vrrp sync-group edge\n"
            + "set service conntrack-sync interface eth1"),
        Samples.Machine(Samples.Json("11-errors", "env.json")));

    [Theory]
    [InlineData("service conntrack-sync acept-protocol tcp", 2, "did you mean accept-protocol?")]
    [InlineData("service conntrack-sync interface eth1 port 0", 5, "a number from 1 to 65535")]
    [InlineData("service conntrack-sync disable-syslog yes", 3, "takes no value")]
    [InlineData("service conntrack-sync mcast-group", -1, "needs a value")]
    [InlineData("service conntrack-sync e 5", 2, "it may be event-listen-queue-size, expect-sync")]
    public void The_wrong_word_is_pointed_at(string line, int word, string hint)
    {
        var error = Assert.Throws<PathException>(() => PathReader.ForSet(WordSplitter.Split(line)));
        Assert.Equal(word, error.Word);
        Assert.Contains(hint, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ser conn acc tcp", "set service conntrack-sync accept-protocol 'tcp'")]
    [InlineData("service conntrack-sync ignore-address ipv6 fe80::/64",
        "set service conntrack-sync ignore-address 'fe80::/64'")]
    [InlineData("service conntrack-sync vrrp sync-group 7",
        "set service conntrack-sync failover-mechanism vrrp sync-group '7'")]
    [InlineData("high-availablilty vrrp group x virtual-address 10.0.0.1/24",
        "set high-availability vrrp group x address 10.0.0.1/24")]
    public void Short_words_and_old_forms_are_understood(string line, string stored)
    {
        ConfigNode root = ConfigNode.Empty();
        root.Set(PathReader.ForSet(WordSplitter.Split(line)));
        Assert.Equal([stored], ConfigText.SetLines(root), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("service conntrack-sync interface eth1 peer",
        "set service conntrack-sync interface eth1|"
        + "set service conntrack-sync listen-address '1.1.1.1'")]
    [InlineData("service conntrack-sync interface eth1", "set service conntrack-sync listen-address '1.1.1.1'")]
    [InlineData("service conntrack-sync listen-address 1.1.1.1",
        "set service conntrack-sync interface eth1 peer '2.2.2.2'")]
    [InlineData("service", "")]
    public void Deleting_takes_what_it_names(string line, string left)
    {
        ConfigNode root = Samples.Configuration(
            "set service conntrack-sync interface eth1 peer 2.2.2.2\n"
            + "set service conntrack-sync listen-address 1.1.1.1");
        Assert.True(root.Delete(PathReader.ForPlace(WordSplitter.Split(line))));
        Assert.Equal(
            left.Split('|', StringSplitOptions.RemoveEmptyEntries), ConfigText.SetLines(root), StringComparer.Ordinal);
        Assert.False(root.Delete(PathReader.ForPlace(WordSplitter.Split(line))));
    }
}
