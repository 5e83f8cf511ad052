using TwinTrack.Replication;
using TwinTrack.Sim.Net;

namespace TwinTrack.Sim.Shell;

/// <summary>Which of a node's dedicated links its daemon sends on, and the probes that go by the others.</summary>
internal sealed class LinkUse
{
    private readonly World _world;
    private readonly Node _node;
    private readonly LinkSelector _selector;

    public LinkUse(World world, Node node)
    {
        _world = world;
        _node = node;
        bool peersSpeak = node.Options.Mode != SyncModeKind.Alarm;
        _selector = new LinkSelector(new LinkSelectorOptions(world.Links, default, peersSpeak), world.Now);
        for (int link = 0; link < world.Links; link++) OnState(link);
    }

    /// <summary>The link to send on.</summary>
    public int Current => _selector.Current.Index;

    /// <summary>Whether anything can be sent now.</summary>
    public bool CanSend => _node.HasLink(Current);

    public Instant NextDeadline => _selector.NextDeadline;

    public void OnState(int link) => _selector.OnState(_world.Now, new LinkId(link), _node.HasLink(link));

    public void OnHeard(int link, bool isProbe) => _selector.OnHeard(_world.Now, new LinkId(link), isProbe);

    /// <summary>Looks for what is due, and probes.</summary>
    public void Serve()
    {
        if (_selector.NextDeadline <= _world.Now) _selector.OnDeadline(_world.Now);
        while (_selector.PollProbe(_world.Now, out LinkId link)) _world.Send(Probe(), link.Index);
        while (_selector.PollChange(out LinkChange change))
        {
            if (_world.Trace.IsOn)
                _world.Trace.Line($"{_node.Name} uses link {change.To.Index} after {change.From.Index}: {change.Reason}");
        }
    }

    private Parcel Probe() => new()
    {
        Number = _world.NextParcel(),
        From = _node.Index,
        Run = _node.Run,
        FirstMessage = 0,
        Count = 0,
        IsGreeting = false,
        Bytes = [],
    };
}
