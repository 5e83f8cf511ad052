using System.Net.Sockets;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Channels;

/// <summary>One dedicated link: its interface as it is now, and a channel over it while that can be had.</summary>
/// <remarks>
/// The channel belongs to one interface of that name: when the interface goes, or comes again with another index, the
/// channel is opened anew. What cannot be opened now is tried again every second, and at once when the interface
/// changes.
/// </remarks>
internal sealed class DedicatedLink(LinkId id, LinkConfig config, Log log) : IDisposable
{
    private const int RetrySeconds = 1;

    private readonly LinkCounters _counters = new();
    private readonly RefusalLog _refusals = new(log);
    private LinkConfig _config = config;
    private PeerGate _gate = new(config, network: null);
    private LinkState _device;
    private Instant _retryAt = Instant.Never;
    private string? _problem;      // the last one told; null while there is none

    public LinkId Id => id;

    public LinkConfig Config => _config;

    /// <summary>Null while the interface, the address or the route is missing.</summary>
    public Channel? Channel { get; private set; }

    public DrainPacer Pacer { get; } = new(longestMicroseconds: 2000);

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline =>
        Instant.Earlier(Channel is null ? _retryAt : Channel.NextDeadline, _refusals.NextDeadline);

    /// <summary>State of the interface.</summary>
    public LinkStatus Status
    {
        get
        {
            if (_device.IsRunning) return LinkStatus.Running;
            return (_device.Flags & LinkFlags.Up) != LinkFlags.None ? LinkStatus.NoCarrier : LinkStatus.Down;
        }
    }

    /// <summary>Whether what is sent may arrive: there is a channel, and the interface has a carrier.</summary>
    public bool IsUsable => Channel is not null && _device.IsRunning;

    /// <summary>Counters and state for the statistics.</summary>
    public LinkReport Report(bool isActive) => new(
        _config.Kind, _config.Interface, Status, isActive, _counters.Value,
        Channel?.IsServerConnected ?? false, Channel?.IsClientConnected ?? false, TimesChosen);

    /// <summary>How often it came into use in the place of another.</summary>
    public uint TimesChosen { get; set; }

    /// <summary>Something about the interfaces has changed.</summary>
    /// <exception cref="ChannelException">What waiting does not mend, if it is said at the start.</exception>
    public void OnInterfaces(LinkMonitor monitor, Instant now, bool isStart)
    {
        if (!monitor.TryGet(_config.Interface, out LinkState device)) device = default;
        bool isNew = device != _device;
        bool isOther = device.Index != _device.Index;
        _device = device;
        if (isOther) Close();
        if (device.Index == 0)
        {
            _retryAt = Instant.Never;      // its coming is told
            Tell($"there is no interface {_config.Interface}");
        }
        else if (Channel is { } channel)
        {
            channel.SetMtu(device.Mtu);
        }
        else if (isNew)
        {
            Open(now, isStart);
        }
    }

    /// <summary>The deadline has passed.</summary>
    public void OnDeadline(Instant now)
    {
        _refusals.OnDeadline(now, this);
        if (Channel is not null) Channel.OnDeadline(now);
        else if (_retryAt <= now) Open(now, isStart: false);
    }

    /// <summary>Whether something that arrived is to be looked at; else it is counted and told.</summary>
    public bool Admits(Instant now, in Arrival arrival, LinkMonitor monitor)
    {
        Refusal refusal = _gate.Check(in arrival, _device.Index);
        if (refusal == Refusal.None) return true;
        _counters.Value.ReceiveErrors++;
        _refusals.Add(now, this, refusal, in arrival, monitor);
        return false;
    }

    /// <summary>Other buffers, for the sockets that are open as for those to come.</summary>
    public void SetBuffers(LinkConfig read)
    {
        _config = _config with { SendBuffer = read.SendBuffer, ReceiveBuffer = read.ReceiveBuffer };
        try
        {
            Channel?.SetBuffers(read.SendBuffer, read.ReceiveBuffer);
        }
        catch (ChannelException error)
        {
            log.Error($"dedicated link `{_config.Interface}': {error.Message}");
        }
    }

    public void Dispose() => Close();

    private void Open(Instant now, bool isStart)
    {
        _retryAt = Instant.Never;
        try
        {
            Channel = _config.Kind == LinkKind.Tcp
                ? new TcpChannel(_config, in _device, _counters)
                : new DatagramChannel(_config, in _device, _counters);
            _gate = new PeerGate(_config, Network());
        }
        catch (ChannelException error) when (error.IsPassing || !isStart)
        {
            _retryAt = now.PlusSeconds(RetrySeconds);
            string aim = string.Join(", ", _config.Destinations);
            Tell($"{error.Message} (own address {_config.Local}, {Aim} {aim}, port {_config.Port})");
            return;
        }

        if (_problem is not null) log.Notice($"dedicated link `{_config.Interface}' is open");
        _problem = null;
    }

    private string Aim => _config.Kind == LinkKind.Multicast ? "group" : "peer";

    private LinkNetwork? Network() =>
        _config is { Kind: LinkKind.Multicast, Remote.AddressFamily: AddressFamily.InterNetwork }
            ? LinkNetwork.Read(_config.Interface, _config.Local)
            : null;

    private void Close()
    {
        Channel?.Dispose();
        Channel = null;
    }

    private void Tell(string problem)
    {
        if (string.Equals(problem, _problem, StringComparison.Ordinal)) return;
        _problem = problem;
        log.Warning($"dedicated link `{_config.Interface}' is closed: {problem}; waiting");
    }
}
