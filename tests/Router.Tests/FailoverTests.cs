using System.Text.Json;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Two firewalls configured by set commands only, with real keepalived.</summary>
[Trait("needs", "root")]
public sealed class FailoverTests : IDisposable
{
    private readonly RouterPair _pair = new();

    public void Dispose() => _pair.Dispose();

    [Fact]
    public void A_flow_outlives_the_router_that_carried_it()
    {
        Configure("a", 200);
        _pair.WaitFor("show a history", "MASTER");
        Configure("b", 100);
        _pair.Shell(
            "on a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p tcp --sport 1000 --dport 80 "
            + "--state ESTABLISHED -t 6000 -u ASSURED,SEEN_REPLY");
        _pair.WaitFor("show b cache external", "10.1.1.1:1000    10.2.2.2:80");
        string difference = _pair.Shell("show b diff").Output;
        Assert.Matches(@"\ntcp +0 +1 +0\n", difference);
        AssertShown("twintrack b test conntrack-sync failover", "0 clash with another flow");
        _pair.Kill("a");
        _pair.WaitFor("show b status", "MASTER");
        _pair.WaitFor("show b history", "MASTER");
        AssertShown("twintrack b show conntrack-sync history", "Dedicated link changed: 0 times");
        string table = _pair.Shell("on b conntrack -L -p tcp").Output;
        Assert.Contains("src=10.1.1.1 dst=10.2.2.2", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_filter_is_taken_over_under_way()
    {
        Configure("a", 200);
        _pair.WaitFor("show a history", "MASTER");
        Configure("b", 100);
        _pair.Shell(
            "for p in tcp udp; do [ $p = tcp ] && s='--state ESTABLISHED'; "
            + "on a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p $p --sport 1000 --dport 80 $s -t 6000 "
            + "-u ASSURED,SEEN_REPLY; s=; done");
        _pair.WaitFor("show b cache external | grep -c 10.1.1.1:1000", "2");
        string process = Process("a");
        _pair.Configure(
            "a", "delete service conntrack-sync accept-protocol udp\nset service conntrack-sync sync-queue-size 2\ncommit");
        _pair.WaitFor("show b cache external | grep -c 10.1.1.1:1000", "1");
        _pair.WaitFor("show a cache internal | grep -c '10.2.2.2:80.*tcp'", "1");
        _pair.Configure("a", "delete service conntrack-sync accept-protocol\ncommit");
        _pair.WaitFor("show b cache external | grep -c 10.1.1.1:1000", "2");
        Assert.Equal(process, Process("a"));
    }

    [Fact]
    public void What_is_shown_comes_as_JSON_too()
    {
        Configure("a", 200);
        _pair.WaitFor("show a history", "MASTER");
        Configure("b", 100);
        _pair.Shell(
            "on a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p tcp --sport 1000 --dport 80 -m 5 "
            + "--state ESTABLISHED -t 6000 -u ASSURED,SEEN_REPLY");
        _pair.WaitFor("show b cache external", "10.1.1.1:1000    10.2.2.2:80");
        foreach (string shown in (string[])[
            "statistics", "status", "internal-cache", "external-cache", "cache internal", "link", "queue", "runtime",
            "history", "peer", "diff"])
        {
            CommandResult answer = _pair.Shell($"show b {shown} --json");
            Assert.True(answer.ExitCode == 0, $"{shown}: {answer.Errors}");
            using JsonDocument json = JsonDocument.Parse(answer.Output);
        }

        JsonElement flow = Json("show b cache external --json").EnumerateArray()
            .First(one => one.GetProperty("src").GetString() == "10.1.1.1");
        Assert.Equal(5, flow.GetProperty("mark").GetInt32());
        Assert.Equal(0, flow.GetProperty("zone").GetInt32());
        Assert.Equal("10.2.2.2", flow.GetProperty("reply").GetProperty("src").GetString());
        Assert.True(flow.GetProperty("age_s").GetInt32() >= 0);
        JsonElement status = Json("show b status --json");
        Assert.True(status.GetProperty("config_in_sync").GetBoolean());
        Assert.True(status.GetProperty("daemon").GetProperty("pid").GetInt32() > 0);
        Assert.Equal("s0", status.GetProperty("link").GetProperty("device").GetString());
        JsonElement peer = Json("show b peer --json").GetProperty("nodes").EnumerateArray().Single();
        Assert.Equal("192.0.2.1", peer.GetProperty("address").GetString());
        AssertShown("show b peer", "192.0.2.1");
        Assert.Equal(
            "edge", Json("twintrack b show configuration --json").GetProperty("service").GetProperty("conntrack-sync")
                .GetProperty("failover-mechanism").GetProperty("vrrp").GetProperty("sync-group").GetString());
        JsonElement plan = Json(
            "twintrack b configure set service conntrack-sync purge-timeout 61; "
            + "twintrack b configure commit dry-run json");
        Assert.Equal(["write-conf", "daemon-reload"], plan.GetProperty("actions").EnumerateArray()
            .Select(action => action.GetString()), StringComparer.Ordinal);
    }

    [Fact]
    public void Flows_of_the_kernel_are_shown_and_deleted()
    {
        _pair.Shell(
            "on a sysctl -qw net.netfilter.nf_conntrack_acct=1; "
            + "on a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p tcp --sport 1000 --dport 80 --state ESTABLISHED -t 6000; "
            + "on a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p udp --sport 1000 --dport 80 -t 6000 -w 7; "
            + "on a conntrack -I -s 2001:db8::1 -d 2001:db8::2 -p udp --sport 1000 --dport 80 -t 6000");
        AssertShown("twintrack a show conntrack table ipv4", "tcp [6] ES");
        AssertShown("twintrack a show conntrack table ipv4 wide", "Original packets");
        AssertShown("twintrack a show conntrack table ipv4 vrf red", "there is no VRF red");
        AssertShown("twintrack a delete conntrack table ipv4 source 10.1.1.1:1000 destination any", "tcp [6]");
        Assert.Equal(0, Json("twintrack a show conntrack table ipv4 --json").GetArrayLength());
        uint id = Json("twintrack a show conntrack table ipv6 --json").EnumerateArray().Single()
            .GetProperty("id").GetUInt32();
        Assert.Equal("", _pair.Shell($"twintrack a delete conntrack table ipv6 conn-id {id} quiet").Output);
        Assert.Equal(0, Json("twintrack a show conntrack table ipv6 --json").GetArrayLength());
        Assert.Equal(1, _pair.Shell("echo n | twintrack a reset conntrack").ExitCode);
        Assert.Equal(0, _pair.Shell("echo y | twintrack a reset conntrack").ExitCode);
    }

    [Fact]
    public void A_commit_that_cannot_be_applied_leaves_everything_as_it_was()
    {
        Configure("a", 200);
        CommandResult refused = _pair.Shell(
            "twintrack a configure set service conntrack-sync interface s0 port 3799; "
            + "mkdir $F/a/conntrackd.conf.new; twintrack a configure commit");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the configuration before is in effect again", refused.Errors, StringComparison.Ordinal);
        _pair.WaitFor("show a statistics", "cache internal:");
    }

    [Fact]
    public void A_daemon_that_does_not_start_again_gets_its_file_of_before()
    {
        // A daemon that refuses one file, found beside the program.
        _pair.Shell("mkdir $F/bin; cp $T $F/bin");
        File.WriteAllText(
            Path.Combine(_pair.Folder, "bin", "conntrackd"),
            $"""
            #!/bin/sh
            grep -q 'Group 3799' {_pair.Folder}/a/conntrackd.conf && exit 1
            exec {Path.GetDirectoryName(RouterPair.Built)}/conntrackd "$@"

            """);
        _pair.Shell("chmod 755 $F/bin/conntrackd");
        _pair.Program = Path.Combine(_pair.Folder, "bin", "twintrack");
        Configure("a", 200);
        CommandResult refused = _pair.Shell(
            "twintrack a configure set service conntrack-sync interface s0 port 3799; twintrack a configure commit");
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal(
            "write-conf daemon-restart taking back: write-conf taking back: daemon-restart",
            string.Join(' ', refused.Output.Split('\n').Select(line => line.Trim())
                .Where(line => line.Length > 0 && !line.Contains("failed", StringComparison.Ordinal))));
        AssertShown("show a statistics", "cache internal:");
        AssertShown("grep Group $F/a/conntrackd.conf", "Group 3780");
        AssertShown("twintrack a configure compare", "+ set service conntrack-sync interface s0 port '3799'");
    }

    [Fact]
    public void A_commit_that_is_not_confirmed_is_taken_back_and_told()
    {
        Configure("a", 200);
        _pair.Configure("a", "set service conntrack-sync purge-timeout 90\ncommit-confirm 1s");
        _pair.WaitFor("grep Purge $F/a/conntrackd.conf", "PurgeTimeout 60");
        _pair.WaitFor("twintrack a configure compare 0", "commit not confirmed: the configuration before is back");
        Assert.Equal("", _pair.Shell("twintrack a configure run show configuration commands | grep purge").Output);
        Assert.Equal(0, _pair.Shell("show a statistics").ExitCode);

        _pair.Configure("a", "set service conntrack-sync purge-timeout 80\ncommit-confirm 2s\nconfirm");
        _pair.Shell("while pgrep -f \"revert [0-9a-f]{32}\" | grep -qxf <(ip netns pids ${P}a); do sleep 0.1; done");
        Assert.Contains(
            "PurgeTimeout 80", _pair.Shell("grep Purge $F/a/conntrackd.conf").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_calls_the_hook_that_its_resource_is()
    {
        string lines = string.Join('\n', Samples.Text("01-old-cluster-multicast", "set.txt").Trim().Split('\n')
            .Where(line => !line.StartsWith("set interfaces", StringComparison.Ordinal)))
            .Replace("eth1", "s0", StringComparison.Ordinal).Replace("eth0", "l0", StringComparison.Ordinal);
        _pair.Configure("a", $"{lines}\ncommit");
        _pair.Shell("on a $F/a/ha.d/resource.d/ctsync-cluster start");
        AssertShown("show a status", "PRIMARY at ");
        AssertShown("on a $F/a/ha.d/resource.d/ctsync-cluster status", "running");
        _pair.Shell("on a $F/a/ha.d/resource.d/ctsync-cluster stop");
        AssertShown("show a status", "SECONDARY at ");
        AssertShown("show a status", "cluster [group EDGE]");
        AssertShown("twintrack a configure <<< $'delete cluster\ncommit'", "C12");
    }

    [Fact]
    public void The_operators_own_script_is_run_beside_the_hook()
    {
        _pair.Configure(
            "a",
            $"set high-availability vrrp sync-group edge transition-script master 'echo own >>{_pair.Folder}/own'\n"
            + RouterPair.Lines(200) + "\ncommit");
        _pair.WaitFor("cat $F/own", "own");
        _pair.WaitFor("show a history", "MASTER");
    }

    private void AssertShown(string command, string text)
    {
        CommandResult shown = _pair.Shell(command);
        Assert.Contains(text, shown.Output + shown.Errors, StringComparison.Ordinal);
    }

    private string Process(string node) =>
        Json($"show {node} status --json").GetProperty("daemon").GetProperty("pid").ToString();

    private JsonElement Json(string command)
    {
        CommandResult shown = _pair.Shell(command);
        Assert.True(shown.ExitCode == 0, shown.Errors);
        return JsonDocument.Parse(shown.Output).RootElement;
    }

    private void Configure(string node, int priority) =>
        _pair.Configure(node, RouterPair.Lines(priority) + "\ncommit\nsave");
}
