using System.Diagnostics;
using System.Runtime.InteropServices;
using TwinTrack.Bench;
using TwinTrack.Lab;

return args is [Listener.Verb] ? Listener.Run() : BenchCommand.Invoke(args, Run);

static int Run(BenchOptions options)
{
    using var stop = new CancellationTokenSource();
    PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
    PosixSignalRegistration[] registrations =
    [
        .. signals.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true; // the run ends by itself and removes what it built
            stop.Cancel();
        })),
    ];
    try
    {
        if (Machine.Obstacle(options) is { } obstacle) throw new LabException(obstacle);
        Topology.RequireTools();
        RunDirectory.RemoveStale();
        string[] machine = [.. Machine.Describe(options)];
        if (options.Growth is { } drawing) return Draw(options, drawing, machine, stop.Token);
        var watch = Stopwatch.StartNew();
        Samples samples = new Runner(options, stop.Token).Run();
        var report = new Report(options, samples);
        Directory.CreateDirectory(Path.GetDirectoryName(options.Output)!);
        File.WriteAllText(options.Output, report.Document(machine, watch.Elapsed));
        Console.Write(report.Summary());
        Console.WriteLine($"written to {options.Output}");
        return samples.HasInvalid ? 1 : 0;
    }
    catch (Exception e) when (stop.IsCancellationRequested && e is LabException or OperationCanceledException)
    {
        // Ctrl-C reaches the programs of the run as well, which then fail one way or another.
        Console.Error.WriteLine("stopped");
        return 130;
    }
    catch (LabException e)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
    finally
    {
        foreach (PosixSignalRegistration registration in registrations) registration.Dispose();
    }
}

static int Draw(BenchOptions options, string path, string[] machine, CancellationToken cancellation)
{
    Contestant[] contestants = [new(Subjects.Original, options.Original), new(Subjects.Ours, options.Ours)];
    var growth = new Growth(options, cancellation);
    List<GrowthPoint> points = growth.Measure(contestants);
    string document = GrowthPoint.Document(options, machine, points);
    Directory.CreateDirectory(Path.GetDirectoryName(options.Output)!);
    File.WriteAllText(options.Output, document);
    Console.Write(document);
    if (options.Sizes.Count > 0) return 0;     // a part of the picture
    if (options.Elsewhere is { } elsewhere)
        points.AddRange(GrowthPoint.Elsewhere(File.ReadAllLines(elsewhere), points));
    File.WriteAllText(path, GrowthPlot.Draw(points));
    Console.WriteLine($"drawn to {path}");
    return 0;
}
