using BenchmarkDotNet.Attributes;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;

namespace TwinTrack.Bench.Micro;

/// <summary>The packed store of flows, filled; each operation meets another flow, in no order.</summary>
public class StoreBenchmarks
{
    private const int Operations = 16_384;

    private EntrySlabs _slabs = null!;
    private FlowStore _store = null!;
    private PackedFlow[] _flows = [];
    private PackedFlow _read;

    [Params(100_000, 1_000_000)]
    public int Flows { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _slabs = new EntrySlabs();
        _store = new FlowStore(_slabs, seed: 1);
        for (int number = 0; number < Flows; number++)
        {
            PackedFlow flow = MadeUpFlows.Tcp(number);
            _store.Add(new FlowKey(in flow), in flow, EntryState.Alive, nowSeconds: 1);
        }

        _flows = [.. MadeUpFlows.Shuffled(Flows).Take(Operations).Select(number => MadeUpFlows.Tcp(number))];
    }

    [GlobalCleanup]
    public void Free()
    {
        _store.Dispose();
        _slabs.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public uint Find()
    {
        uint sum = 0;
        foreach (ref readonly PackedFlow flow in _flows.AsSpan()) sum += _store.Find(new FlowKey(in flow));
        return sum;
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public int FindAndMerge()
    {
        int changed = 0;
        foreach (ref readonly PackedFlow flow in _flows.AsSpan())
            changed += _store.Merge(_store.Find(new FlowKey(in flow)), in flow, nowSeconds: 2) ? 1 : 0;
        return changed;
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public uint FindAndRead()
    {
        uint sum = 0;
        foreach (ref readonly PackedFlow flow in _flows.AsSpan())
        {
            _store.Read(_store.Find(new FlowKey(in flow)), ref _read);
            sum += _read.Timeout;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public void RemoveAndAdd()
    {
        foreach (ref readonly PackedFlow flow in _flows.AsSpan())
        {
            var key = new FlowKey(in flow);
            uint handle = _store.Find(in key);
            _store.Unindex(handle);
            _store.Remove(handle);
            _store.Add(in key, in flow, EntryState.Alive, nowSeconds: 2);
        }
    }
}
