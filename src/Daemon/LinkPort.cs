using TwinTrack.Daemon.Channels;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Everything between the engine and the dedicated links: datagrams in, datagrams out.</summary>
/// <remarks>
/// Each call does a bounded amount of work. While no link takes anything, one packet is kept here and the rest stays in
/// the engine, as what is to be told and not as messages. Bytes pass between channel and engine in two places, marked
/// below: that is where a link would be encrypted, after the sender was looked at and before the engine reads, and
/// after the engine wrote and before the channel sends; the capacity of a packet shrinks by what that adds.
/// All links are received on; which one is sent on says <see cref="LinkSelector"/>.
/// </remarks>
internal sealed class LinkPort : IDisposable
{
    private const int MostSentPerTurn = 128;

    private readonly SyncEngine _engine;
    private readonly int _mostPerTurn;
    private readonly LinkMonitor _monitor;
    private readonly DedicatedLink[] _links;
    private readonly PeerDirectory _peers;
    private readonly LinkSelector _selector;
    private readonly Log _log;
    private readonly SendPacer? _pacer;      // null where the peer sets the pace
    private Instant _pausingUntil = Instant.Never;
    private byte[] _packet = [];
    private int _held;       // bytes of a packet that the link did not take
    private int _monitorPlace;

    /// <summary>Opens all links; those whose interface or address is missing are waited for.</summary>
    /// <exception cref="ChannelException">What waiting does not mend.</exception>
    /// <exception cref="NetlinkException">The interfaces cannot be watched.</exception>
    public LinkPort(SyncEngine engine, SyncConfig config, int mostPacketsPerTurn, Log log)
    {
        _engine = engine;
        _mostPerTurn = mostPacketsPerTurn;
        _log = log;
        if (config.Mode != SyncModeKind.Ftfw && config.Links[0].Kind != LinkKind.Tcp) _pacer = new SendPacer();
        _peers = new PeerDirectory(config.Links);
        _monitor = new LinkMonitor();
        _links = [.. config.Links.Select((link, index) => new DedicatedLink(new LinkId(index), link, log))];
        Instant now = Clock.Now;
        _selector = new LinkSelector(Options(config), now);
        try
        {
            foreach (DedicatedLink link in _links) link.OnInterfaces(_monitor, now, isStart: true);
            TellStates(now);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline
    {
        get
        {
            Instant next = Instant.Earlier(_selector.NextDeadline, _pausingUntil);
            foreach (DedicatedLink link in _links) next = Instant.Earlier(next, link.NextDeadline);
            return next;
        }
    }

    /// <summary>The link in use.</summary>
    public LinkReport Active => Current.Report(isActive: true);

    /// <summary>All links in the order of the file.</summary>
    public IEnumerable<LinkReport> Reports => _links.Select(link => link.Report(link == Current));

    /// <summary>The peers: those configured, and those a group was heard from.</summary>
    public IReadOnlyList<PeerNode> Peers => _peers.Nodes;

    private DedicatedLink Current => _links[_selector.Current.Index];

    /// <summary>Gives the sockets other buffers.</summary>
    /// <param name="links">The links as they were, but for the sizes.</param>
    public void SetBuffers(IReadOnlyList<LinkConfig> links)
    {
        foreach ((int index, LinkConfig link) in links.Index()) _links[index].SetBuffers(link);
    }

    /// <summary>Tells the poller what to wait for, and until when at most.</summary>
    public void Watch(Poller poller, Instant now, ref Instant until)
    {
        _monitorPlace = poller.Add(_monitor.Descriptor, Libc.PollIn);
        foreach (DedicatedLink link in _links)
        {
            // A socket that is left to fill is not watched; the wait ends when its time has come.
            bool isPausing = link.Pacer.IsPausing(now);
            if (isPausing) until = Instant.Earlier(until, link.Pacer.ReadAt);
            link.Channel?.Watch(poller, isPausing, hasPacket: _held > 0 && link == Current);
        }
    }

    /// <summary>Looks at what the poller has found.</summary>
    public void OnWatched(Instant now, Poller poller)
    {
        foreach (DedicatedLink link in _links) link.Channel?.OnWatched(now, poller);
        if (poller.Returned(_monitorPlace) == 0) return;

        bool hasChanged = false;
        while (_monitor.TryRead(out _)) hasChanged = true;
        if (!hasChanged) return;
        foreach (DedicatedLink link in _links) link.OnInterfaces(_monitor, now, isStart: false);
        TellStates(now);
    }

    /// <summary>The deadline has passed.</summary>
    public void OnDeadline(Instant now)
    {
        foreach (DedicatedLink link in _links)
        {
            if (link.NextDeadline <= now) link.OnDeadline(now);
        }

        TellStates(now);
    }

    /// <summary>Hands to the engine what has arrived.</summary>
    /// <returns>True when there is more than one turn takes.</returns>
    public bool Receive(Instant now)
    {
        bool hasMore = false;
        foreach (DedicatedLink link in _links) hasMore |= Receive(now, link);
        return hasMore;
    }

    /// <summary>Sends what the engine has to say. To be called after <see cref="Receive(Instant)"/>.</summary>
    /// <returns>True when there is more than one turn takes.</returns>
    public bool Transmit(Instant now)
    {
        Choose(now);
        _pausingUntil = Instant.Never;
        if (!Current.IsUsable) return false;

        Channel channel = Current.Channel!;
        int room = channel.Capacity + SyncEngine.MessageLimit;
        if (_packet.Length < room) Array.Resize(ref _packet, room);
        for (int sent = 0; sent < MostSentPerTurn; sent++)
        {
            if (!channel.CanSend) return false;
            if (_pacer is not null && now < _pacer.ReadyAt)
            {
                _pausingUntil = _pacer.ReadyAt;
                return false;
            }

            if (_held == 0) _held = _engine.PollTransmit(now, _packet, channel.Capacity);
            if (_held == 0) return false;
            if (!channel.Send(now, _packet.AsSpan(0, _held))) return false;   // encryption: before this
            _held = 0;
            _pacer?.OnSent(now);
        }

        return true;
    }

    public void Dispose()
    {
        foreach (DedicatedLink link in _links) link.Dispose();
        _monitor.Dispose();
    }

    private static LinkSelectorOptions Options(SyncConfig config) => new(
        config.Links.Count,
        new LinkId(config.Links.TakeWhile(static link => !link.IsDefault).Count() % config.Links.Count),
        PeersSpeak: config.Mode != SyncModeKind.Alarm);

    // The one in use first: while it works, no other is chosen.
    private void TellStates(Instant now)
    {
        _selector.OnState(now, Current.Id, Current.IsUsable);
        foreach (DedicatedLink link in _links) _selector.OnState(now, link.Id, link.IsUsable);
    }

    private void Choose(Instant now)
    {
        if (_links.Length == 1) return;
        if (_selector.NextDeadline <= now) _selector.OnDeadline(now);
        while (_selector.PollProbe(now, out LinkId id)) Probe(now, _links[id.Index]);
        while (_selector.PollChange(out LinkChange change)) Tell(now, change);
    }

    // A stream has no empty packets, and is no stream without a peer: one that stands both ways is its own answer.
    private void Probe(Instant now, DedicatedLink link)
    {
        if (link.Channel is not { } channel) return;
        if (link.Config.Kind != LinkKind.Tcp) channel.Send(now, []);
        else if (channel is { IsServerConnected: true, IsClientConnected: true })
            _selector.OnHeard(now, link.Id, isProbe: true);
    }

    private void Tell(Instant now, LinkChange change)
    {
        if (change.Reason == LinkChangeReason.None)
        {
            _log.Error("no dedicated links available!");
            return;
        }

        DedicatedLink from = _links[change.From.Index];
        _links[change.To.Index].TimesChosen++;
        if (from != Current) from.Channel?.Leave();
        if (change.Reason == LinkChangeReason.Silent)
            _log.Notice($"nothing arrives on dedicated link `{from.Config.Interface}' any more");
        _log.Notice($"device `{_links[change.To.Index].Config.Interface}' becomes dedicated link");
    }

    private bool Receive(Instant now, DedicatedLink link)
    {
        if (link.Channel is not { } channel || link.Pacer.IsPausing(now)) return false;

        for (int total = 0; total < _mostPerTurn; total++)
        {
            if (!channel.Read(out Arrival arrival))
            {
                link.Pacer.OnRead(now, total, channel.ReceiveBufferPackets);
                if (channel.TakeConnected()) _engine.OnConnected(now);
                return false;
            }

            if (!link.Admits(now, in arrival, _monitor)) continue;
            _selector.OnHeard(now, link.Id, isProbe: arrival.Bytes.IsEmpty);
            if (arrival.Bytes.IsEmpty) continue;
            PeerId from = _peers.Find(link.Id, in arrival, now);
            _engine.OnPeer(now, link.Id, from, arrival.Bytes);   // decryption: before this
        }

        return true;
    }
}
