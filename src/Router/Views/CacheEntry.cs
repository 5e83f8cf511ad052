using System.Globalization;
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
    public static IReadOnlyList<CacheEntry> Read(string listing) =>
    [
        .. listing.Split('\n')
            .Where(line => line.StartsWith("<flow", StringComparison.Ordinal))
            .Select(line => Read(XmlElement.Read(line))),
    ];

    private static CacheEntry Read(XmlElement flow)
    {
        XmlElement place = flow.Child("meta", "original") ?? flow;
        XmlElement layer3 = place.Child("layer3") ?? throw new FormatException("an entry without addresses");
        XmlElement layer4 = place.Child("layer4") ?? throw new FormatException("an entry without protocol");
        XmlElement addresses = layer3.Child("expected") ?? layer3;
        XmlElement ports = layer4.Child("expected") ?? layer4;
        string? mask = Text(layer4.Child("mask"), "sport");
        byte number = byte.Parse(layer4.Attribute("protonum"), CultureInfo.InvariantCulture);
        string? source = Text(ports, "sport");
        return new()
        {
            Source = Text(addresses, "src") ?? "",
            Destination = Text(addresses, "dst") ?? "",
            SourcePort = source == "0" && mask == "0" ? "any" : source,
            DestinationPort = Text(ports, "dport"),
            Protocol = number,
            ProtocolName = Name(layer4.Attribute("protoname"), number),
            State = Text(flow.Child("meta", "independent"), "state"),
            Helper = Text(flow.Child("meta"), "helper-name"),
        };
    }

    private static string Name(string name, byte number) => name == "unknown"
        ? ProtocolNames.OfSystem().NameOf(number)?.ToLowerInvariant() ?? name
        : name;

    private static string? Text(XmlElement? element, string name) => element?.Child(name)?.Text;
}
