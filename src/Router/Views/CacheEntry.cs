using System.Globalization;
using System.Xml;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Router.Views;

/// <summary>A flow or an expectation, as a listing of conntrackd in XML tells it.</summary>
internal sealed record CacheEntry
{
    public required string Source { get; init; }

    public required string Destination { get; init; }

    public string? SourcePort { get; init; }

    public string? DestinationPort { get; init; }

    public required byte Protocol { get; init; }

    public required string ProtocolName { get; init; }

    public string? State { get; init; }

    public string? Helper { get; init; }

    /// <summary>Reads a listing, an element a line.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static IReadOnlyList<CacheEntry> Read(string listing)
    {
        try
        {
            return [.. Elements(listing).Select(Read)];
        }
        catch (XmlException e)
        {
            throw new FormatException($"the listing of the daemon is not XML: {e.Message}", e);
        }
    }

    private static IEnumerable<XmlElement> Elements(string listing)
    {
        foreach (string line in listing.Split('\n'))
        {
            if (!line.StartsWith("<flow", StringComparison.Ordinal)) continue;
            var document = new XmlDocument { XmlResolver = null };
            document.LoadXml(line);
            yield return document.DocumentElement!;
        }
    }

    private static CacheEntry Read(XmlElement flow)
    {
        XmlElement place = Child(flow, "meta", "original") ?? flow;
        XmlElement layer3 = Child(place, "layer3") ?? throw new FormatException("an entry without addresses");
        XmlElement layer4 = Child(place, "layer4") ?? throw new FormatException("an entry without protocol");
        XmlElement addresses = Child(layer3, "expected") ?? layer3;
        XmlElement ports = Child(layer4, "expected") ?? layer4;
        string? mask = Text(Child(layer4, "mask"), "sport");
        byte number = byte.Parse(layer4.GetAttribute("protonum"), CultureInfo.InvariantCulture);
        string? source = Text(ports, "sport");
        return new()
        {
            Source = Text(addresses, "src") ?? "",
            Destination = Text(addresses, "dst") ?? "",
            SourcePort = source == "0" && mask == "0" ? "any" : source,
            DestinationPort = Text(ports, "dport"),
            Protocol = number,
            ProtocolName = Name(layer4.GetAttribute("protoname"), number),
            State = Text(Child(flow, "meta", "independent"), "state"),
            Helper = Text(Child(flow, "meta"), "helper-name"),
        };
    }

    private static string Name(string name, byte number) => name == "unknown"
        ? ProtocolNames.OfSystem().NameOf(number)?.ToLowerInvariant() ?? name
        : name;

    private static string? Text(XmlElement? element, string name) =>
        element is null ? null : Child(element, name)?.InnerText;

    private static XmlElement? Child(XmlElement element, string name, string? direction = null) =>
        element.ChildNodes.OfType<XmlElement>().FirstOrDefault(child =>
            child.Name == name && (direction is null || child.GetAttribute("direction") == direction));
}
