using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Conntrack;
using TwinTrack.Daemon;
using TwinTrack.Daemon.Config;
using TwinTrack.Lab;
using TwinTrack.Replication;
using Xunit;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace TwinTrack.Interop.Tests;

/// <summary>What the keywords of General and Stats do, seen from outside.</summary>
internal static class GeneralObservations
{
    private const int Many = 20_000;

    public static readonly Dictionary<string, Action> Rows = new(StringComparer.Ordinal)
    {
        ["the file/General"] = () => See("", place => Assert.True(File.Exists(place.Place.LockPath))),
        ["the file/Stats"] = () => Count("Stats { }", place =>
            Assert.Contains("cache stats:", place.Do("-s"), StringComparison.Ordinal)),
        ["the file/Helper"] = () => SeeHelper("", "helper `ftp'"),
        ["Helper/*"] = () => SeeHelper("", "helper `ftp'"),
        ["Type/*"] = () => SeeHelper("QueueLen 55", "queuenum=77 and queuelen=55"),
        ["Policy/*"] = () => SeeHelper("Policy ftp { ExpectMax 1 ExpectTimeout 9 }", "expect_timeout=9 expect_max=1"),
        ["General/HashSize"] = SeeHashSize,
        ["General/HashLimit"] = () => See("HashLimit 5", place =>
        {
            FlowGenerator.Create(place.Namespace, 10);
            Eventually.Equals<long?>(5, () => CacheCounts.Parse(place.Do("-s")).Internal, "internal cache");
        }),
        ["General/LogFile"] = () => See("", place =>
            Assert.Contains("initialization completed", place.Log, StringComparison.Ordinal)),
        ["General/LogLevel"] = () => See("LogLevel error", place =>
            Assert.DoesNotContain("initialization completed", place.Log, StringComparison.Ordinal)),
        ["General/Syslog"] = () =>
        {
            using var place = new KeywordPlace();
            string[] starter = place.WithSystemLog(out Socket log);
            using Socket received = log;
            place.Start("Syslog local3", KeywordPlace.Sync(), starter);
            string line = KeywordPlace.Receive(log, "initialization completed");
            Assert.StartsWith($"<{(19 << 3) | 5}>", line, StringComparison.Ordinal); // LOG_LOCAL3, LOG_NOTICE
        },
        ["General/LockFile"] = () => See("", place =>
            Assert.Equal($"{place.ProcessId}\n", File.ReadAllText(place.Place.LockPath))),
        ["General/UNIX"] = () => See("", place => Assert.True(File.Exists(place.Place.ControlPath))),
        ["UNIX/Path"] = () => See("", place => Assert.True(File.Exists(place.Place.ControlPath))),
        ["UNIX/Group"] = () => See("UNIX { Group nogroup }", place => Assert.Equal(
            "nogroup 660", place.Look("stat", "-c", "%G %a", place.Place.ControlPath).Trim())),
        ["UNIX/Backlog"] = () => SaidToDoNothing("UNIX { Backlog 20 }", "Backlog", "backlog"),
        ["General/Nice"] = () => SaidToDoNothing("Nice -5", "Nice", "nice"),
        ["General/NetlinkBufferSize"] = () => SeeBuffer("NetlinkBufferSize"),
        ["General/SocketBufferSize"] = () => SeeBuffer("SocketBufferSize"),
        ["General/NetlinkBufferSizeMaxGrowth"] = () => SeeGrowth("NetlinkBufferSizeMaxGrowth"),
        ["General/SocketBufferSizeMaxGrown"] = () => SeeGrowth("SocketBufferSizeMaxGrown"),
        ["General/SocketBufferSizeMaxGrowth"] = () => SeeGrowth("SocketBufferSizeMaxGrowth"),
        ["General/EventIterationLimit"] = SeeIterations,
        ["General/PollSecs"] = () => See("PollSecs 1", place =>
        {
            FlowGenerator.Create(place.Namespace, 3);
            Eventually.Equals<long?>(3, () => CacheCounts.Parse(place.Do("-s")).Internal, "internal cache");
            Assert.Equal(0, place.Runtime("events received"));
        }),
        ["General/NetlinkOverrunResync"] = () => See(
            "NetlinkOverrunResync off\nNetlinkBufferSize 4096\nNetlinkBufferSizeMaxGrowth 4096", place =>
            {
                place.Overrun(Many);
                Assert.Equal(0, place.Runtime("resync with kernel table"));
                Assert.InRange(CacheCounts.Parse(place.Do("-s")).Internal ?? 0, 0, Many - 1);
            }),
        ["General/NetlinkEventsReliable"] = () => See("NetlinkEventsReliable on", place =>
            KeywordPlace.Awaits("reliable ctnetlink event delivery is ENABLED", () => place.Log)),
        ["General/Scheduler"] = () => See("Scheduler { Type FIFO Priority 7 }", place =>
            Assert.Equal(("7", "1"), (place.Stat(40), place.Stat(41)))),
        ["Scheduler/Type"] = () => See("Scheduler { Type RR }", place =>
            Assert.Equal(("99", "2"), (place.Stat(40), place.Stat(41)))),
        ["Scheduler/Priority"] = () => See("Scheduler { Priority 3 }", place => Assert.Equal("3", place.Stat(40))),
        ["General/Systemd"] = () =>
        {
            using var place = new KeywordPlace();
            string path = place.Place.Folder + "/notify";
            using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
            {
                ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds,
            };
            manager.Bind(new UnixDomainSocketEndPoint(path));
            place.Start("Systemd on", KeywordPlace.Sync(), "env", "NOTIFY_SOCKET=" + path);
            Assert.Equal("READY=1", KeywordPlace.Receive(manager, "READY"));
        },
        ["General/Filter"] = () => See("Filter From Kernelspace { Protocol Accept { UDP } }", place =>
            Assert.Contains("using kernel-space event filtering", place.Log, StringComparison.Ordinal)),
        ["Filter/Protocol"] = () => SeeFilter("Protocol Accept { UDP }", "udp"),
        ["Filter/Address"] = () => SeeFilter("Address Ignore { IPv4_address 192.0.2.1 }", "udp"),
        ["Filter/State"] = () => SeeState("ESTABLISHED"),
        ["State/for"] = () => SeeState("SYN_SENT ESTABLISHED"),
        ["Address/IPv4_address"] = () => SeeFilter("Address Ignore { IPv4_address 192.0.2.0/24 }", "udp"),
        ["Address/IPv6_address"] = () => SeeFilter(
            "Address Ignore { IPv6_address 2001:db8::/32 IPv4_address 192.0.2.1 }", "udp", "2001:db8::1", "2001:db9::1"),
        ["Stats/LogFile"] = () => Count("Stats { LogFile {0}/flows }", place =>
        {
            Vanish(place, 3);
            Eventually.Equals(3, () => File.ReadAllLines(place.Place.Folder + "/flows").Length, "lines");
        }),
        ["Stats/LogFileSize"] = () => Count("Stats { LogFile {0}/flows LogFileSize 500 }", place =>
        {
            for (int flow = 0; flow < 30; flow++) Vanish(place, 1);
            Eventually.Holds(() => File.Exists(place.Place.Folder + "/flows.4") ? null : "no former files");
        }),
        ["Stats/LogFileKeep"] = () => Count("Stats { LogFile {0}/flows LogFileSize 500 LogFileKeep 1 }", place =>
        {
            for (int flow = 0; flow < 30; flow++) Vanish(place, 1);
            Eventually.Holds(() => File.Exists(place.Place.Folder + "/flows.1") ? null : "no former file");
            Assert.False(File.Exists(place.Place.Folder + "/flows.2"));
        }),
        ["Stats/Syslog"] = () =>
        {
            using var place = new KeywordPlace();
            string[] starter = place.WithSystemLog(out Socket log);
            using Socket received = log;
            place.Start("", "Stats { Syslog local4 }", starter);
            Vanish(place, 1);
            string line = KeywordPlace.Receive(log, "src=");
            Assert.StartsWith($"<{(20 << 3) | 6}>", line, StringComparison.Ordinal); // LOG_LOCAL4, LOG_INFO
        },
    };

