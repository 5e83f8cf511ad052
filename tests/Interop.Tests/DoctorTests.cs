using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The doctor finds nothing where all is well, and every single thing that is spoiled.</summary>
[Trait("needs", "root")]
public sealed class DoctorTests
{
    private const string MulticastLinks =
        "Multicast { IPv4_address 225.0.0.50 Group 3780 IPv4_interface 10.77.3.1 Interface sync0 }";

    // What is spoiled, how, and the finding of it: level, topic, and a part of its text.
    private static readonly (string Name, Action<DoctorPlace> Spoil, string Level, string Topic, string Text)[] Cases =
    [
        ("a syntax error", place => place.Change("HashLimit", "HashLimt"), "problem", "config", ":2:"),
        ("a deprecated word", place => place.Change("General {", "General { Nice -5"), "warning", "config", "nice"),
        ("events off", Setting("netfilter/nf_conntrack_events", 0), "problem", "events", "nf_conntrack_events is 0"),
        ("no forwarding", Setting("ipv4/ip_forward", 0), "warning", "forwarding", "forwards nothing"),
        ("loose TCP", Setting("netfilter/nf_conntrack_tcp_loose", 1), "warning", "tcp", "nf_conntrack_tcp_loose is 1"),
        ("strict windows with two active", place => place.Change("FTFW { ", "FTFW { DisableExternalCache on "),
            "warning", "tcp", "nf_conntrack_tcp_be_liberal is 0"),
        ("no counters", place => MakeStatistics(place), "warning", "statistics", "nf_conntrack_acct is 0"),
        ("no time stamps", place => MakeStatistics(place), "warning", "statistics", "nf_conntrack_timestamp is 0"),
        ("a small cache", place => place.Change("HashLimit ", "HashLimit 50 #"), "warning", "table", "HashLimit"),
        ("no event buffer", place => place.Change("NetlinkBufferSize 65536", ""), "warning", "buffers", "burst"),
        ("an event buffer that is not used", place => place.Change("BufferSize 65536", "BufferSize 655360"),
            "warning", "buffers", "not used"),
        ("link buffers of NOTRACK", place => place.Change("FTFW", "NOTRACK"), "note", "buffers", "SndSocketBuffer"),
        ("no rules", place => place.Load(""), "problem", "rules", "no rule asks for the state"),
        ("invalid packets pass", place => place.Load(DoctorPlace.Rules
            .Replace("ct state invalid drop", "", StringComparison.Ordinal)
            .Replace("priority filter; policy drop", "priority filter; policy accept", StringComparison.Ordinal)),
            "warning", "rules", "ct state invalid"),
        ("TCP without SYN", place =>
        {
            place.Load(DoctorPlace.Rules.Replace(
                "tcp flags & (fin|syn|rst|ack) == syn", "", StringComparison.Ordinal));
            Setting("netfilter/nf_conntrack_tcp_loose", 1)(place);
        }, "warning", "rules", "begin with a SYN"),
        ("masquerade", place => place.Load(DoctorPlace.Rules + "\ntable ip nat { chain out { "
            + "type nat hook postrouting priority srcnat; oifname \"eth0\" masquerade\n }\n }"),
            "warning", "rules", "masquerade"),
        ("the link is not let in", place => place.Load(
            DoctorPlace.Rules.Replace("iifname \"sync1\" accept", "", StringComparison.Ordinal)),
            "warning", "rules", "sync1"),
        ("the link replicates itself", place => place.Change("IPv4_address 10.77.4.1 }", "}"),
            "note", "rules", "sync1 itself"),
        ("a link without interface", place => place.Change("Interface sync1", "Interface sync9"),
            "problem", "link", "no interface sync9"),
        ("a link that is off", place => place.Home.Ip("link set sync1 down\n"), "problem", "link", "switched off"),
        ("a link without carrier", place => place.Peer.Ip("link set sync1 down\n"), "problem", "link", "no carrier"),
        ("a link of small packets", place => place.Home.Ip("link set sync1 mtu 600\n"), "warning", "link", "600"),
        ("an address of nobody", place => place.Home.Ip("address del 10.77.4.1/24 dev sync1\n"),
            "problem", "link", "no address 10.77.4.1"),
        ("an address of another interface", place => place.Change("Interface sync1", "Interface sync0"),
            "warning", "link", "an address of sync1"),
        ("the peer's address is ours", place => place.Change("Address 10.77.4.2", "Address 10.77.4.1"),
            "problem", "link", "the peer's and our own"),
        ("a multicast link without multicast", place =>
        {
            int begin = place.Config.IndexOf("UDP {", StringComparison.Ordinal);
            place.Config = place.Config[..begin] + MulticastLinks + "}\n";
            place.Home.Ip("link set sync0 multicast off\n");
        }, "problem", "link", "no multicast"),
        ("a single link", place =>
        {
            int begin = place.Config.LastIndexOf("UDP {", StringComparison.Ordinal);
            place.Config = place.Config[..begin] + "}\n";
        }, "note", "link", "one dedicated link"),
        ("a peer that is not there", place => place.Peer.Ip("address del 10.77.4.2/24 dev sync1\n"),
            "problem", "peer", "nobody answers at 10.77.4.2"),
        ("a peer without route", place => place.Change("Address 10.77.4.2", "Address 10.99.4.2"),
            "problem", "peer", "nothing can be sent to 10.99.4.2"),
        ("the second of two peers is not there", place =>
            {
                place.Change("Address 10.77.3.2", "Address 10.77.3.2\n        IPv4_Destination_Address 10.77.3.3");
                place.Change("Address 10.77.4.2", "Address 10.77.4.2\n        IPv4_Destination_Address 10.77.4.3");
            },
            "problem", "peer", "nobody answers at 10.77.4.3"),
        ("a group that is not there", place => place.Change("UNIX {", "UNIX { Group nobodies_group"),
            "problem", "privileges", "nobodies_group"),
        ("a folder that is not there", place => place.Change("/n.lock", "/missing/n.lock"),
            "problem", "files", "missing for LockFile"),
        ("a folder for a file", place => place.Change("UNIX {", $"LogFile {place.Folder} UNIX {{"),
            "problem", "files", "is a folder"),
        ("the original runs", place => place.StartDaemon(Make.Original), "problem", "daemon", "original conntrackd runs"),
        ("ours under another name", place => place.StartDaemon(Make.Ours, "other"), "warning", "daemon", "another"),
        ("our lock without our socket", place =>
        {
            place.StartDaemon(Make.Ours);
            place.Change("/n.ctl", "/else.ctl");
        }, "problem", "daemon", "a daemon holds"),
        ("a crash left the socket", place => Crash(place), "note", "daemon", "n.ctl is left"),
        ("a crash left the lock", place => Crash(place), "note", "daemon", "n.lock is left"),
        ("a file in place of the socket", place => File.WriteAllText(place.ControlPath, ""),
            "problem", "daemon", "is no socket"),
        ("a peer that is silent", place => place.StartDaemon(Make.Ours), "warning", "counters", "heard nothing on sync0"),
        ("a full cache", place =>
        {
            place.Change("HashLimit ", "HashLimit 50 #");
            place.StartDaemon(Make.Ours);
            FlowGenerator.Create(place.Home, 60);
        }, "warning", "counters", "no space for"),
        ("noise on the link", place =>
        {
            place.StartDaemon(Make.Ours);
            SendNoise(place);
        }, "warning", "counters", "could not read"),
        ("lost events", place =>
        {
            Process daemon = place.StartDaemon(Make.Ours);
            Place.Signal("STOP", daemon.Id);
            FlowGenerator.Create(place.Home, 3000);
            Place.Signal("CONT", daemon.Id);
        }, "warning", "counters", "netlink overrun"),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(one => one.Name)];

