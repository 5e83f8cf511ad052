using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;

namespace TwinTrack.Sim.Shell;

/// <summary>Between an engine and its kernel: requests go there, answers and dumps come back later.</summary>
/// <remarks>It also knows what the kernel may be asked for: only what an operator or a repair has asked the engine.</remarks>
internal sealed class KernelPort(World world, Node node, Daemon daemon)
{
    private readonly uint _commitPort = world.NextPortId();
    private readonly uint _flushPort = world.NextPortId();
    private readonly Queue<(Instant At, KernelRequestKind Kind, uint Token, int Errno)> _answers = new();
    private readonly List<PackedFlow> _chunk = [];
    private KernelRequest _request;
    private int _unanswered;
    private Instant _lastAnswerAt;
    private ulong _cursor;
    private SnapshotPurpose? _dump;
    private bool _isDumpEnd;

    // What is permitted: each is given by a command or a fault, and used up by requests or notices.
    private int _commits;
    private int _flushes;
    private int _resyncs;
    private int _overruns;

    public bool HasInput => _dump is not null || (_answers.TryPeek(out var next) && next.At <= world.Now);

    public bool IsIdle => _dump is null && _unanswered == 0 && _commits == 0 && _flushes == 0 && _resyncs == 0;

    public EventOrigin OriginOf(uint portId)
    {
        if (portId == _commitPort) return EventOrigin.Commit;
        return portId == _flushPort ? EventOrigin.Flush : EventOrigin.Other;
    }

    /// <summary>A command was given: it permits requests.</summary>
    public void Commanded(SyncCommand command, SyncReply reply)
    {
        if (reply == SyncReply.Refused) return;
        switch (command)
        {
            case SyncCommand.Commit:
                _commits++;
                break;
            case SyncCommand.FlushKernel:
                _flushes++;
                break;
            case SyncCommand.ResyncKernel or SyncCommand.FlushInternalCache when node.Options.DisableInternalCache:
                break;
            case SyncCommand.ResyncKernel:
                _resyncs++;
                break;
            case SyncCommand.FlushCaches:
                daemon.Witness.External.Clear();
                node.Taint |= Taint.ExternalFlushed;
                ForgetInternal();
                break;
            case SyncCommand.FlushInternalCache:
                ForgetInternal();
                break;
            case SyncCommand.FlushExternalCache:
                daemon.Witness.External.Clear();
                node.Taint |= Taint.ExternalFlushed;
                break;
        }
    }

    public void Overrun()
    {
        if (node.Options.OverrunResyncSeconds is null) node.Taint |= Taint.Unrepaired;
        else _overruns++;
    }

    public void Noticed(in SyncNotice notice)
    {
        switch (notice.Kind)
        {
            case SyncNoticeKind.ResyncRequested:
                daemon.Witness.External.BeginRefresh();
                break;
            case SyncNoticeKind.CommitDone:
                _commits--;
                break;
            case SyncNoticeKind.KernelFlushDone:
                _flushes--;
                break;
            case SyncNoticeKind.KernelResyncDone:
                _resyncs--;
                break;
            case SyncNoticeKind.PurgingKernel:
                _flushes++;
                ForgetInternal();
                break;
            case SyncNoticeKind.RepairDone or SyncNoticeKind.PollDone:
                daemon.Witness.Internal.Sweep();
                break;
        }
    }

    private void ForgetInternal()
    {
        if (node.Options.DisableInternalCache) return;
        daemon.Witness.Internal.Clear();
        node.Taint |= Taint.InternalFlushed;
    }

    /// <summary>Asks the kernel what the engine wants to ask.</summary>
    public void SendRequests()
    {
        // The daemon reads the table at start before it does anything else with the kernel.
        if (_dump == SnapshotPurpose.Start) return;
        while (_unanswered < node.Shell.RequestLimit && daemon.Engine.PollKernel(world.Now, ref _request))
        {
            if (world.Trace.IsOn) world.Trace.Line($"{node.Name} asks {Describe(in _request)}");

            // The model tells shifts by its events: reading the flow again would say nothing new.
            if (_request.Kind == KernelRequestKind.Get) continue;
            Check(in _request);
            if (_request.Kind == KernelRequestKind.Dump)
            {
                StartDump(_request.Purpose);
                continue;
            }

            _unanswered++;
            long delay = 1 + node.Dice.Below(node.Shell.KernelMicroseconds);
            KernelRequest request = _request;
            int run = node.Run;
            _lastAnswerAt = new Instant(Math.Max(world.Now.Microseconds + delay, _lastAnswerAt.Microseconds));
            world.Agenda.At(_lastAnswerAt, () => Carry(request, run));
        }
    }

    /// <summary>Hands answers to the engine, in order.</summary>
    public void ReadAnswers()
    {
        while (_answers.TryPeek(out var answer) && answer.At <= world.Now)
        {
            _answers.Dequeue();
            _unanswered--;
            daemon.Engine.OnKernelAnswer(world.Now, answer.Kind, answer.Token, answer.Errno);
        }
    }

