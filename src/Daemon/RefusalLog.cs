using TwinTrack.Daemon.Channels;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>
/// Tells of datagrams that are not looked at: a line when they begin to come, a line with their number.
/// </summary>
/// <remarks>However many come, from however many senders, it is two lines a minute for each link.</remarks>
internal sealed class RefusalLog(Log log)
{
    private const int EpisodeSeconds = 60;

    private ulong _more;

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline { get; private set; } = Instant.Never;

    /// <summary>Something was refused.</summary>
    public void Add(Instant now, DedicatedLink link, Refusal refusal, in Arrival arrival, LinkMonitor monitor)
    {
        if (NextDeadline != Instant.Never)
        {
            _more++;
            return;
        }

        NextDeadline = now.PlusSeconds(EpisodeSeconds);
        byte family = link.Config.Remote.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? Conntrack.AddressFamily.IPv4
            : Conntrack.AddressFamily.IPv6;
        string why = refusal switch
        {
            Refusal.OtherInterface => $"it arrives by {Name(arrival.InterfaceIndex, monitor)}",
            Refusal.OtherNetwork => "the sender is not on the network of the interface",
            _ when link.Config.MorePeers.Count == 0 => $"the peer is {link.Config.Remote}",
            _ => $"the peers are {string.Join(", ", link.Config.Destinations)}",
        };
        log.Warning(
            $"dedicated link `{link.Config.Interface}': ignoring what {arrival.Source.ToText(family)} sends, {why}");
    }

    /// <summary>The deadline has passed: the episode goes on if more came, else it is over.</summary>
    public void OnDeadline(Instant now, DedicatedLink link)
    {
        if (now < NextDeadline) return;
        NextDeadline = _more > 0 ? now.PlusSeconds(EpisodeSeconds) : Instant.Never;
        if (_more > 0)
        {
            log.Warning($"dedicated link `{link.Config.Interface}': ignored {_more} more of that kind in "
                + $"{EpisodeSeconds} seconds");
        }

        _more = 0;
    }

    private static string Name(int index, LinkMonitor monitor)
    {
        foreach (LinkState one in monitor.Links)
        {
            if (one.Index == index) return one.Name;
        }

        return $"interface {index}";
    }
}
