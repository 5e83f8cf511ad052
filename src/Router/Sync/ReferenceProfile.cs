using System.Net;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Replication;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>A generation of the router's own generator.</summary>
internal enum ReferenceGeneration
{
    /// <summary>One link, comma lists, cluster or VRRP.</summary>
    Legacy,

    /// <summary>Several links and values, VRRP only.</summary>
    Modern,
}

/// <summary>
/// What the generators of former routers make of a configuration, to compare with: their limits and errors included.
/// </summary>
/// <remarks>Where they write an address of a link several times, the last stands, as the daemon reads it.</remarks>
internal static class ReferenceProfile
{
    private const ushort OnlyPort = 3780;
    private const string All = "all";

    private static readonly string[] _legacyOrder = ["ftp", "sip", "h323", "sqlnet", "nfs"];

    /// <summary>The configuration of conntrackd as that generation makes it.</summary>
    /// <param name="root">A configuration with the service, that passed its checks.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="generation">Whose.</param>
    public static DaemonConfig Make(ConfigNode root, Machine machine, ReferenceGeneration generation)
    {
        SyncSettings settings = SyncSettings.Of(root)!;
        DaemonConfig ours = Generator.Make(root, machine, new DaemonFiles());
        LinkConfig[] links = [.. ours.Sync!.Links.Select(link => Listening(link, settings))];
        SyncConfig sync = ours.Sync with { PurgeSeconds = new SyncConfig().PurgeSeconds };
        return generation == ReferenceGeneration.Modern
            ? ours with { Sync = sync with { Links = [.. links], ExpectationHelpers = [.. Words(settings)] } }
            : ours with
            {
                General = ours.General with { Filter = Legacy(ours.General.Filter) },
                Sync = sync with
                {
                    StartupResync = false,
                    Links =
                    [
                        .. links.OrderBy(link => link.Interface, StringComparer.Ordinal).Take(1)
                            .Select(link => link with { IsDefault = true, Port = OnlyPort }),
                    ],
                    ExpectationHelpers = [.. LegacyNames(settings)],
                },
            };
    }

    private static LinkConfig Listening(LinkConfig link, SyncSettings settings)
    {
        if (link.Kind != LinkKind.Udp) return link;
        IPAddress? last = settings.Listen.LastOrDefault(own => own.AddressFamily == link.Remote?.AddressFamily);
        return link with { Local = last };
    }

    private static IEnumerable<string> Words(SyncSettings settings) =>
        settings.Expectations.Contains(All, StringComparer.Ordinal) ? [] : settings.Expectations;

    private static IEnumerable<string> LegacyNames(SyncSettings settings)
    {
        bool isAll = settings.Expectations.Contains(All, StringComparer.Ordinal);
        return Schema.Helpers.OrderBy(helper => Array.IndexOf(_legacyOrder, helper.Word))
            .Where(helper => isAll || settings.Expectations.Contains(helper.Word, StringComparer.Ordinal))
            .SelectMany(helper => helper.Names).Select(name => name.ToLowerInvariant());
    }

    private static FilterConfig? Legacy(FilterConfig? filter)
    {
        if (filter is null) return null;
        FilterNetwork[] networks = [.. filter.Networks.Where(network => network.Family == AddressFamily.IPv4)];
        return filter with
        {
            Networks = [.. networks],
            AddressAction = networks.Length > 0 ? filter.AddressAction : FilterAction.None,
            Protocols = [.. filter.Protocols.Distinct()],
        };
    }
}
