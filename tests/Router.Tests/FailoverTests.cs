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
        _pair.WaitFor("show a status", "MASTER");
        Configure("b", 100);
        _pair.Shell(
            "on a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p tcp --sport 1000 --dport 80 "
            + "--state ESTABLISHED -t 6000 -u ASSURED,SEEN_REPLY");
        _pair.WaitFor("show b cache external", "10.1.1.1:1000    10.2.2.2:80");
        _pair.Kill("a");
        _pair.WaitFor("show b status", "MASTER");
        _pair.WaitFor("show b history", "MASTER");
        string table = _pair.Shell("on b conntrack -L -p tcp").Output;
        Assert.Contains("src=10.1.1.1 dst=10.2.2.2", table, StringComparison.Ordinal);
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
    public void The_operators_own_script_is_run_beside_the_hook()
    {
        _pair.Configure(
            "a",
            $"set high-availability vrrp sync-group edge transition-script master 'echo own >>{_pair.Folder}/own'\n"
            + RouterPair.Lines(200) + "\ncommit");
        _pair.WaitFor("cat $F/own", "own");
        _pair.WaitFor("show a history", "MASTER");
    }

    private void Configure(string node, int priority) =>
        _pair.Configure(node, RouterPair.Lines(priority) + "\ncommit\nsave");
}
