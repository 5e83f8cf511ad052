using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Net;
using TwinTrack.Sim.Oracle;

namespace TwinTrack.Sim.Shell;

/// <summary>One run of a node's daemon.</summary>
internal sealed class Daemon
{
    private const int DeadlinesAtOnce = 1000;
    private const int OutputsAtOnce = 100_000;
    private const int FirstPort = 40_000;
    private const int UpToDateDatagrams = 8;

    private readonly World _world;
    private readonly Node _node;
    private readonly EventBuffer _events;
    private readonly Queue<(Parcel Parcel, int Link)> _inbox = new();
    private readonly LinkUse _links;
    private readonly KernelPort _port;
    private readonly byte[] _buffer;
    private Instant _wakeAt = Instant.Never;
    private Instant _deadlineAt;
    private int _deadlines;
    private SyncNotice _notice;
    private bool _isDown;
    private bool _isLossUntold;

    public Daemon(World world, Node node, Seq first)
    {
        _world = world;
        _node = node;
        Engine = new SyncEngine(node.Options, first, world.Now);
        Witness = new Witness(world, node);
        Witness.Expect(first);
        _events = new EventBuffer(node.Shell.EventBuffer) { Arrived = Wake };
        _port = new KernelPort(world, node, this);
        _links = new LinkUse(world, node);
        _buffer = new byte[node.Shell.Capacity + SyncEngine.MessageLimit];
    }

    public SyncEngine Engine { get; }

    public Witness Witness { get; }

    /// <summary>The dedicated link in use.</summary>
    public int Link => _links.Current;

    /// <summary>What the engine told, in order.</summary>
    public List<SyncNotice> Notices { get; } = [];

    /// <summary>Whether nothing is under way between engine and kernel.</summary>
    public bool IsIdle => _port.IsIdle;

    /// <summary>Whether nothing waits in the receive buffer that was sent long ago.</summary>
    public bool IsUpToDate => _inbox.Count <= UpToDateDatagrams;

    public void Start()
    {
        _node.Kernel.Subscribe(_events);
        _port.StartDump(SnapshotPurpose.Start);
        Wake();
    }

    public void Stop()
    {
        _isDown = true;
        _node.Kernel.Unsubscribe(_events);
        Engine.Dispose();
    }

    public SyncReply Command(SyncCommand command)
    {
        if (_world.Trace.IsOn) _world.Trace.Line($"{_node.Name} command {command}");
        SyncReply reply = Engine.OnCommand(_world.Now, command, _world.NextTicket());
        _port.Commanded(command, reply);
        Drain();
        Wake();
        return reply;
    }

    /// <summary>A dedicated link has lost its carrier, or has it again.</summary>
    public void OnLink(int link)
    {
        _links.OnState(link);
        Wake();
    }

    public void Receive(Parcel parcel, int link)
    {
        if (_inbox.Count >= _node.Shell.ReceiveBuffer && !_node.IsHealed)
        {
            if (_world.Trace.IsOn) _world.Trace.Line($"{_node.Name} receive buffer full, lost #{parcel.Number}");
            return;
        }

        _inbox.Enqueue((parcel, link));
        Wake();
    }

    /// <summary>From now on nothing is lost for lack of room.</summary>
    public void WidenBuffers() => _events.Capacity = int.MaxValue;

    /// <summary>Events are lost as if there had been too many.</summary>
    public void Overrun() => _events.Overrun();

    /// <summary>Schedules a turn, unless one is.</summary>
    public void Wake()
    {
        if (_isDown || _wakeAt != Instant.Never) return;
        long at = _world.Now.Microseconds + 1 + _node.Dice.Below(_node.Shell.LatencyMicroseconds);
        _wakeAt = new Instant(Math.Max(at, _node.StalledUntil.Microseconds));
        _world.Agenda.At(_wakeAt, Turn);
    }

    private void Turn()
    {
        _wakeAt = Instant.Never;
        if (_isDown) return;
        if (_world.Now < _node.StalledUntil)
        {
            Wake();
            return;
        }

        // Who is served first is left to the dice: no order is promised between the sources.
        int first = _node.Dice.Below(4);
        for (int source = 0; source < 4; source++) Serve((first + source) % 4);
        CallDeadline();
        _links.Serve();
        Drain();
        Witness.CheckCounters();
        if (!_inbox.Count.Equals(0) || !_events.IsEmpty || _port.HasInput) Wake();
        ArmDeadline();
    }

    private void Serve(int source)
    {
        switch (source)
        {
            case 0:
                for (int count = 0; count < _node.Shell.ReadsPerTurn && _inbox.TryDequeue(out var next); count++)
                {
                    Deliver(next.Parcel, next.Link);
                    DrainIfEager();
                }

                break;
            case 1:
                ReadEvents();
                break;
            case 2:
                _port.ReadAnswers();
                break;
            default:
                _port.ReadDump();
                break;
        }
    }

