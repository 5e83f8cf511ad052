using System.Diagnostics;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>One round of a pair: a burst of new flows, then dumps and a commit of what the backup learnt.</summary>
internal sealed class BurstRound(
    BenchOptions options, Contestant contestant, int number, CancellationToken cancellation)
{
    private const int Dumps = 3; // their CPU is counted in hundredths of a second: a single one would be too coarse

    private const int FlowsPerMinute = 100_000; // that every machine manages

    private readonly RoundResult _burst = new(Workloads.Burst, contestant.Subject, number);
    private readonly RoundResult _dump = new(Workloads.Dump, contestant.Subject, number);
    private readonly RoundResult _commit = new(Workloads.Commit, contestant.Subject, number);

    private TimeSpan EqualDeadline => TimeSpan.FromMinutes(Math.Max(1, (double)options.Flows / FlowsPerMinute));

    private TimeSpan ClientDeadline => 2 * EqualDeadline;

    /// <summary>Runs the round in firewalls of its own.</summary>
    /// <returns>A result for each workload asked for.</returns>
    public IEnumerable<RoundResult> Run()
    {
        using var bed = TestBed.Build();
        using var pair = Pair.Start(contestant, bed.Topology, bed.Directory, cancellation);
        RunBurst(bed.Topology, pair);
        if (options.Has(Workloads.Dump)) RunDumps(pair);
        if (options.Has(Workloads.Commit)) RunCommit(bed.Topology, pair);

        // What a pair that does not agree dumps or commits is no figure either.
        _dump.Invalidate(_burst.Invalid);
        _commit.Invalidate(_burst.Invalid);
        return ((RoundResult[])[_burst, _dump, _commit]).Where(result => options.Has(result.Workload));
    }

    private void RunBurst(Topology topology, Pair pair)
    {
        var primary = SideMeter.Start(topology.Primary, pair.Primary);
        var backup = SideMeter.Start(topology.Backup, pair.Backup);
        var watch = Stopwatch.StartNew();
        FlowGenerator.Create(topology.Primary.Namespace, options.Flows);
        TimeSpan created = watch.Elapsed;
        string? difference = pair.WaitUntilEqual(options.Flows, EqualDeadline);
        TimeSpan equal = watch.Elapsed;
        _burst.Add(Figures.TimeToEqual, equal.TotalSeconds);
        _burst.Add(Figures.TimeAfterLast, (equal - created).TotalSeconds);
        pair.WaitUntilIdle();
        Add(primary.Stop(), Figures.BurstPrimary, Figures.BurstPrimaryKernel, Figures.MemoryPrimary,
            Figures.PeakPrimary, Figures.BurstBytesPrimary, Figures.BurstPacketsPrimary);
        Add(backup.Stop(), Figures.BurstBackup, Figures.BurstBackupKernel, Figures.MemoryBackup,
            Figures.PeakBackup, Figures.BurstBytesBackup, Figures.BurstPacketsBackup);
        _burst.Add(Figures.BasePrimary, primary.BaseMemory / 1024.0);
        _burst.Invalidate(difference ?? FlowSets.CompareCaches(pair.Primary, pair.Backup));
    }

    private void Add(
        SideCost cost, Figure cpu, Figure kernel, Figure memory, Figure peak, Figure bytes, Figure datagrams)
    {
        _burst.Add(cpu, cost.Cpu.Total.TotalMicroseconds / options.Flows);
        _burst.Add(kernel, cost.Cpu.Kernel.TotalMicroseconds / options.Flows);
        _burst.Add(memory, (double)cost.MemoryGrowth / options.Flows);
        _burst.Add(peak, (double)cost.PeakGrowth / options.Flows);
        _burst.Add(bytes, (double)cost.Counters.PayloadBytes / options.Flows);
        _burst.Add(datagrams, cost.Counters.Datagrams * 1000.0 / options.Flows);
        _burst.Invalidate(cost.Losses());
    }

    private void RunDumps(Pair pair)
    {
        pair.WaitUntilIdle();
        CpuTime before = ProcessCost.Cpu(pair.Backup.ProcessId);
        (double told, TimeSpan client) = Dump(pair.Backup, "-e");
        pair.WaitUntilIdle();
        _dump.Add(Figures.DumpTime, told);
        _dump.Add(Figures.DumpDaemon, (ProcessCost.Cpu(pair.Backup.ProcessId) - before).Total.TotalSeconds / Dumps);
        _dump.Add(Figures.DumpClient, client.TotalSeconds / Dumps);
        _dump.Add(Figures.DumpOwnTime, Dump(pair.Primary, "-i").Seconds);
    }

    // The median of some calls, and what the client used in all of them.
    private (double Seconds, TimeSpan Client) Dump(DaemonProcess daemon, string option)
    {
        List<double> seconds = [];
        TimeSpan client = TimeSpan.Zero;
        for (int i = 0; i < Dumps; i++)
        {
            (TimeSpan elapsed, TimeSpan cpu) = Call(daemon, option, _dump);
            seconds.Add(elapsed.TotalSeconds);
            client += cpu;
        }

        seconds.Sort();
        return (seconds[Dumps / 2], client);
    }

    private void RunCommit(Topology topology, Pair pair)
    {
        // The firewall that is taken over from is gone. Netfilter's listeners are known to all namespaces of a host at
        // once: as long as its daemon listened, the kernel would make an event for each flow of the other, too.
        pair.Primary.Kill();
        var watch = Stopwatch.StartNew();
        CpuTime before = ProcessCost.Cpu(pair.Backup.ProcessId);
        (TimeSpan elapsed, TimeSpan client) = Call(pair.Backup, "-c", _commit);

        // A client that returns before the work is done must not look faster for it.
        watch.Restart();
        while (topology.Backup.CountFlows() != options.Flows && watch.Elapsed < EqualDeadline)
            if (cancellation.WaitHandle.WaitOne(10)) cancellation.ThrowIfCancellationRequested();
        if (watch.Elapsed > TimeSpan.FromMilliseconds(50))
        {
            elapsed += watch.Elapsed;
            _commit.Note = $"the client returned {watch.Elapsed.TotalSeconds:0.000} s too early";
        }

        pair.WaitUntilBackupIsIdle();
        _commit.Add(Figures.CommitTime, elapsed.TotalSeconds);
        CpuTime used = ProcessCost.Cpu(pair.Backup.ProcessId) - before;
        _commit.Add(Figures.CommitDaemon, used.Total.TotalSeconds);
        _commit.Add(Figures.CommitKernel, used.Kernel.TotalSeconds);
        _commit.Add(Figures.CommitClient, client.TotalSeconds);
        _commit.Invalidate(FlowSets.CompareKernels(topology.Primary.Namespace, topology.Backup.Namespace));
    }

    // Runs the program's own client as an operator does, its output thrown away.
    private (TimeSpan Elapsed, TimeSpan Cpu) Call(DaemonProcess daemon, string option, RoundResult result)
    {
        const string Discard = "exec \"$0\" \"$@\" >/dev/null";
        TimeSpan before = ProcessCost.CollectedChildren();
        CommandResult call = Command.Run(
            "/bin/sh", ["-c", Discard, daemon.Program, "-C", daemon.ConfigPath, option], timeout: ClientDeadline);
        if (call.ExitCode != 0) result.Invalidate($"{option} exited with {call.ExitCode}: {call.FirstLine}");
        return (call.Elapsed, ProcessCost.CollectedChildren() - before);
    }
}
