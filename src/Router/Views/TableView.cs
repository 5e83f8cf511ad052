using System.Globalization;
using System.Text;

namespace TwinTrack.Router.Views;

/// <summary><c>show conntrack table</c>.</summary>
internal static class TableView
{
    private const string Legend =
        """
        TCP state codes: SS - SYN SENT, SR - SYN RECEIVED, ES - ESTABLISHED,
                         FW - FIN WAIT, CW - CLOSE WAIT, LA - LAST ACK,
                         TW - TIME WAIT, CL - CLOSE, LI - LISTEN


        """;

    /// <summary>The usual layout.</summary>
    public static string Text(IReadOnlyList<TableRow> rows, bool isIPv6)
    {
        int width = isIPv6 ? 40 : 22;
        var text = new StringBuilder(Legend);
        Append(text, width, "CONN ID", "Source", "Destination", "Protocol", "TIMEOUT");
        foreach (TableRow row in rows)
        {
            Append(
                text, width, Number(row.Id), Point(row.Source, row.SourcePort),
                Point(row.Destination, row.DestinationPort),
                $"{row.ProtocolName} [{row.Protocol}] {Code(row.State)}".TrimEnd(),
                row.Timeout is { } seconds ? Number(seconds) : "n/a");
        }

        return text.ToString();
    }

    /// <summary>What was deleted.</summary>
    public static string Deleted(IReadOnlyList<TableRow> rows, bool isIPv6)
    {
        int width = isIPv6 ? 40 : 22;
        var text = new StringBuilder();
        void Add(string id, string source, string destination, string protocol) => text.Append(
            $"{id,-10} {source.PadRight(width)} {destination.PadRight(width)} {protocol,-12}".TrimEnd()).Append('\n');
        Add("CONN ID", "Source", "Destination", "Protocol");
        foreach (TableRow row in rows)
        {
            Add(
                Number(row.Id), Point(row.Source, row.SourcePort), Point(row.Destination, row.DestinationPort),
                $"{row.ProtocolName} [{row.Protocol}]");
        }

        return text.ToString();
    }

    /// <summary>The wide layout, with counters if the kernel keeps them.</summary>
    public static string Wide(IReadOnlyList<TableRow> rows, bool hasCounters)
    {
        if (rows.Count == 0) return "Entries not found\n";

        string[] original = hasCounters ? ["Original packets", "Original bytes"] : [];
        string[] reply = hasCounters ? ["Reply packets", "Reply bytes"] : [];
        var table = new SimpleTable(
        [
            "Id", "Original src", "Original dst", .. original, "Reply src", "Reply dst", .. reply, "Protocol", "State",
            "Timeout", "Mark", "Zone",
        ]);
        foreach (TableRow row in rows)
        {
            string[] sent = hasCounters ? [Text(row.OriginalPackets), Text(row.OriginalBytes)] : [];
            string[] received = hasCounters ? [Text(row.ReplyPackets), Text(row.ReplyBytes)] : [];
            table.Add(
            [
                Number(row.Id), Point(row.Source, row.SourcePort), Point(row.Destination, row.DestinationPort), .. sent,
                Point(row.ReplySource ?? "", row.ReplySourcePort),
                Point(row.ReplyDestination ?? "", row.ReplyDestinationPort),
                .. received, row.ProtocolName, row.State ?? "",
                row.Timeout is { } seconds ? Number(seconds) : "n/a", Text(row.Mark), Text(row.Zone),
            ]);
        }

        return table.ToString();
    }

    private static string Point(string address, ushort? port) =>
        CacheView.Point(address, port is { } number ? Number(number) : null);

    private static string Code(string? state) => state switch
    {
        "SYN_SENT" => "SS",
        "SYN_RECV" => "SR",
        "ESTABLISHED" => "ES",
        "FIN_WAIT" => "FW",
        "CLOSE_WAIT" => "CW",
        "LAST_ACK" => "LA",
        "TIME_WAIT" => "TW",
        "CLOSE" or "CLOSED" => "CL",
        "LISTEN" => "LI",
        _ => "",
    };

    private static string Text(ulong? number) => number is { } value ? Number(value) : "";

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Append(
        StringBuilder text, int width, string id, string source, string destination, string protocol, string timeout)
    {
        string line = $"{id,-10} {source.PadRight(width)} {destination.PadRight(width)} {protocol,-16} {timeout,-20}";
        text.Append(line.TrimEnd()).Append('\n');
    }
}