    private void Deliver(Parcel parcel, int number)
    {
        _links.OnHeard(number, isProbe: parcel.Count == 0);
        if (parcel.Count == 0) return;
        LinkId link = new(number);
        PeerId from = _world.Nodes[parcel.From].Peer;
        // With half of the seeds nothing but the numbers tells the runs of a peer apart.
        if (_world.Seed % 2 == 0) from = new PeerId(from.Address, (ushort)(FirstPort + parcel.Run));
        if (_world.Tamper is not { } tamper)
        {
            Hand(parcel, parcel.Bytes, link, from);
            return;
        }

        foreach (byte[] bytes in tamper(_node.Index, parcel)) Hand(parcel, bytes, link, from);
    }

    private void Hand(Parcel parcel, byte[] bytes, LinkId link, PeerId from)
    {
        if (_world.Trace.IsOn) _world.Trace.Line($"{_node.Name} hears #{parcel.Number}");
        SyncStats before = Engine.Stats;
        Engine.OnPeer(_world.Now, link, from, bytes);
        Witness.Delivered(parcel, bytes, in before, in Engine.Stats);
        DrainNotices();
    }

    private void ReadEvents()
    {
        if (_events.TakeOverrun())
        {
            if (_world.Trace.IsOn) _world.Trace.Line($"{_node.Name} overrun");
            _isLossUntold = true;
            _port.Overrun();
        }

        for (int count = 0; count < _node.Shell.ReadsPerTurn && _events.Read() is { } told; count++)
        {
            EventOrigin origin = _port.OriginOf(told.PortId);
            uint refused = Engine.Stats.Internal.CreateFailed;
            Engine.OnFlow(_world.Now, told.Change, origin, in told.Flow);
            bool isRefused = Engine.Stats.Internal.CreateFailed != refused;
            if (origin == EventOrigin.Other) Witness.Bypass?.OnEvent(told.Change, in told.Flow);
            Witness.Internal.Apply(told.Change, in told.Flow, isRefused, origin == EventOrigin.Other);
            if (isRefused) _node.Taint |= Taint.InternalFull;
            if (origin != EventOrigin.Other) _node.Taint |= Taint.SilentChange;
            else if (told.Change != FlowChange.Destroy && _node.Options.Filter.Accepts(in told.Flow, isDestroy: false))
                Witness.Internal.NoteWorth(TupleKey.Of(in told.Flow), _world.Now);
            if (_world.Trace.IsOn)
                _world.Trace.Line($"{_node.Name} event {told.Change} {origin} {TupleKey.Of(in told.Flow)}");
            _events.Recycle(told);
            DrainNotices();
            DrainIfEager();
        }

        // What was received before the loss is older than the dump that repairs it.
        if (!_isLossUntold || !_events.IsEmpty) return;
        _isLossUntold = false;
        Engine.OnOverrun(_world.Now);
    }

    private void DrainIfEager()
    {
        if (_node.Shell.DrainsAfterEachInput) Drain();
    }

    private void CallDeadline()
    {
        if (_world.Now < Engine.NextDeadline) return;
        if (_deadlineAt == _world.Now) _deadlines++;
        else _deadlines = 0;
        _deadlineAt = _world.Now;
        if (_deadlines > DeadlinesAtOnce) throw Witness.Fail("asks to be called again and again at the same instant");
        Engine.OnDeadline(_world.Now);
        DrainNotices();
    }

    private void ArmDeadline()
    {
        Instant deadline = Instant.Earlier(Engine.NextDeadline, _links.NextDeadline);
        if (deadline == Instant.Never || _wakeAt != Instant.Never) return;
        Instant at = deadline < _world.Now ? _world.Now : deadline;
        int run = _node.Run;
        _world.Agenda.At(at, () =>
        {
            if (_isDown || run != _node.Run || _wakeAt != Instant.Never) return;
            if (_world.Now < Instant.Earlier(Engine.NextDeadline, _links.NextDeadline)) return;
            _wakeAt = _world.Now < _node.StalledUntil ? _node.StalledUntil : _world.Now;
            _world.Agenda.At(_wakeAt, Turn);
        });
    }

    private void Drain()
    {
        DrainNotices();
        for (int count = 0; !_node.IsClogged && _links.CanSend; count++)
        {
            if (count > OutputsAtOnce) throw Witness.Fail("never stops transmitting");
            int length = Engine.PollTransmit(_world.Now, _buffer, _node.Shell.Capacity);
            if (length == 0) break;
            Parcel parcel = Witness.Sent(_buffer.AsSpan(0, length));
            _world.Send(parcel, _links.Current);
        }

        _port.SendRequests();
        DrainNotices();
    }

    private void DrainNotices()
    {
        while (Engine.PollNotice(_world.Now, ref _notice))
        {
            if (_world.Trace.IsOn)
                _world.Trace.Line($"{_node.Name} notice {_notice.Kind} {_notice.Value} {_notice.Value2}");
            Notices.Add(_notice);
            _port.Noticed(in _notice);
        }
    }
}
