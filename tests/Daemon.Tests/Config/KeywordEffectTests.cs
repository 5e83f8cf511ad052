using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

/// <summary>Every keyword of the grammar, in every block it may stand in, changes the configuration.</summary>
public sealed class KeywordEffectTests
{
    private const string Udp4 = "UDP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.2 Port 1 Interface lo";
    private const string Udp6 = "UDP { IPv6_address ::1 IPv6_Destination_Address ::3 Port 1 Interface lo";
    private const string Tcp4 = "TCP { IPv4_address 127.0.0.1 IPv4_Destination_Address 127.0.0.2 Port 1 Interface lo";
    private const string Tcp6 = "TCP { IPv6_address ::1 IPv6_Destination_Address ::1 Port 1 Interface lo";
    private const string Group4 = "Multicast { IPv4_address 225.0.0.1 Group 1 Interface lo";
    private const string Group6 = "Multicast { IPv6_address ff02::1 Group 1 Interface lo";
    private const string Type = "Helper { Type ftp inet tcp { QueueNum 1";

    // What stands before a statement of the block; the braces it opens are closed behind it.
    private static readonly Dictionary<string, string> Surroundings = new(StringComparer.Ordinal)
    {
        ["the file"] = "",
        ["General"] = "General {",
        ["UNIX"] = "General { UNIX {",
        ["Scheduler"] = "General { Scheduler {",
        ["Filter"] = "General { Filter {",
        ["Protocol"] = "General { Filter { Protocol Accept {",
        ["Address"] = "General { Filter { Address Accept {",
        ["State"] = "General { Filter { State Accept {",
        ["Sync"] = $"Sync {{ Mode ALARM {{ }} {Udp4} }}",
        ["Mode FTFW"] = $"Sync {{ {Udp4} }} Mode FTFW {{",
        ["Mode ALARM"] = $"Sync {{ {Udp4} }} Mode ALARM {{",
        ["Mode NOTRACK"] = $"Sync {{ {Udp4} }} Mode NOTRACK {{",
        ["Options"] = $"Sync {{ {Udp4} }} Options {{",
        ["ExpectationSync"] = $"Sync {{ {Udp4} }} Options {{ ExpectationSync {{",
        ["Multicast"] = $"Sync {{ {Group4}",
        ["UDP"] = $"Sync {{ {Udp4}",
        ["TCP"] = $"Sync {{ {Tcp4}",
        ["Stats"] = "Stats {",
        ["Helper"] = "Helper {",
        ["Type"] = Type,
        ["Policy"] = $"{Type} Policy ftp {{ ExpectMax 2 ExpectTimeout 2",
    };

