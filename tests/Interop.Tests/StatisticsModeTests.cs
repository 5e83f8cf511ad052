using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Statistics mode side by side: ours and the original in one namespace, which see the same flows and must say the same.
/// </summary>
[Trait("needs", "root")]
public sealed partial class StatisticsModeTests
{
    private const int Generated = 200;
    private const int MatchMilliseconds = 1000;

    [Theory]
    [InlineData("")]
    [InlineData("NetlinkEventsReliable on")]
    [InlineData("Filter From Userspace { Protocol Accept { TCP } Address Ignore { IPv4_address 127.0.0.1 } }")]
    [InlineData("Filter From Kernelspace { Protocol Accept { UDP } }")]
    [InlineData("PollSecs 1")]
    public void Both_log_the_same_flows_in_the_same_words(string generalLine)
    {
        using var place = new Place();
        Prepare(place);
        using var ours = new StatisticsDaemon(place, Make.Ours, generalLine);
        using var theirs = new StatisticsDaemon(place, Make.Original, generalLine);

        bool isUdpOnly = generalLine.Contains("{ UDP }", Ordinal);
        MakeTraffic(place);
        FlowGenerator.Create(place.Namespace, Generated);
        string expected = "";
        Eventually.Holds(() =>
        {
            expected = theirs.Listing();
            return expected == ours.Listing() && expected.Split('\n').Length >= (isUdpOnly ? 1 : Generated)
                ? null : $"the listings differ:\n{expected}\n---\n{ours.Listing()}";
        });
        Assert.Equal(theirs.Statistics(), ours.Statistics());

        FlowGenerator.Delete(place.Namespace, Generated / 2);
        place.Namespace.Require(["conntrack", "-F"]);

        int flows = expected.Split('\n').Length;
        Eventually.Holds(() => theirs.Logged() == ours.Logged() && theirs.Logged().Split('\n').Length == flows ? null
            : $"the logs differ:\n{theirs.Logged()}\n---\n{ours.Logged()}");
        Eventually.Holds(() => theirs.Statistics() == ours.Statistics() ? null : "the statistics differ");
        Assert.Equal(theirs.Do("-s", "cache"), ours.Do("-s", "cache"));
    }

    [Theory]
    [InlineData("-s")]
    [InlineData("-s", "ct")]
    [InlineData("-s", "cache")]
    [InlineData("-s", "network")]
    [InlineData("-s", "link")]
    [InlineData("-s", "rsqueue")]
    [InlineData("-s", "queue")]
    [InlineData("-s", "expect")]
    [InlineData("-s", "process")]
    [InlineData("-s", "runtime")]
    [InlineData("-i", "expect")]
    [InlineData("-i", "expect", "-x")]
    [InlineData("-e")]
    [InlineData("-e", "-x")]
    [InlineData("-e", "expect")]
    [InlineData("-c")]
    [InlineData("-B")]
    [InlineData("-n")]
    [InlineData("-t")]
    [InlineData("-f", "external")]
    [InlineData("-R")]
    [InlineData("-R", "ct")]
    [InlineData("-F", "expect")]
    public void Both_answer_the_same(params string[] command)
    {
        using var place = new Place();
        Prepare(place);
        using var ours = new StatisticsDaemon(place, Make.Ours, "");
        using var theirs = new StatisticsDaemon(place, Make.Original, "");
        FlowGenerator.Create(place.Namespace, 3);
        Eventually.Holds(() => theirs.Listing() is { Length: > 0 } listing && listing == ours.Listing()
            ? null : "the listings differ");

        Assert.Equal(WithoutBuffers(theirs.Do(command)), WithoutBuffers(ours.Do(command)));
        Assert.Equal(theirs.Statistics(), ours.Statistics());
    }

