using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Bench;

/// <summary>
/// The longest turn of the loop: an engine with a million flows of its own and a million of its peer, a commit, a dump
/// and a listing under way, and a tenth of its flows changing.
/// </summary>
/// <remarks>
/// In this process, without the kernel's share: what one turn takes from each source is what the daemon's does. The
/// original has no such figure: it forks for its listings and stands still for its commits.
/// </remarks>
internal sealed class PauseRound : IDisposable
{
    private const int AllFlows = 1_000_000;
    private const int WarmUpFlows = 20_000;
    private const int Caches = 3;            // that hold all flows: one of the peer, two of the engine
    private const int EventsPerTurn = 2048;
    private const int DumpedPerTurn = 1024;
    private const int RequestsPerTurn = 256;
    private const int ListedPerTurn = 512;
    private const int Capacity = 1472;

    private readonly RoundResult _result;
    private readonly int _flows;
    private readonly byte[] _buffer = new byte[Capacity + SyncEngine.MessageLimit];
    private readonly SyncEngine _peer = new(Options, new Seq(1), new Instant(1_000_000));
    private readonly SyncEngine _engine = new(Options, new Seq(1_000_000_000), new Instant(1_000_000));
    private readonly List<double> _turns = [];
    private Instant _now = new(1_000_000);
    private PackedFlow _flow;
    private KernelRequest _request;
    private SyncNotice _notice;
    private ulong _listed;
    private int _dumped = -1;
    private int _changed;
    private long _committing;    // nanoseconds

    private PauseRound(int number, int flows)
    {
        _result = new RoundResult(Workloads.Pause, Subjects.Ours, number);
        _flows = flows;
    }

    private static SyncOptions Options => new()
    {
        CacheLimit = 3 * AllFlows,
        AnnounceDelayMilliseconds = 50,
        DenseFormat = true,
    };

    private int Churn => _flows / 10;

    /// <summary>Runs a round, after a small one that has all code compiled.</summary>
    public static RoundResult Run(int number)
    {
        using (var small = new PauseRound(number, WarmUpFlows)) small.Run();
        using var whole = new PauseRound(number, AllFlows);
        return whole.Run();
    }

    private RoundResult Run()
    {
        long before = Environment.WorkingSet;
        Fill();
        _result.Add(Figures.PauseMemory, (double)(Environment.WorkingSet - before) / (Caches * _flows));
        _engine.OnCommand(_now, SyncCommand.CommitFlows, ticket: 1);
        _dumped = 0;
        _engine.OnSnapshot(_now, SnapshotPurpose.Repair, SnapshotStep.Begin, in _flow);
        bool isCommitting = true;
        while (isCommitting || _dumped >= 0 || _changed < Churn) isCommitting = Turn(isCommitting);
        _result.Add(Figures.PauseCommit, _committing / 1e3 / _flows);
        _turns.Sort();
        _result.Add(Figures.PauseWorst, _turns[^1]);
        _result.Add(Figures.PauseHigh, _turns[(int)(_turns.Count * 0.999)]);
        _result.Add(Figures.PauseMedian, _turns[_turns.Count / 2]);
        return _result;
    }

    public void Dispose()
    {
        _peer.Dispose();
        _engine.Dispose();
    }

    private void Fill()
    {
        for (int flow = 0; flow < _flows; flow++)
        {
            Event(_peer, FlowChange.New, _flows + flow, TcpState.Established);
            Event(_engine, FlowChange.New, flow, TcpState.Established);
            if (flow % 4096 == 0) Exchange();
        }

        for (int wait = 0; wait < 100; wait++) Exchange();
        if (_engine.Stats.External.Active != _flows) _result.Invalidate("the peer's flows did not arrive");
    }