    private static void See(string general, Action<KeywordPlace> look)
    {
        using var place = new KeywordPlace();
        look(place.Start(general, KeywordPlace.Sync()));
    }

    private static void Count(string stats, Action<KeywordPlace> look)
    {
        using var place = new KeywordPlace();
        look(place.Start("", stats.Replace("{0}", place.Place.Folder, StringComparison.Ordinal)));
    }

    // What helpers do to packets is seen where the kernel has user-space helpers (tests/vm); one without says so by name.
    private static void SeeHelper(string line, string told)
    {
        using var place = new KeywordPlace();
        string text = place.Text("", $"Helper {{ Setup on Type ftp inet tcp {{ QueueNum 77 {line} }} }}");
        using Process daemon = place.Place.Start(text);
        if (daemon.HasExited) KeywordPlace.Awaits("helper ftp", () => File.ReadAllText(place.Place.Prefix + ".out"));
        else KeywordPlace.Awaits(told, () => place.Log);
    }

    public static void SaidToDoNothing(string general, string keyword, string said, string? link = null)
    {
        using var place = new KeywordPlace();
        CommandResult result = place.Place.Run(place.Text(general, KeywordPlace.Sync(link: link)), "--check");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(
            result.Errors.Split('\n'),
            line => line.Contains(said, StringComparison.Ordinal) && line.Contains("ignoring", StringComparison.Ordinal));
        Assert.Contains(Keywords.All(Keywords.File), row => row.Keyword.Name == keyword && row.Keyword.IsDeprecated);
    }