    [Fact]
    public void The_commands_that_work_on_the_cache_and_the_kernel_do()
    {
        using var place = new Place();
        Prepare(place);
        using var ours = new StatisticsDaemon(place, Make.Ours, "");
        FlowGenerator.Create(place.Namespace, 5);
        Eventually.Equals(5, () => ours.Listing().Split('\n').Length, "flows");

        ours.Do("-f");
        Assert.Equal("", ours.Listing());
        ours.Do("-R");
        Assert.Equal(5, ours.Listing().Split('\n').Length);
        Assert.Equal(5, ours.Do("-i", "-x").Split("</flow>").Length - 1);
        ours.Do("-f", "internal");
        ours.Do("-R");
        ours.Do("-F");

        Eventually.Equals(5, () => ours.Logged().Split('\n').Length, "logged flows");
        Assert.Contains("flushing kernel conntrack table", ours.DaemonLog, Ordinal);
    }

    private static StringComparison Ordinal => StringComparison.Ordinal;

    // The kernel's counting of flows and bytes, and hooks that make it track.
    private static void Prepare(Place place)
    {
        place.Namespace.WriteSetting("net/netfilter/nf_conntrack_acct", "1");
        place.Namespace.Require(
            ["nft", "-f", "-"],
            "table inet t {\nchain i {\ntype filter hook input priority 0\nct state new counter\n}\n}\n");
    }

    private static void MakeTraffic(Place place) => place.Namespace.Run(() =>
    {
        foreach (IPAddress address in (IPAddress[])[IPAddress.Parse("10.77.3.1"), IPAddress.IPv6Loopback])
        {
            using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(address, 0));
            listener.Listen();
            using var client = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndPoint!);
            using Socket server = listener.Accept();
            client.Send(new byte[100]);
            server.Receive(new byte[100]);
            using var datagrams = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            datagrams.Bind(new IPEndPoint(address, 0));
            datagrams.SendTo(new byte[20], datagrams.LocalEndPoint!);
        }
    });

    private static string WithoutBuffers(string text) => Runtime().Replace(text, "");

    [GeneratedRegex(
        @"^\t(events|current|dump|local|netlink|resync|flush).*$|daemon uptime.*$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex Runtime();

    /// <summary>A daemon in statistics mode.</summary>
    private sealed class StatisticsDaemon : IDisposable
    {
        private readonly string _prefix;
        private readonly string _program;
        private readonly Process _process;

        public StatisticsDaemon(Place place, Make make, string generalLine)
        {
            _prefix = $"{place.Folder}/{make}";
            _program = Programs.PathOf(make);
            File.WriteAllText(_prefix + ".conf", $$"""
                General {
                    HashSize 1024
                    HashLimit 8192
                    LogFile {{_prefix}}.log
                    LockFile {{_prefix}}.lock
                    UNIX {
                        Path {{_prefix}}.ctl
                    }
                    NetlinkBufferSize 2097152
                    NetlinkBufferSizeMaxGrowth 8388608
                    Systemd Off
                    Scheduler { Type FIFO Priority 0 }
                    {{generalLine}}
                }
                Stats {
                    LogFile {{_prefix}}.flows
                }

                """);
            _process = place.Namespace.Start(_prefix + ".out", _program, "-C", _prefix + ".conf");
            Eventually.Holds(() => Control("-s").ExitCode == 0 ? null : "it does not answer");
        }

        public string DaemonLog => File.ReadAllText(_prefix + ".log");

        public string Do(params string[] command)
        {
            CommandResult result = Control(command);
            Assert.Equal((0, ""), (result.ExitCode, result.Errors));
            return result.Output;
        }

        /// <summary>The cache, sorted, without ages.</summary>
        public string Listing() => Sort(Do("-i").Split('\n').Select(line => line.Split(" [active")[0]));

        /// <summary>The flows logged, sorted, without the time.</summary>
        public string Logged() => Sort(File.ReadAllLines(_prefix + ".flows").Select(line => line.Split('\t')[^1]));

        /// <summary>Counters, without those that count how often an entry was touched.</summary>
        public string Statistics() => Do("-s");

        public void Dispose()
        {
            if (!_process.HasExited) Control("-k");
            _process.WaitForExit();
            _process.Dispose();
        }

        private static string Sort(IEnumerable<string> lines) =>
            string.Join('\n', lines.Where(line => line.Length > 0).Order(StringComparer.Ordinal));

        private CommandResult Control(params string[] command) =>
            Command.Run(_program, ["-C", _prefix + ".conf", .. command]);
    }
}