    [Fact]
    public void A_healthy_firewall_has_no_finding()
    {
        using var place = new DoctorPlace();
        Assert.DoesNotContain(place.Examine(), finding => finding.Level != "fine");
        CommandResult lines = place.Call([]);
        Assert.Equal(0, lines.ExitCode);
        Assert.Equal(2, lines.Output.Trim().Split('\n').Length);
    }

    [Fact]
    public void A_running_daemon_that_hears_its_peer_is_fine()
    {
        using var place = new DoctorPlace();
        place.StartDaemon(Make.Ours);
        SendNoise(place);
        List<DoctorFinding> findings = place.Examine();
        Assert.Contains(findings, finding => finding is { Level: "fine", Topic: "daemon" });
        Assert.DoesNotContain(findings, finding => finding.Text.Contains("heard nothing", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Names))]
    public void What_is_spoiled_is_found_in_one_line_with_advice(string name)
    {
        (_, Action<DoctorPlace> spoil, string level, string topic, string text) =
            Cases.Single(one => one.Name == name);
        using var place = new DoctorPlace();
        spoil(place);

        // A count may come a moment later than its cause.
        List<DoctorFinding> findings = [];
        Eventually.Holds(() => (findings = place.Examine()).Exists(IsIt) ? null : string.Join('\n', findings));
        DoctorFinding found = findings.Find(IsIt)!;
        Assert.False(string.IsNullOrEmpty(found.Advice));
        Assert.DoesNotContain('\n', found.Text + found.Advice);
        string line = Assert.Single(
            place.Call([]).Output.Split('\n'), line => line.Contains(found.Text, StringComparison.Ordinal));
        Assert.StartsWith(level, line, StringComparison.Ordinal);
        Assert.EndsWith(found.Advice, line, StringComparison.Ordinal);

        bool IsIt(DoctorFinding finding) => finding.Level == level && finding.Topic == topic
            && finding.Text.Contains(text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("net_admin", "General {", "problem", "privileges", "CAP_NET_ADMIN is missing")]
    [InlineData("net_admin", "General { NetlinkBufferSizeMaxGrowth 1000000000", "warning", "buffers", "the kernel gives")]
    [InlineData("net_admin", "General {", "problem", "buffers", "RcvSocketBuffer 65536 of sync0 takes CAP_NET_ADMIN")]
    [InlineData("sys_nice", "General { Scheduler { Type RR Priority 1 }", "warning", "privileges", "CAP_SYS_NICE")]
    public void A_missing_privilege_is_found(string privilege, string general, string level, string topic, string text)
    {
        using var place = new DoctorPlace();
        if (general.Contains("MaxGrowth", StringComparison.Ordinal)) place.Change("NetlinkBufferSizeMaxGrowth 131072", "");
        place.Change("General {", general);
        List<DoctorFinding> findings = place.Examine(
            "setpriv", $"--bounding-set=-{privilege}", $"--inh-caps=-{privilege}");
        Assert.Contains(findings, finding => finding.Level == level && finding.Topic == topic
            && finding.Text.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_daemon_that_says_nothing_is_found()
    {
        using var place = new DoctorPlace();
        using var silent = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        silent.Bind(new UnixDomainSocketEndPoint(place.ControlPath));
        silent.Listen();
        Assert.Contains(place.Examine(), finding => finding is { Level: "problem", Topic: "daemon" }
            && finding.Text.Contains("does not answer within", StringComparison.Ordinal));
    }

    [Fact]
    public void A_broken_file_and_a_wrong_option_are_told_apart()
    {
        using var place = new DoctorPlace();
        CommandResult wrong = place.Call([], "--jsn");
        Assert.Equal(2, wrong.ExitCode);
        place.Config = "General { Filter From /none }";
        CommandResult broken = place.Call([]);
        Assert.Equal((1, ""), (broken.ExitCode, broken.Errors));
    }

    private static Action<DoctorPlace> Setting(string name, int value) =>
        place => place.Home.WriteSetting("net/" + name, value.ToString());

    private static void MakeStatistics(DoctorPlace place)
    {
        int begin = place.Config.IndexOf("Sync {", StringComparison.Ordinal);
        place.Config = place.Config[..begin] + "Stats { LogFile off }\n";
    }

    private static void Crash(DoctorPlace place)
    {
        using Process daemon = place.StartDaemon(Make.Ours);
        daemon.Kill();
        daemon.WaitForExit();
    }

    private static void SendNoise(DoctorPlace place)
    {
        using Socket socket = place.Peer.Run(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            made.Bind(new IPEndPoint(new IPAddress([10, 77, 3, 2]), 0));
            return made;
        });
        socket.SendTo(new byte[100], new IPEndPoint(new IPAddress([10, 77, 3, 1]), 3780));
    }
}
