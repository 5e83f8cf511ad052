using System.Diagnostics;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>One round of a pair in trouble: how long until the caches are equal all the same.</summary>
internal sealed class TroubleRound(
    BenchOptions options, Contestant contestant, Trouble trouble, int number, CancellationToken cancellation)
{
    private static readonly TimeSpan EqualDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PartitionTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BeforeRestart = TimeSpan.FromMilliseconds(100);

    private readonly int _half = options.Flows / 2;

    /// <summary>Runs the round in firewalls of its own.</summary>
    public RoundResult Run()
    {
        var result = new RoundResult(trouble.Workload, contestant.Subject, number);
        using var bed = TestBed.Build(reordersSync: trouble.Kind == TroubleKind.Reordering);
        using var pair = Pair.Start(contestant, bed.Topology, bed.Directory, cancellation);
        var watch = Stopwatch.StartNew();
        string? difference = trouble.Kind switch
        {
            TroubleKind.Partition => RunPartition(bed.Topology, pair, watch),
            TroubleKind.BothActive => RunBoth(bed.Topology, pair),
            TroubleKind.EventLoss => RunEventLoss(bed.Topology, pair, watch),
            TroubleKind.BackupRestart => RunRestart(bed.Topology, pair, watch),
            _ => RunBurst(bed.Topology, pair),
        };
        result.Add(trouble.Time, watch.Elapsed.TotalSeconds);
        if (difference is null) pair.WaitUntilIdle();
        result.Invalidate(difference ?? FlowSets.CompareCaches(pair.Primary, pair.Backup));
        if (trouble.Kind == TroubleKind.BothActive)
            result.Invalidate(FlowSets.CompareCaches(pair.Backup, pair.Primary));
        return result;
    }

    private string? RunBurst(Topology topology, Pair pair)
    {
        topology.SetSyncLoss(trouble.Percent);
        FlowGenerator.Create(topology.Primary.Namespace, options.Flows);
        return pair.WaitUntilEqual(options.Flows, EqualDeadline);
    }

    private string? RunPartition(Topology topology, Pair pair, Stopwatch watch)
    {
        FlowGenerator.Create(topology.Primary.Namespace, _half);
        if (pair.WaitUntilEqual(_half, EqualDeadline) is { } difference) return difference;

        topology.SetSyncLoss(100);
        var partition = Stopwatch.StartNew();
        FlowGenerator.Create(topology.Primary.Namespace, options.Flows - _half, first: _half);
        FlowGenerator.Delete(topology.Primary.Namespace, _half / 2);
        TimeSpan left = PartitionTime - partition.Elapsed;
        if (left > TimeSpan.Zero && cancellation.WaitHandle.WaitOne(left)) cancellation.ThrowIfCancellationRequested();
        topology.SetSyncLoss(0);
        watch.Restart();
        return pair.WaitUntilEqual(options.Flows - (_half / 2), EqualDeadline);
    }

    private string? RunBoth(Topology topology, Pair pair)
    {
        var second = new Thread(() => FlowGenerator.Create(topology.Backup.Namespace, _half, first: options.Flows));
        second.Start();
        FlowGenerator.Create(topology.Primary.Namespace, _half);
        second.Join();
        return pair.WaitUntilEqual(_half, EqualDeadline)
            ?? Pair.WaitUntilEqual(pair.Backup, pair.Primary, () => _half, EqualDeadline, cancellation);
    }

    // More comes than the largest receive buffer holds.
    private string? RunEventLoss(Topology topology, Pair pair, Stopwatch watch)
    {
        FlowGenerator.Create(topology.Primary.Namespace, _half);
        if (pair.WaitUntilEqual(_half, EqualDeadline) is { } difference) return difference;

        Signal("STOP", pair.Primary);
        FlowGenerator.Create(topology.Primary.Namespace, options.Flows - _half, first: _half);
        FlowGenerator.Delete(topology.Primary.Namespace, _half / 2);
        watch.Restart();
        Signal("CONT", pair.Primary);
        return pair.WaitUntilEqual(options.Flows - (_half / 2), EqualDeadline);
    }

    private static void Signal(string name, DaemonProcess daemon) =>
        Command.Require("/bin/sh", ["-c", $"kill -{name} {daemon.ProcessId}"]);

    private string? RunRestart(Topology topology, Pair pair, Stopwatch watch)
    {
        var burst = new Thread(() => FlowGenerator.Create(topology.Primary.Namespace, options.Flows));
        burst.Start();
        if (cancellation.WaitHandle.WaitOne(BeforeRestart)) cancellation.ThrowIfCancellationRequested();
        watch.Restart();
        pair.RestartBackup();
        burst.Join();
        return pair.WaitUntilEqual(options.Flows, EqualDeadline);
    }
}
