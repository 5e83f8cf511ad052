using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class ParserTests
{
    private const string Link =
        "UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.2 Port 3805 Interface lo }";

    [Fact]
    public void An_empty_file_gives_the_defaults()
    {
        Assert.Equal(new DaemonConfig(), Good(string.Empty));
        GeneralConfig general = Good(string.Empty).General;
        Assert.Equal((65_536u, 262_144u, 100u, 0u), (
            general.HashSize, general.HashLimit, general.EventIterationLimit, general.OverrunResyncSeconds));
        Assert.Equal("/var/lock/conntrackd.lock", general.LockFile);
    }

    [Fact]
    public void Every_general_keyword_arrives()
    {
        GeneralConfig general = Samples.Read("valid/10-general-all.conf").Config!.General;
        Assert.Equal(
            new GeneralConfig
            {
                Systemd = false,
                HashSize = 512,
                HashLimit = 1024,
                LogFile = "/var/log/ctd-sample.log",
                Syslog = SyslogFacility.Local0,
                LockFile = "/var/lock/ctd-sample.lock",
                ControlPath = "/var/run/ctd-sample.ctl",
                NetlinkBufferSize = 262_144,
                NetlinkBufferSizeMaxGrowth = 1_048_576,
                OverrunResyncSeconds = 10,
                EventsReliable = true,
                EventIterationLimit = 200,
                Scheduler = new SchedulerConfig(SchedulerPolicy.Fifo, 10),
                Filter = general.Filter,
            },
            general);
        FilterConfig filter = general.Filter!;
        Assert.Equal(FilterAction.Accept, filter.ProtocolAction);
        Assert.Equal([6, 17, 1, 58, 132], filter.Protocols.Select(protocol => protocol.Number));
        Assert.Equal(FilterAction.Ignore, filter.AddressAction);
        Assert.Equal([32, 24, 128, 32], filter.Networks.Select(network => network.PrefixLength));
        Assert.Equal(9, filter.States.Count);
    }

    [Fact]
    public void Every_multicast_keyword_arrives() =>
        Assert.Equal(
            new LinkConfig
            {
                Kind = LinkKind.Multicast,
                IsDefault = true,
                Local = IPAddress.Loopback,
                Remote = IPAddress.Parse("225.0.0.77"),
                Port = 3790,
                Interface = "lo",
                SendBuffer = 262_144,
                ReceiveBuffer = 262_144,
            },
            Assert.Single(Samples.Read("valid/01-ftfw-multicast.conf").Config!.Sync!.Links));

    [Fact]
    public void Every_alarm_keyword_arrives()
    {
        SyncConfig sync = Samples.Read("valid/02-alarm-udp.conf").Config!.Sync!;
        Assert.Equal(SyncModeKind.Alarm, sync.Mode);
        Assert.Equal((10u, 40u, 90u, 15u), (
            sync.RefreshSeconds, sync.CacheTimeoutSeconds, sync.CommitTimeoutSeconds, sync.PurgeSeconds));
        Assert.False(sync.Links[0].Checksum);
        Assert.Equal(IPAddress.Parse("127.0.0.2"), sync.Links[0].Remote);
    }

    [Fact]
    public void Every_notrack_and_tcp_keyword_arrives()
    {
        SyncConfig tcp = Samples.Read("valid/03-notrack-tcp.conf").Config!.Sync!;
        Assert.Equal((SyncModeKind.Notrack, LinkKind.Tcp, 64u), (tcp.Mode, tcp.Links[0].Kind, tcp.ErrorQueueLength));
        Assert.True(tcp.StartupResync);
        SyncConfig cacheless = Samples.Read("valid/04-notrack-cacheless.conf").Config!.Sync!;
        Assert.True(cacheless is { DisableInternalCache: true, DisableExternalCache: true });
        Assert.True(cacheless is { TcpWindowTracking: true, SyncExpectations: true, ExpectationHelpers.Count: 0 });
        Assert.Equal(IPAddress.IPv6Loopback, cacheless.Links[0].Remote);
    }

    [Fact]
    public void The_last_link_marked_default_is_the_default()
    {
        SyncConfig sync = Samples.Read("valid/05-two-links-default.conf").Config!.Sync!;
        Assert.Equal([false, true], sync.Links.Select(link => link.IsDefault));
    }

    [Fact]
    public void Each_address_of_a_peer_in_a_UDP_block_is_another_peer()
    {
        DaemonConfig config = Good("Sync { UDP { IPv4_address 10.0.9.1 IPv4_Destination_Address 10.0.9.2 "
            + "IPv4_Destination_Address 10.0.9.3 IPv4_Destination_Address 10.0.9.2 Port 3780 Interface lo } }");
        LinkConfig link = Assert.Single(config.Sync!.Links);
        Assert.Equal("10.0.9.2 10.0.9.3", string.Join(' ', link.Destinations));
        Assert.Equal(config, Good(Printer.Print(config)));
    }

    [Fact]
    public void A_list_of_helpers_turns_expectations_on() =>
        Assert.Equal(
            ["ftp", "sip", "q.931", "h.245", "ras"],
            Samples.Read("valid/07-expect-list.conf").Config!.Sync!.ExpectationHelpers);

    [Fact]
    public void Repeated_sections_add_up_and_the_last_value_wins()
    {
        DaemonConfig config = Samples.Read("valid/20-split-sections.conf").Config!;
        Assert.Equal((128u, 256u), (config.General.HashSize, config.General.HashLimit));
        Assert.Equal((20u, 9u), (config.Sync!.AckWindow, config.Sync.PurgeSeconds));
    }

    [Fact]
    public void The_position_decides_what_a_word_is()
    {
        const string text = $"Sync {{ {Link} }} General {{ Filter {{ Protocol Accept {{ fc }} }} }}";
        DaemonConfig config = Good(text.Replace(" lo ", " fc0 ", StringComparison.Ordinal));
        Assert.Equal("fc0", config.Sync!.Links[0].Interface);
        Assert.Equal(133, config.General.Filter!.Protocols[0].Number);
        Assert.Equal("alarm", Good(text.Replace(" lo ", " alarm ", StringComparison.Ordinal)).Sync!.Links[0].Interface);
    }

    [Fact]
    public void Zero_means_the_default()
    {
        DaemonConfig config = Good($$"""
            General { HashSize 0 HashLimit 0 EventIterationLimit 0 NetlinkOverrunResync 0 }
            Sync { Mode FTFW { ResendQueueSize 0 ACKWindowSize 0 PurgeTimeout 0 CommitTimeout 0 } {{Link}} }
            """);
        Assert.Equal(new GeneralConfig(), config.General);
        Assert.Equal(new SyncConfig { Links = config.Sync!.Links }, config.Sync);
    }

    [Theory]
    [InlineData("on", 0u)]
    [InlineData("12", 12u)]
    [InlineData("off", null)]
    public void An_overrun_is_repaired_at_once_or_after_a_time_or_never(string text, uint? seconds) =>
        Assert.Equal(seconds, Good($"General {{ NetlinkOverrunResync {text} }}").General.OverrunResyncSeconds);

    [Theory]
    [InlineData("LogFile on", "/var/log/conntrackd.log", null)]
    [InlineData("LogFile /a LogFile off", "/a", null)]
    [InlineData("LogFile off Syslog on", null, SyslogFacility.Daemon)]
    [InlineData("Syslog local7 Syslog off", null, null)]
    public void Logs_are_chosen_by_switch_or_name(string text, string? file, SyslogFacility? facility)
    {
        GeneralConfig general = Good($"General {{ {text} }}").General;
        Assert.Equal((file, facility), (general.LogFile, general.Syslog));
    }

    [Theory]
    [InlineData("Stats { Syslog on } General { Syslog local1 }", SyslogFacility.Local1, 1)]
    [InlineData("Stats { Syslog local1 } General { Syslog on }", SyslogFacility.Daemon, 0)]
    [InlineData("General { Syslog on } Stats { Syslog local1 }", SyslogFacility.Daemon, 1)]
    [InlineData("Stats { Syslog local1 } General { Syslog off }", SyslogFacility.Local1, 0)]
    public void General_decides_the_facility_of_the_statistics(string text, SyslogFacility facility, int warnings)
    {
        ConfigResult result = ConfigReader.Parse("x", text, Samples.Protocols);
        Assert.Equal(facility, result.Config!.Stats!.Syslog);
        Assert.Equal(warnings, result.Problems.Count);
    }

    [Theory]
    [InlineData("Type FIFO", SchedulerPolicy.Fifo, 99u)]
    [InlineData("Priority 7", SchedulerPolicy.RoundRobin, 7u)]
    [InlineData("Priority 7 Type rr", SchedulerPolicy.RoundRobin, 7u)]
    public void A_scheduler_has_a_policy_and_a_priority(string text, SchedulerPolicy policy, uint priority) =>
        Assert.Equal(
            new SchedulerConfig(policy, priority),
            Good($"General {{ Scheduler {{ {text} }} }}").General.Scheduler);

    [Fact]
    public void The_strongest_of_several_modes_is_used_and_its_options_only()
    {
        SyncConfig sync = Good($$"""
            Sync {
              Mode FTFW { ACKWindowSize 5 StartupResync on }
              Mode NOTRACK { DisableInternalCache on }
              Mode ALARM { RefreshTime 5 }
              {{Link}}
            }
            """).Sync!;
        Assert.Equal((SyncModeKind.Ftfw, 5u, 60u), (sync.Mode, sync.AckWindow, sync.RefreshSeconds));
        Assert.True(sync is { StartupResync: true, DisableInternalCache: false });
    }

    [Fact]
    public void A_helper_keeps_the_policy_values_its_block_leaves_out()
    {
        HelperConfig helper = Good("Helper { Type mdns inet6 udp { QueueNum 3 Policy mdns { ExpectMax 4 } } }").Helper!;
        HelperTypeConfig type = Assert.Single(helper.Types);
        Assert.Equal((AddressFamily.IPv6, (byte)17, (ushort)3), (type.Family, type.Protocol, type.QueueNumber));
        Assert.Equal(new HelperPolicyConfig("mdns", 4, 30), Assert.Single(type.Policies));
    }

    [Fact]
    public void One_run_reports_every_error()
    {
        ConfigResult result = ConfigReader.Parse("x.conf", """
            General {
              HashSise 10 {
                nested { deeper }
              }
              HashLimit -5
              PollSecs 0
            }
            Sync { Mode FTFW { RefreshTime 1 } UDP { Port 0 } }
            Cluster { General { HashSize } }
            """, Samples.Protocols);
        Assert.Null(result.Config);
        Assert.Equal([2, 5, 6, 8, 8, 9], result.Problems.Select(problem => problem.Line));
        Assert.StartsWith(
            "x.conf:2:3: unknown keyword `HashSise' in General, expected `HashSize'",
            result.Problems[0].Locate("x.conf"),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Sync { UDP { IPv4_address 127.0.0.1 IPv6_Destination_Address ::1 Port 1 Interface lo } }",
        "1:8: this link has an IPv4 address, 127.0.0.1, and an IPv6 address, ::1, expected one family")]
    [InlineData("Sync { TCP { IPv4_address 10.0.0.1 IPv4_Destination_Address 10.0.0.2\n IPv4_Destination_Address 10.0.0.3 "
        + "Port 1 Interface lo } }", "2:27: a TCP link leads to one peer, expected UDP or Multicast for several")]
    [InlineData("Sync { UDP { IPv4_address 10.0.0.1 IPv4_Destination_Address 10.0.0.2\n IPv4_Destination_Address 10.0.0.1 "
        + "Port 1 Interface lo } }", "2:27: 10.0.0.1 is this node's own address, expected the addresses of its peers")]
    [InlineData("Sync { UDP { IPv4_address 10.0.0.1 IPv4_Destination_Address 10.0.0.2 IPv4_Destination_Address 10.0.0.3 "
        + "Port 1 Interface lo }\n UDP { IPv4_address 10.0.1.1 IPv4_Destination_Address 10.0.1.2 Port 1 Interface lo } }",
        "2:2: this link has 1 peers, expected 2, as the first link has: the same nodes, in the same order")]
    [InlineData("Sync { UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 0.0.0.0 Port 1 Interface lo } }",
        "1:62: nothing can be sent to 0.0.0.0, expected the address of the peer")]
    [InlineData("Sync { UDP { IPv4_address 127.0.0.01 } }", "1:27: 127.0.0.01 is not a valid IPv4 address")]
    [InlineData("Sync { UDP { IPv4_address ::1 } }", "1:27: ::1 is not a valid IPv4 address")]
    [InlineData("Sync { UDP { Interface averyverylongname } }",
        "1:24: `averyverylongname' is too long, an interface name has at most 15 characters")]
    [InlineData("Sync { Multicast { IPv4_address 225.0.0.1 IPv6_address ff02::1 } }",
        "1:56: your multicast address is IPv6 but is binded to an IPv4 interface? Surely this is not what you want")]
    [InlineData("General { Filter { Protocol Accept { { TCP } } } }",
        "1:38: unexpected `{' in Protocol, expected the name of a protocol or `}'")]
    [InlineData("Sync { Options { ExpectationSync { ftp; } } }", "1:39: unexpected `;' in ExpectationSync, "
        + "expected the name of a helper or `}' (statements end without a sign)")]
    [InlineData("Helper { Type ftp inet udp { } }", "1:24: Unknown `ftp' helper, expected tcp for it")]
    [InlineData("General { Sync { } }", "1:11: unexpected section `Sync' in General, expected `}' before it")]
    [InlineData("General { LogFile /a\uFFFDb }", "1:19: the path after `LogFile' is not valid UTF-8 text")]
    [InlineData("General { PollSecs 4294967296 }",
        "1:20: 4294967296 is out of range, expected a number from 0 to 4294967295")]
    public void An_error_says_what_is_wrong_and_where(string text, string expected)
    {
        ConfigProblem problem = ConfigReader.Parse("x", text, Samples.Protocols).Problems[0];
        Assert.Equal((ProblemLevel.Error, $"x:{expected}"), (problem.Level, problem.Locate("x")));
    }

    [Fact]
    public void A_hopeless_file_is_given_up()
    {
        ConfigResult result = ConfigReader.Parse("x", string.Concat(Enumerable.Repeat("}", 10_000)), Samples.Protocols);
        Assert.Equal(ConfigDraft.MostProblems, result.Problems.Count);
    }

    [Fact]
    public void The_engine_gets_the_options_of_the_file()
    {
        SyncOptions options = Good($$"""
            General { HashLimit 4294967295 NetlinkOverrunResync off Filter { State Ignore { LISTEN CLOSED for TCP } } }
            Sync {
              Mode FTFW { ResendQueueSize 7 ACKWindowSize 8 CommitTimeout 9 PurgeTimeout 10 StartupResync on }
              Options { TCPWindowTracking on } {{Link}}
            }
            """).ToSyncOptions(indexSeed: 11);
        Assert.Equal((int.MaxValue, 7, 8), (options.CacheLimit, options.ResendQueueSize, options.AckWindow));
        Assert.Equal((9u, 10u), (options.CommitTimeoutSeconds, options.PurgeSeconds));
        Assert.Null(options.OverrunResyncSeconds);
        Assert.True(options is { StartupResync: true, TcpWindowTracking: true, IndexSeed: 11 });
        Assert.True(options.Filter.ListsState(TcpState.SynSent2) && options.Filter.ListsState(TcpState.Close));
        Assert.Equal(FilterAction.Ignore, options.Filter.StateAction);
    }

    private static DaemonConfig Good(string text)
    {
        ConfigResult result = ConfigReader.Parse("x", text, Samples.Protocols);
        Assert.DoesNotContain(result.Problems, problem => problem.Level == ProblemLevel.Error);
        return result.Config!;
    }
}
