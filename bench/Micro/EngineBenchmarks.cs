using BenchmarkDotNet.Attributes;
using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Bench.Micro;

/// <summary>Two engines that replicate, without kernel, sockets and loop; each event is about another flow.</summary>
public class EngineBenchmarks
{
    private const int Events = 8_192;
    private const int EventsPerDrain = 64;
    private const int Capacity = 1472;

    private readonly byte[] _buffer = new byte[Capacity + SyncEngine.MessageLimit];
    private readonly PackedFlow[][] _versions = new PackedFlow[2][];
    private SyncEngine _primary = null!;
    private SyncEngine _backup = null!;
    private Instant _now = new(1_000_000);
    private int _version;

    [Params(100_000)]
    public int Flows { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        var options = new SyncOptions { CacheLimit = 2 * Flows };
        _primary = new SyncEngine(options, new Seq(1), _now);
        _backup = new SyncEngine(options, new Seq(1_000_000), _now);
        for (int number = 0; number < Flows; number++)
        {
            PackedFlow flow = MadeUpFlows.Tcp(number);
            Tell(FlowChange.New, in flow);
            if (number % EventsPerDrain == 0) Exchange();
        }

        int[] chosen = [.. MadeUpFlows.Shuffled(Flows).Take(Events)];
        _versions[0] = [.. chosen.Select(number => MadeUpFlows.Tcp(number, TcpState.FinWait))];
        _versions[1] = [.. chosen.Select(number => MadeUpFlows.Tcp(number))];
        Exchange();
        if (_backup.Stats.External.Active != Flows)
            throw new InvalidOperationException("the flows did not arrive");
    }

    [GlobalCleanup]
    public void Free()
    {
        _primary.Dispose();
        _backup.Dispose();
    }

    /// <summary>
    /// From the event through packet and external cache to the acknowledgement: the work of both sides.
    /// </summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void ReplicateUpdates()
    {
        PackedFlow[] flows = _versions[_version];
        _version = 1 - _version;
        for (int i = 0; i < flows.Length; i++)
        {
            Tell(FlowChange.Update, in flows[i]);
            if (i % EventsPerDrain == 0) Exchange();
        }

        Exchange();
    }

    /// <summary>A flow that ends and its tuple's next one.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void ReplicateDestroyAndNew()
    {
        PackedFlow[] flows = _versions[1];
        for (int i = 0; i < flows.Length; i++)
        {
            Tell(FlowChange.Destroy, in flows[i]);
            if (i % EventsPerDrain == 0) Exchange();
        }

        Exchange();
        for (int i = 0; i < flows.Length; i++)
        {
            Tell(FlowChange.New, in flows[i]);
            if (i % EventsPerDrain == 0) Exchange();
        }

        Exchange();
    }

    private void Tell(FlowChange change, in PackedFlow flow) =>
        _primary.OnFlow(_now, change, EventOrigin.Other, in flow);

    // Until neither has anything to say; time moves on so that a full window is acknowledged.
    private void Exchange()
    {
        do
        {
            _now = new(_now.Microseconds + 1000);
            _primary.OnDeadline(_now);
            _backup.OnDeadline(_now);
            Carry(_primary, _backup);
            Carry(_backup, _primary);
        }
        while (_primary.Stats.TransmitQueue > 0);
    }

    private void Carry(SyncEngine from, SyncEngine to)
    {
        while (from.PollTransmit(_now, _buffer, Capacity) is var length and > 0)
            to.OnPeer(_now, default, default, _buffer.AsSpan(0, length));
    }
}
