using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>As an original speaks.</summary>
public sealed class PlainAllocationTests() : AllocationTests(new SyncOptions());

/// <summary>As two of ours speak.</summary>
public sealed class DenseAllocationTests() : AllocationTests(new SyncOptions { DenseFormat = true });

/// <summary>With the announce delay: flows that last are told when it is over.</summary>
public sealed class DelayedAllocationTests() : AllocationTests(
    new SyncOptions { DenseFormat = true, AnnounceDelayMilliseconds = 50 });

/// <summary>In the steady state nothing is allocated between an event and its acknowledgement.</summary>
public abstract class AllocationTests : IDisposable
{
    private const int FlowCount = 2000;

    private readonly SyncEngine _left;
    private readonly SyncEngine _right;
    private readonly byte[] _packet = new byte[1472 + SyncEngine.MessageLimit];
    private Instant _now = new(1_000_000);
    private PackedFlow _flow;
    private KernelRequest _request;
    private SyncNotice _notice;

    protected AllocationTests(SyncOptions options)
    {
        IsDense = options.DenseFormat;
        _left = new SyncEngine(options, new Seq(1), default);
        _right = new SyncEngine(options, new Seq(1_000_000), default);
    }

    private bool IsDense { get; }

    [Fact]
    public void From_event_to_acknowledgement_nothing_is_allocated()
    {
        for (int round = 0; round < 3; round++) Churn(round);
        Assert.Equal(0u, _left.Stats.Internal.Objects);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 3; round < 8; round++) Churn(round);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(_right.Stats.External.Created > 10_000);
        Assert.Equal(IsDense, _left.Stats.DenseSent > 10_000);
    }

    [Fact]
    public void Repetitions_after_loss_allocate_nothing()
    {
        for (int round = 0; round < 3; round++) Lose(round);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 3; round < 6; round++) Lose(round);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(_right.Stats.Lost > 100);
    }

    [Fact]
    public void A_commit_allocates_nothing_per_flow()
    {
        Churn(0);
        for (int flow = 0; flow < FlowCount; flow++) Event(FlowChange.New, flow, TcpState.Established);
        Exchange();
        for (int commit = 0; commit < 2; commit++) Commit();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Commit();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_listing_and_the_statistics_allocate_nothing()
    {
        Churn(0);
        for (int flow = 0; flow < FlowCount; flow++) Event(FlowChange.New, flow, TcpState.Established);
        Assert.Equal(FlowCount, List());
        long before = GC.GetAllocatedBytesForCurrentThread();
        List();
        _ = _left.Stats;
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Churn(int round)
    {
        for (int flow = 0; flow < FlowCount; flow++) Event(FlowChange.New, flow, TcpState.SynSent);
        Exchange();
        for (int flow = 0; flow < FlowCount; flow++) Event(FlowChange.Update, flow, TcpState.Established);
        Exchange();
        _now = _now.PlusMilliseconds(60);   // longer than the announce delay
        Exchange();
        for (int flow = 0; flow < FlowCount; flow++) Event(FlowChange.Destroy, flow, TcpState.TimeWait);
        Exchange();
        _now = _now.PlusMilliseconds(1100 + round);
        Exchange();
        _now = _now.PlusMilliseconds(1100);
        Exchange();
    }

    private void Lose(int round)
    {
        for (int flow = 0; flow < FlowCount; flow++) Event(FlowChange.New, flow, TcpState.Established);
        int packet = round;
        while (_left.PollTransmit(_now, _packet, 1472) is var length and not 0)
        {
            if (packet++ % 3 == 0) continue;
            _right.OnPeer(_now, default, default, _packet.AsSpan(0, length));
        }

        for (int second = 0; second < 3; second++)
        {
            _now = _now.PlusMilliseconds(1100);
            Exchange();
        }
    }

    private void Commit()
    {
        _right.OnCommand(_now, SyncCommand.Commit, ticket: 1);
        uint answered = 0;
        while (_right.PollKernel(_now, ref _request))
        {
            // One flow in eight is there already, as far as the kernel is concerned.
            bool isConflict = _request.Kind == KernelRequestKind.Create && answered++ % 8 == 0;
            _right.OnKernelAnswer(_now, _request.Kind, _request.Token, isConflict ? 17 : 0);
        }

        while (_right.PollNotice(_now, ref _notice)) continue;
    }

    private int List()
    {
        int listed = 0;
        ulong cursor = 0;
        while (_left.ReadNext(CacheKind.Internal, ref cursor, _now, ref _flow, out _)) listed++;
        return listed;
    }

    private void Event(FlowChange change, int number, TcpState state)
    {
        _flow = Flows.Tcp(number, state);
        _left.OnFlow(_now, change, EventOrigin.Other, in _flow);
    }

    // Both say what they have, until neither has anything.
    private void Exchange()
    {
        if (_now >= _left.NextDeadline) _left.OnDeadline(_now);
        if (_now >= _right.NextDeadline) _right.OnDeadline(_now);
        while (Carry(_left, _right) | Carry(_right, _left)) continue;
    }

    private bool Carry(SyncEngine from, SyncEngine to)
    {
        bool any = false;
        while (from.PollTransmit(_now, _packet, 1472) is var length and not 0)
        {
            to.OnPeer(_now, default, default, _packet.AsSpan(0, length));
            any = true;
        }

        return any;
    }
}
