using System.Globalization;
using System.Text.RegularExpressions;
using TwinTrack.Conntrack;
using TwinTrack.Router.Live;
using TwinTrack.Router.Sync;
using TwinTrack.Router.Views;

namespace TwinTrack.Router.Shell;

/// <summary>
/// Commands about the kernel's own tables: <c>show conntrack</c>, <c>delete</c> and <c>reset conntrack</c>.
/// </summary>
internal static partial class TableCommands
{
    private const int MatchMilliseconds = 1000;

    /// <summary><c>show conntrack table</c>.</summary>
    /// <exception cref="RouterException">The words make no sense, or the kernel refuses.</exception>
    public static string Show(List<string> words, bool isJson, TextWriter errors)
    {
        bool isIPv6 = IsIPv6(words);
        bool isWide = words.Remove("wide");
        Func<TableRow, bool> isWanted = Filter(words[1..], isDeletion: false);
        List<TableRow> rows = [.. KernelTable.Read(FamilyOf(isIPv6)).Where(isWanted)];
        if (rows.Count == 0 && Tracking.Read() is { IPv4: false, IPv6: false })
            errors.WriteLine("W10: no rule makes the kernel track connections, see firewall state-policy");
        if (isJson) return KernelTable.Json(rows).ToJsonString() + "\n";
        return isWide
            ? TableView.Wide(rows, rows.Exists(row => row.OriginalPackets is not null))
            : TableView.Text(rows, isIPv6);
    }

    /// <summary><c>show conntrack statistics</c>.</summary>
    /// <exception cref="RouterException">The program conntrack is missing or fails.</exception>
    public static string Counters(bool isJson)
    {
        string[] format = isJson ? ["-o", "json"] : [];
        CommandOutcome counters = Programs.Run(Programs.Find("conntrack"), ["-S", .. format]);
        if (counters.Status != 0) throw new RouterException(counters.Errors.Trim());
        return isJson ? counters.Output : CounterView.Text(counters.Output);
    }

    /// <summary><c>delete conntrack table</c>: which flows went, unless it shall be quiet.</summary>
    /// <exception cref="RouterException">The words make no sense, or the kernel refuses.</exception>
    public static string Delete(List<string> words, bool isJson)
    {
        bool isIPv6 = IsIPv6(words);
        bool isQuiet = words.Remove("quiet");
        if (words.Count == 1) throw new RouterException("delete conntrack table: conn-id N or source A expected");
        List<TableRow> deleted =
            KernelTable.Delete(FamilyOf(isIPv6), Filter(words[1..], isDeletion: true));
        if (isQuiet) return "";
        return isJson ? KernelTable.Json(deleted).ToJsonString() + "\n" : TableView.Deleted(deleted, isIPv6);
    }

    /// <summary><c>reset conntrack</c>: empties the kernel's tables once the operator has agreed.</summary>
    /// <exception cref="RouterException">The operator does not, or the kernel refuses.</exception>
    public static string Reset(TextReader input, TextWriter output)
    {
        output.Write("All flows and expectations of the kernel are forgotten, also those in use. Go on? [y/N] ");
        output.Flush();
        string answer = input.ReadLine()?.Trim() ?? "";
        if (answer is not ("y" or "Y" or "yes")) throw new RouterException("nothing was done");
        KernelTable.Flush();
        return "";
    }

    private static bool IsIPv6(List<string> words) => words.FirstOrDefault() switch
    {
        "ipv4" => false,
        "ipv6" => true,
        _ => throw new RouterException("conntrack table: ipv4 or ipv6 expected"),
    };

    private static byte FamilyOf(bool isIPv6) => isIPv6 ? AddressFamily.IPv6 : AddressFamily.IPv4;

    private static Func<TableRow, bool> Filter(List<string> words, bool isDeletion)
    {
        Func<TableRow, bool> isWanted = _ => true;
        for (int at = 0; at < words.Count; at += 2)
        {
            if (at + 1 == words.Count) throw new RouterException($"conntrack table: {words[at]} needs a value");
            string value = words[at + 1];
            Func<TableRow, bool> before = isWanted;
            switch (words[at])
            {
                case "source": isWanted = row => before(row) && Fits(value, row.Source, row.SourcePort); break;
                case "destination":
                    isWanted = row => before(row) && Fits(value, row.Destination, row.DestinationPort);
                    break;
                case "conn-id" when isDeletion && uint.TryParse(value, CultureInfo.InvariantCulture, out uint id):
                    isWanted = row => before(row) && row.Id == id;
                    break;
                case "vrf" when !isDeletion:
                    ushort zone = ZoneOf(value);
                    isWanted = row => before(row) && (row.Zone ?? 0) == zone;
                    break;
                default: throw new RouterException($"conntrack table: '{words[at]} {value}' is not known");
            }
        }

        return isWanted;
    }

    private static bool Fits(string wanted, string address, ushort? port) =>
        wanted == "any" || wanted == address
        || wanted == CacheView.Point(address, port?.ToString(CultureInfo.InvariantCulture));

    // The flows of a VRF are in the zone that has the number of its routing table.
    private static ushort ZoneOf(string vrf)
    {
        CommandOutcome shown = Programs.Run(Programs.Find("ip"), ["-d", "link", "show", "dev", vrf]);
        Match table = VrfTable().Match(shown.Output);
        return table.Success && ushort.TryParse(table.Groups["table"].Value, out ushort zone)
            ? zone
            : throw new RouterException($"there is no VRF {vrf}");
    }

    [GeneratedRegex(@"\bvrf table (?<table>[0-9]+)", RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex VrfTable();
}