    private bool Turn(bool isCommitting)
    {
        // What the peer does is not our time.
        for (int change = 0; change < EventsPerTurn / 4; change++)
            Event(_peer, FlowChange.Update, _flows + (_changed + change) % _flows, TcpState.FinWait);
        _now = new Instant(_now.Microseconds + 2000);
        _peer.OnDeadline(_now);

        long begun = ThreadNanoseconds();
        if (_engine.NextDeadline <= _now) _engine.OnDeadline(_now);
        Carry(_peer, _engine, most: 64);
        Change();
        Dump();
        long served = ThreadNanoseconds();
        Serve();
        _committing += ThreadNanoseconds() - served;
        List();
        Carry(_engine, _peer, most: 64);
        while (_engine.PollNotice(_now, ref _notice)) isCommitting &= _notice.Kind != SyncNoticeKind.CommitDone;
        _turns.Add((ThreadNanoseconds() - begun) / 1e6);
        return isCommitting;
    }

    // What the thread used: whoever else gets the processor meanwhile is not our pause.
    private static long ThreadNanoseconds()
    {
        const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID
        _ = Libc.GetClock(ThreadCpuTime, out Libc.TimeValue time);
        return (time.Seconds * 1_000_000_000) + time.Fraction;
    }

    private void Change()
    {
        for (int change = 0; change < EventsPerTurn / 2 && _changed < Churn; change++, _changed++)
        {
            Event(_engine, FlowChange.Destroy, _changed, TcpState.TimeWait);
            Event(_engine, FlowChange.New, (2 * _flows) + _changed, TcpState.Established);
        }
    }

    private void Dump()
    {
        if (_dumped < 0) return;
        for (int entry = 0; entry < DumpedPerTurn && _dumped < _flows; entry++, _dumped++)
        {
            Make(_dumped, TcpState.Established);
            _engine.OnSnapshot(_now, SnapshotPurpose.Repair, SnapshotStep.Entry, in _flow);
        }

        if (_dumped < _flows) return;
        _engine.OnSnapshot(_now, SnapshotPurpose.Repair, SnapshotStep.End, in _flow);
        _dumped = -1;
    }

    private void Serve()
    {
        for (int request = 0; request < RequestsPerTurn && _engine.PollKernel(_now, ref _request); request++)
            _engine.OnKernelAnswer(_now, _request.Kind, _request.Token, errno: 0);
    }

    private void List()
    {
        for (int entry = 0; entry < ListedPerTurn; entry++)
        {
            if (!_engine.ReadNext(CacheKind.External, ref _listed, _now, ref _flow, out _)) _listed = 0;
        }
    }

    private void Exchange()
    {
        _now = new Instant(_now.Microseconds + 10_000);
        _peer.OnDeadline(_now);
        _engine.OnDeadline(_now);
        Carry(_peer, _engine, int.MaxValue);
        Carry(_engine, _peer, int.MaxValue);
        while (_engine.PollNotice(_now, ref _notice)) continue;
        while (_peer.PollNotice(_now, ref _notice)) continue;
    }

    private void Carry(SyncEngine from, SyncEngine to, int most)
    {
        for (; most > 0 && from.PollTransmit(_now, _buffer, Capacity) is var length and > 0; most--)
            to.OnPeer(_now, default, default, _buffer.AsSpan(0, length));
    }

    private void Event(SyncEngine engine, FlowChange change, int flow, TcpState state)
    {
        Make(flow, state);
        engine.OnFlow(_now, change, EventOrigin.Other, in _flow);
    }

    private void Make(int flow, TcpState state)
    {
        _flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout
            | FlowFields.TcpState;
        _flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        _flow.Timeout = 3600;
        _flow.TcpState = (byte)state;
        ref FlowTuple tuple = ref _flow.Original;
        tuple.Family = AddressFamily.IPv4;
        tuple.Protocol = IpProtocol.Tcp;
        tuple.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
        tuple.Source = new Address((uint)(10 | ((flow >> 5) << 8)), 0);
        tuple.Destination = new Address(0x0a02_4d0a, 0);
        tuple.SourcePort = (ushort)(1024 + (flow & 31));
        tuple.DestinationPort = 80;
        _flow.Reply = tuple;
        (_flow.Reply.Source, _flow.Reply.Destination) = (tuple.Destination, tuple.Source);
        (_flow.Reply.SourcePort, _flow.Reply.DestinationPort) = (80, tuple.SourcePort);
    }
}
