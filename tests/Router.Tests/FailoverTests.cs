using TwinTrack.Lab;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Two firewalls configured by set commands only, with real keepalived.</summary>
[Trait("needs", "root")]
public sealed class FailoverTests : IDisposable
{
    private static readonly string _program = Path.Combine(Repository.Root, "dist", "twintrack");

    private readonly string _prefix = $"ttr{Environment.ProcessId % 10000}";
    private readonly string _folder = Directory.CreateTempSubdirectory("tt-router-").FullName;

    public FailoverTests() => Shell(
        """
        ip netns add ${P}a; ip netns add ${P}b
        ip link add s0 netns ${P}a type veth peer name s0 netns ${P}b
        ip link add l0 netns ${P}a type veth peer name l0 netns ${P}b
        for n in a b; do
            for i in lo s0 l0; do ip -n $P$n link set $i up; done
            [ $n = a ] && h=1 || h=2
            ip -n $P$n addr add 192.0.2.$h/30 dev s0
            ip -n $P$n addr add 203.0.113.1$h/24 dev l0
            mkdir $F/$n
        done
        """);

    public void Dispose()
    {
        Shell("for n in a b; do for p in $(ip netns pids $P$n); do kill -9 $p; done; ip netns del $P$n; done");
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_flow_outlives_the_router_that_carried_it()
    {
        Configure("a", 200);
        WaitFor("show a status", "MASTER");
        Configure("b", 100);
        Shell(
            "ip netns exec ${P}a conntrack -I -s 10.1.1.1 -d 10.2.2.2 -p tcp --sport 1000 --dport 80 "
            + "--state ESTABLISHED -t 6000 -u ASSURED,SEEN_REPLY");
        WaitFor("show b 'cache external'", "10.1.1.1:1000    10.2.2.2:80");
        Shell("kill -9 $(ip netns pids ${P}a)");
        WaitFor("show b status", "MASTER");
        WaitFor("show b history", "MASTER");
        string table = Shell("ip netns exec ${P}b conntrack -L -p tcp").Output;
        Assert.Contains("src=10.1.1.1 dst=10.2.2.2", table, StringComparison.Ordinal);
    }

    [Fact]
    public void A_commit_that_cannot_be_applied_leaves_everything_as_it_was()
    {
        Configure("a", 200);
        CommandResult refused = Shell(
            "twintrack a configure set service conntrack-sync interface s0 port 3799; "
            + "mkdir $F/a/conntrackd.conf.new; twintrack a configure commit");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the configuration before is in effect again", refused.Errors, StringComparison.Ordinal);
        WaitFor("show a statistics", "cache internal:");
    }

    [Fact]
    public void Tab_and_question_mark_help_at_a_terminal()
    {
        CommandResult shown = Shell(
            "(sleep 2; printf 'set ser\\tcon\\tpur\\t90\\r'; sleep 1; "
            + "printf 'set service conntrack-sync interface s0 ?'; sleep 1; "
            + "printf '\\003compare\\r'; sleep 1; printf 'exit discard\\r'; sleep 1) "
            + "| TERM=xterm script -qec \"ip netns exec ${P}a $T configure --folder $F/a\" /dev/null");
        Assert.Contains("+ set service conntrack-sync purge-timeout '90'", shown.Output, StringComparison.Ordinal);
        Assert.Contains(
            "Partner address; turns the link from multicast to unicast", shown.Output, StringComparison.Ordinal);
    }

    private void Configure(string node, int priority)
    {
        CommandResult done = Shell(
            $$"""
            twintrack {{node}} configure <<END
            set high-availability vrrp group lan interface 'l0'
            set high-availability vrrp group lan virtual-address '203.0.113.1/24'
            set high-availability vrrp group lan vrid '10'
            set high-availability vrrp group lan priority '{{priority}}'
            set high-availability vrrp sync-group edge member 'lan'
            set firewall state-policy established action 'accept'
            set service conntrack-sync accept-protocol 'tcp,udp,icmp'
            set service conntrack-sync failover-mechanism vrrp sync-group 'edge'
            set service conntrack-sync interface s0
            set service conntrack-sync mcast-group '225.0.0.50'
            commit
            save
            END
            """);
        Assert.True(done.ExitCode == 0, done.Errors + done.Output);
    }

    private void WaitFor(string command, string text)
    {
        CommandResult shown = Shell(
            $"for i in $(seq 120); do {command} 2>&1 | grep -qF '{text}' && exit 0; sleep 0.25; done; "
            + $"{command}; exit 1");
        Assert.True(shown.ExitCode == 0, $"{command} does not show {text}:\n{shown.Output}{shown.Errors}");
    }

    private CommandResult Shell(string script) => Command.Run(
        "bash",
        [
            "-c",
            $"P={_prefix} F={_folder} T={_program}; export PATH={Path.GetDirectoryName(_program)}:$PATH; "
            + "twintrack() { n=$1; shift; ip netns exec $P$n $T \"$@\" --folder $F/$n; }; "
            + "show() { twintrack $1 show conntrack-sync $2; }\n" + script,
        ]);
}