    // Two indexes of 8 bytes a slot.
    private static void SeeHashSize()
    {
        const int slots = 8 << 20;
        long small = 0;
        See("HashSize 1024", place => small = place.DataKiB());
        See($"HashSize {slots}", place => Assert.InRange(place.DataKiB() - small, slots * 2 * 8 / 1024 / 2, long.MaxValue));
    }

    private static void SeeBuffer(string keyword) =>
        See($"{keyword} 65536\nNetlinkBufferSizeMaxGrowth 65536", place =>
            Assert.Equal(65536, place.Runtime("current buffer size (in bytes)")));

    private static void SeeGrowth(string keyword) => See($"NetlinkBufferSize 16384\n{keyword} 65536", place =>
    {
        for (int round = 0; round < 4; round++)
        {
            place.Overrun(2000 * (round + 1));
            FlowGenerator.Delete(place.Namespace, 2000 * (round + 1));
        }

        Eventually.Equals(65536, () => place.Runtime("current buffer size (in bytes)"), "bytes");
    });

    // With a limit of 1, a turn that has read one datagram says that there is more.
    private static void SeeIterations()
    {
        using var place = new KeywordPlace();
        place.Namespace.Run(() =>
        {
            Assert.Equal((true, false), (IsCutShort(place, 1), IsCutShort(place, 100)));
        });
    }

    private static bool IsCutShort(KeywordPlace place, int limit)
    {
        string text = place.Text(
            $"EventIterationLimit {limit}",
            "Sync { UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.1 Port 3999 Interface lo } }");
        DaemonConfig config = ConfigReader.Parse("x", text, ProtocolNames.OfSystem()).Config!;
        using var log = new Log(TextWriter.Null, TextWriter.Null);
        using var engine = new SyncEngine(config.ToSyncOptions(1), new Seq(1), Clock.Now);
        using var port = new LinkPort(engine, config.Sync!, (int)config.General.EventIterationLimit, log);
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        for (int i = 0; i < 3; i++) peer.SendTo(new byte[8], new IPEndPoint(IPAddress.Loopback, 3999));
        return port.Receive(Clock.Now);
    }

    // Of a TCP flow from the first address and a UDP flow from the second one, only the second passes.
    private static void SeeFilter(string filter, string passes, string first = "192.0.2.1", string second = "192.0.3.1") =>
        See($"Filter From Userspace {{ {filter} }}", place =>
        {
            place.Create(IpProtocol.Tcp, first, first[..^1] + "9");
            place.Create(IpProtocol.Udp, second, second[..^1] + "9");
            KeywordPlace.Awaits(passes, () => place.Do("-i"));
            Assert.DoesNotContain("tcp", place.Do("-i"), StringComparison.Ordinal);
        });

    private static void SeeState(string states) =>
        See($"Filter From Userspace {{ State Ignore {{ {states} for TCP }} }}", place =>
        {
            FlowGenerator.Create(place.Namespace, 5);
            place.Create(IpProtocol.Udp, "192.0.2.1", "192.0.2.2");
            KeywordPlace.Awaits("udp", () => place.Do("-i"));
            Assert.DoesNotContain("tcp", place.Do("-i"), StringComparison.Ordinal);
        });

    private static int Listed(KeywordPlace place) => place.Do("-i").Count(character => character == '\n');

    private static void Vanish(KeywordPlace place, int flows)
    {
        FlowGenerator.Create(place.Namespace, flows);
        Eventually.Equals(flows, () => Listed(place), "flows");
        FlowGenerator.Delete(place.Namespace, flows);
        Eventually.Equals(0, () => Listed(place), "flows");
    }
}
