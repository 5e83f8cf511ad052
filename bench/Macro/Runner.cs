using System.Diagnostics;
using System.Globalization;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>Runs the rounds, original and ours by turns, so that disturbances hit both.</summary>
internal sealed class Runner(BenchOptions options, CancellationToken cancellation)
{
    private const double QuietShare = 0.1;

    private readonly Samples _samples = new();
    private readonly Contestant[] _contestants =
        [new(Subjects.Original, options.Original), new(Subjects.Ours, options.Ours)];

    /// <summary>Runs everything asked for.</summary>
    public Samples Run()
    {
        WarmUp();
        for (int round = 1; round <= options.Rounds; round++)
        {
            // Who goes first changes, so that a drift of the machine does not favour one of them.
            Contestant[] order = round % 2 == 1 ? _contestants : [.. _contestants.Reverse()];
            if (options.Has(Workloads.Burst) || options.Has(Workloads.Dump) || options.Has(Workloads.Commit))
                foreach (Contestant contestant in order)
                    Take(() => new BurstRound(options, contestant, round, cancellation).Run());
            foreach (Trouble trouble in Trouble.All.Where(trouble => options.Has(trouble.Workload)))
                foreach (Contestant contestant in order)
                    Take(() => [new TroubleRound(options, contestant, trouble, round, cancellation).Run()]);
            if (options.Has(Workloads.Tools))
                foreach (Contestant contestant in order)
                    Take(() => [new ToolRound(options, contestant.Subject, ToolOf(contestant), round).Run()]);
            if (options.Has(Workloads.Delay))
                foreach (Contestant contestant in order)
                    Take(() => [new DelayRound(options, contestant, round, cancellation).Run()]);
            if (options.Has(Workloads.Pause)) Take(() => [PauseRound.Run(round)]);
            if (!options.Has(Workloads.Http)) continue;

            var http = new HttpRound(options, round, cancellation);
            Take(() => [http.RunBare()]);
            Take(() => [http.RunListener()]);
            foreach (Contestant contestant in order) Take(() => [http.RunPair(contestant)]);
            Take(() => [http.RunPair(new Contestant(Subjects.AtOnce, options.Ours, "Options { AnnounceDelay 0 }"))]);
        }

        return _samples;
    }

    private static string ToolOf(Contestant contestant) =>
        ToolRound.Program(contestant.Program);

    // The first flows would pay for the compilation of the code that makes them.
    private static void WarmUp()
    {
        using var bed = TestBed.Build();
        for (int i = 0; i < 5; i++) FlowGenerator.Create(bed.Topology.Primary.Namespace, 2000, first: i * 2000);
        _ = FlowSets.CompareKernels(bed.Topology.Primary.Namespace, bed.Topology.Primary.Namespace);
    }

    private void Take(Func<IEnumerable<RoundResult>> run)
    {
        WaitForQuiet();
        RoundResult[] list = [.. run()];
        _samples.Add(list);
        foreach (RoundResult result in list) Console.Error.WriteLine(Line(result));
        cancellation.ThrowIfCancellationRequested();
    }

    private void WaitForQuiet()
    {
        var watch = Stopwatch.StartNew();
        double others;
        do others = Machine.OtherWork(cancellation);
        while (others > QuietShare && watch.Elapsed < TimeSpan.FromSeconds(options.Quiet));
        _samples.OtherWork.Add(others);
    }

    private static string Line(RoundResult result)
    {
        Figure main = Figures.All.First(figure => figure.Workload == result.Workload);
        string value = result[main] is { } number ? $"{main.Format(number)} {main.Unit}".Trim() : "no figure";
        string invalid = result.Invalid.Length > 0 ? $"  INVALID: {result.Invalid}" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"round {result.Round}  {result.Workload,-9} {result.Subject,-13} {main.Name}: {value}{invalid}");
    }
}
