using System.Diagnostics;
using TwinTrack.Lab;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>
/// Two routers, a and b, in namespaces: <c>s0</c> is the link between them (192.0.2.1/30 and .2), <c>l0</c> a LAN
/// (203.0.113.11/24 and .12). Each keeps its files in a folder.
/// </summary>
internal sealed class RouterPair : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static int _count;

    private readonly string _prefix = $"ttr{Environment.ProcessId % 100_000}-{Interlocked.Increment(ref _count)}";

    public RouterPair() => Shell(
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

    /// <summary>The program as it was built.</summary>
    public static string Built { get; } = Path.Combine(Repository.Root, "dist", "twintrack");

    /// <summary>The program that scripts call.</summary>
    public string Program { get; set; } = Built;

    /// <summary>Holds the folders of both.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("tt-router-").FullName;

    public void Dispose()
    {
        // keepalived starts hooks, and these write files: nobody may be left when the folder goes.
        foreach (string node in (string[])["a", "b"])
        {
            using var left = NetNamespace.Open(_prefix + node);
            left.KillProcesses();
        }

        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Ends all that runs on a router, at once.</summary>
    public void Kill(string node)
    {
        var all = NetNamespace.Open(_prefix + node);
        all.KillProcesses();
        all.Close();
    }

    /// <summary>Runs lines of configuration mode that have to succeed.</summary>
    public void Configure(string node, string lines)
    {
        CommandResult done = Shell($"twintrack {node} configure <<'END'\n{lines}\nEND");
        Assert.True(done.ExitCode == 0, done.Errors + done.Output);
    }

    /// <summary>The lines of the documents: a sync-group with a virtual address, and conntrack-sync.</summary>
    public static string Lines(int priority) =>
        $$"""
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
        """;

    /// <summary>Repeats a command until it shows a text.</summary>
    public void WaitFor(string command, string text)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            CommandResult shown = Shell(command);
            if ((shown.Output + shown.Errors).Contains(text, StringComparison.Ordinal)) return;
            Assert.True(
                watch.Elapsed < _patience, $"{command} does not show {text}:\n{shown.Output}{shown.Errors}");
            Thread.Sleep(_pause);
        }
    }

    /// <summary>
    /// Runs a shell script that knows <c>twintrack NODE WORD...</c>, <c>show NODE WORD...</c> and <c>on NODE PROGRAM
    /// ARGUMENT...</c>; <c>$P</c> begins the names of namespaces, <c>$F</c> is the folder, <c>$T</c> the program.
    /// </summary>
    public CommandResult Shell(string script) => Command.Run(
        "bash",
        [
            "-c",
            $"P={_prefix} F={Folder} T={Program}; export PATH={Path.GetDirectoryName(Built)}:$PATH; "
            + "on() { n=$1; shift; ip netns exec $P$n \"$@\"; }; "
            + "twintrack() { n=$1; shift; on $n $T \"$@\" --folder $F/$n; }; "
            + "show() { n=$1; shift; twintrack $n show conntrack-sync \"$@\"; }\n" + script,
        ]);
}