    public void StartDump(SnapshotPurpose purpose)
    {
        if (_dump is not null) throw daemon.Witness.Fail("wants two dumps at once");
        _dump = purpose;
        _cursor = 0;
        _isDumpEnd = false;
        daemon.Witness.Internal.BeginDump();
        daemon.Witness.Bypass?.BeginDump(purpose);
        daemon.Engine.OnSnapshot(world.Now, purpose, SnapshotStep.Begin, default);
        FillChunk();
        daemon.Wake();
    }

    /// <summary>Reads one datagram of a dump; with that the kernel makes the next.</summary>
    public void ReadDump()
    {
        if (_dump is not { } purpose) return;
        foreach (ref PackedFlow flow in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_chunk))
        {
            uint refused = daemon.Engine.Stats.Internal.CreateFailed;
            daemon.Engine.OnSnapshot(world.Now, purpose, SnapshotStep.Entry, in flow);
            bool isRefused = daemon.Engine.Stats.Internal.CreateFailed != refused;
            if (isRefused) node.Taint |= Taint.InternalFull;
            daemon.Witness.Bypass?.OnDumped(in flow);
            bool isNews = daemon.Witness.Internal.Dumped(in flow, isRefused);

            // What an operator's resync brings to light is told to nobody.
            if (isNews && purpose == SnapshotPurpose.Resync) node.Taint |= Taint.SilentChange;
            if (world.Trace.IsOn) world.Trace.Line($"{node.Name} dump {purpose} {TupleKey.Of(in flow)}");
        }

        _chunk.Clear();
        if (!_isDumpEnd)
        {
            FillChunk();
            return;
        }

        _dump = null;
        daemon.Engine.OnSnapshot(world.Now, purpose, SnapshotStep.End, default);
        daemon.Witness.Internal.EndDump();
        daemon.Witness.Bypass?.EndDump();
    }

    private void FillChunk()
    {
        PackedFlow flow = default;
        while (_chunk.Count < node.Shell.DumpChunk && !_isDumpEnd)
        {
            _isDumpEnd = !node.Kernel.DumpNext(ref _cursor, world.Now, ref flow);
            if (!_isDumpEnd) _chunk.Add(flow);
        }
    }

    private void Carry(KernelRequest request, int run)
    {
        if (run != node.Run || node.Daemon != daemon) return;
        int errno = request.Kind switch
        {
            KernelRequestKind.Create => node.Kernel.Create(world.Now, in request.Flow, exclusive: true, _commitPort),
            KernelRequestKind.Delete => node.Kernel.Delete(world.Now, in request.Flow, _commitPort),
            _ => Flush(),
        };
        if (world.Trace.IsOn) world.Trace.Line($"{node.Name} answer {errno} to {Describe(in request)}");
        _answers.Enqueue((world.Now, request.Kind, request.Token, errno));
        daemon.Wake();
    }

    // One by one, what passes the filter: as -F does.
    private int Flush()
    {
        PackedFlow flow = default;
        foreach (ModelFlow entry in node.Kernel.Flows.ToArray())
        {
            entry.FillDump(ref flow, world.Now);
            if (node.Options.Filter.Accepts(in flow, isDestroy: false))
                node.Kernel.Delete(world.Now, in flow, _flushPort);
        }

        return 0;
    }

    // The kernel gets only what a commit, a flush, a resync or a repair has asked for.
    private void Check(in KernelRequest request)
    {
        switch (request.Kind)
        {
            case KernelRequestKind.Create or KernelRequestKind.Delete:
                if (_commits == 0) throw daemon.Witness.Fail($"wants {Describe(in request)} without a commit");
                if (request.Origin != EventOrigin.Commit) throw daemon.Witness.Fail("calls a commit otherwise");
                TupleKey key = TupleKey.Of(in request.Flow);
                if (daemon.Witness.External.Find(in key) is null)
                    throw daemon.Witness.Fail($"wants {Describe(in request)}, which no peer has told");
                break;
            case KernelRequestKind.Flush:
                if (_flushes == 0) throw daemon.Witness.Fail("wants to flush the kernel for nobody");
                break;
            case KernelRequestKind.Dump when request.Purpose == SnapshotPurpose.Resync:
                if (_resyncs == 0) throw daemon.Witness.Fail("wants a dump for nobody");
                break;
            case KernelRequestKind.Dump when request.Purpose == SnapshotPurpose.Repair:
                if (_overruns == 0) throw daemon.Witness.Fail("repairs what is not broken");
                break;
            case KernelRequestKind.Dump when request.Purpose == SnapshotPurpose.Poll:
            case KernelRequestKind.Dump
                when request.Purpose == SnapshotPurpose.Bulk && node.Options.DisableInternalCache:
                break;
            default:
                throw daemon.Witness.Fail($"wants {Describe(in request)}");
        }
    }

    private static string Describe(in KernelRequest request) =>
        request.Kind is KernelRequestKind.Create or KernelRequestKind.Delete
            ? $"{request.Kind} {TupleKey.Of(in request.Flow)}"
            : $"{request.Kind} {request.Purpose}";
}
