using System.Text;

namespace TwinTrack.Router.Views;

/// <summary>Listings of the caches, in the layouts of old and of new routers.</summary>
internal static class CacheView
{
    private static readonly string _oldTitle = OldRow("Source", "Destination", "Protocol");

    /// <summary><c>internal-cache</c> and <c>external-cache</c>: both tables.</summary>
    public static string OldBoth(IReadOnlyList<CacheEntry> flows, IReadOnlyList<CacheEntry> expectations) =>
        $"{_oldTitle}\nMain Table Entries:\n\n{OldRows(flows)}\nExpect Table Entries:\n\n{OldRows(expectations)}";

    /// <summary>The same with one table.</summary>
    public static string Old(IReadOnlyList<CacheEntry> entries) => _oldTitle + OldRows(entries);

    /// <summary><c>cache internal</c> and <c>cache external</c>.</summary>
    public static string New(IReadOnlyList<CacheEntry> flows)
    {
        var table = new SimpleTable("Source", "Destination", "Protocol");
        foreach (CacheEntry flow in flows)
        {
            table.Add(
                Point(flow.Source, flow.SourcePort), Point(flow.Destination, flow.DestinationPort), flow.ProtocolName);
        }

        return table.ToString();
    }

    /// <summary>The same for expectations.</summary>
    public static string NewExpectations(IReadOnlyList<CacheEntry> expectations)
    {
        var table = new SimpleTable("Source", "Destination", "Protocol", "Helper");
        foreach (CacheEntry one in expectations)
        {
            table.Add(
                Point(one.Source, one.SourcePort), Point(one.Destination, one.DestinationPort), one.ProtocolName,
                one.Helper ?? "");
        }

        return table.ToString();
    }

    /// <summary>An address and a port, that of IPv6 in brackets.</summary>
    public static string Point(string address, string? port)
    {
        if (port is null) return address;
        return address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";
    }

    private static string OldRows(IReadOnlyList<CacheEntry> entries)
    {
        var text = new StringBuilder();
        foreach (CacheEntry entry in entries)
        {
            text.Append(OldRow(
                OldPoint(entry.Source, entry.SourcePort), OldPoint(entry.Destination, entry.DestinationPort),
                $"{entry.ProtocolName} [{entry.Protocol}]"));
        }

        return text.ToString();
    }

    private static string OldPoint(string address, string? port) =>
        port is null ? $"|{address}|" : $"|{address}|:{port}";

    private static string OldRow(string source, string destination, string protocol) =>
        $"{source,-30} {destination,-30} {protocol,-18}".TrimEnd() + "\n";
}