    // Statements whose surroundings or value are special.
    private static readonly Dictionary<string, (string? Before, string Statement)> Special = new(StringComparer.Ordinal)
    {
        ["the file/Sync"] = (null, $"Sync {{ {Udp4} }} }}"),
        ["the file/Stats"] = (null, "Stats { }"),
        ["the file/Helper"] = (null, "Helper { Setup on }"),
        ["the file/General"] = (null, "General { HashLimit 7 }"),
        ["General/UNIX"] = (null, "UNIX { Path /x.ctl }"),
        ["General/Scheduler"] = (null, "Scheduler { Type RR }"),
        ["General/Filter"] = (null, "Filter { }"),
        ["Scheduler/Type"] = (null, "Type FIFO"),
        ["Filter/Protocol"] = (null, "Protocol Ignore { }"),
        ["Filter/Address"] = (null, "Address Ignore { }"),
        ["Filter/State"] = (null, "State Ignore { }"),
        ["Address/IPv4_address"] = (null, "IPv4_address 192.0.2.0/24"),
        ["Address/IPv6_address"] = (null, "IPv6_address 2001:db8::/32"),
        ["State/for"] = (null, "ESTABLISHED for TCP"),
        ["Sync/Mode"] = ($"Sync {{ {Udp4} }}", "Mode ALARM { }"),
        ["Sync/Options"] = (null, "Options { TCPWindowTracking on }"),
        ["Sync/UDP"] = (null, $"{Udp4} }}"),
        ["Sync/TCP"] = ("Sync {", $"{Tcp4} }}"),
        ["Sync/Multicast"] = ("Sync {", $"{Group4} }}"),
        ["Multicast/IPv4_address"] = (null, "IPv4_address 225.0.0.2"),
        ["Multicast/IPv6_address"] = ($"Sync {{ {Group6}", "IPv6_address ff02::2"),
        ["Multicast/IPv4_interface"] = (null, "IPv4_interface 127.0.0.1"),
        ["Multicast/IPv6_interface"] = ($"Sync {{ {Group6}", "IPv6_interface ::1"),
        ["UDP/IPv6_address"] = ($"Sync {{ {Udp6}", "IPv6_address ::2"),
        ["UDP/IPv6_Destination_Address"] = ($"Sync {{ {Udp6}", "IPv6_Destination_Address ::2"),
        ["TCP/IPv6_address"] = ($"Sync {{ {Tcp6}", "IPv6_address ::2"),
        ["TCP/IPv4_Destination_Address"] =
            ("Sync { TCP { IPv4_address 127.0.0.1 Port 1 Interface lo", "IPv4_Destination_Address 127.0.0.2"),
        ["TCP/IPv6_Destination_Address"] =
            ("Sync { TCP { IPv6_address ::1 Port 1 Interface lo", "IPv6_Destination_Address ::2"),
        ["Helper/Type"] = (null, "Type ftp inet tcp { QueueNum 1 }"),
        ["Type/Policy"] = (null, "Policy ftp { ExpectMax 7 }"),
        ["Type/FailOpen"] = (null, "FailOpen off"),
        ["General/LogLevel"] = (null, "LogLevel warning"),
        ["General/Syslog"] = (null, "Syslog local3"),
        ["Stats/Syslog"] = (null, "Syslog local3"),
    };

    public static TheoryData<string> Rows =>
        [.. Keywords.All(Keywords.File).Select(row => $"{row.Block.Title}/{row.Keyword.Name}")];

    [Theory, MemberData(nameof(Rows))]
    public void A_keyword_has_an_effect_or_says_that_it_has_none(string row)
    {
        string[] parts = row.Split('/');
        Keyword keyword = Keywords.All(Keywords.File)
            .First(found => found.Block.Title == parts[0] && found.Keyword.Name == parts[1]).Keyword;
        (string? special, string statement) = Special.TryGetValue(row, out (string?, string) found)
            ? found
            : (null, $"{keyword.Name} {SampleOf(keyword)}");
        string before = special ?? Surroundings[parts[0]];

        ConfigResult without = Read(before);
        ConfigResult with = Read($"{before} {statement}");

        Assert.DoesNotContain(with.Problems, problem => problem.Level == ProblemLevel.Error);
        if (with.Config!.Equals(without.Config))
        {
            Assert.True(keyword.IsDeprecated, $"{statement}: nothing changes");
            Assert.True(with.Problems.Count > without.Problems.Count, $"{statement}: nothing is said");
        }
    }

    [Fact]
    public void Lists_have_an_effect()
    {
        Assert.NotEqual(
            Read("General { Filter { Protocol Accept {").Config,
            Read("General { Filter { Protocol Accept { UDP").Config);
        Assert.NotEqual(
            Read(Surroundings["ExpectationSync"]).Config, Read(Surroundings["ExpectationSync"] + " ftp").Config);
    }

    private static ConfigResult Read(string text)
    {
        int open = text.Count(character => character == '{') - text.Count(character => character == '}');
        return ConfigReader.Parse("x", text + string.Concat(Enumerable.Repeat(" }", Math.Max(open, 0))), Samples.Protocols);
    }

    private static string SampleOf(Keyword keyword)
    {
        if (keyword.Value.HasFlag(ValueKind.Path)) return "/x/y";
        if (keyword.Value.HasFlag(ValueKind.Number)) return "7";
        if (keyword.Value.HasFlag(ValueKind.Signed)) return "-5";
        if (keyword.Value.HasFlag(ValueKind.Bool)) return keyword.Default == "on" ? "off" : "on";
        return keyword.Value.HasFlag(ValueKind.Address) ? "127.0.0.3" : "eth7";
    }
}
