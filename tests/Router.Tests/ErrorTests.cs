using System.Text.Json;
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
