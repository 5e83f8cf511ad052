using System.Diagnostics;
using System.Globalization;
using TwinTrack.Sim.Chaos;

namespace TwinTrack.Sim;

/// <summary>The command line of the simulator.</summary>
internal static class Cli
{
    private const string Usage =
        """
        usage: sim --seed N [--trace]    one seed; with its trace
               sim --seeds A..B          these seeds
               sim --forever             seeds from the time of day on, until one fails or Ctrl-C
               sim --scenario FILE [--trace]      a story told in lines (tests/Sim/scenarios)
        A seed that fails is printed with the command that replays it. The exit status is 1 if one failed.
        """;

    public static int Run(string[] args)
    {
        switch (args)
        {
            case ["--seed", var text, .. var rest]
                when ulong.TryParse(text, out ulong seed) && rest is [] or ["--trace"]:
                return RunOne(seed, rest.Length == 0 ? null : Console.Out);
            case ["--seeds", var text]
                when text.Split("..") is [var from, var to]
                    && ulong.TryParse(from, out ulong first) && ulong.TryParse(to, out ulong last):
                return RunMany(first, last);
            case ["--scenario", var file, .. var rest] when rest is [] or ["--trace"]:
                string? wrong = Scenario.Try(file, rest.Length == 0 ? null : Console.Out);
                Console.WriteLine(wrong ?? $"{file} passed");
                return wrong is null ? 0 : 1;
            case ["--forever"]:
                return RunMany((ulong)DateTime.UtcNow.Ticks / 1_000_000 * 1_000_000, ulong.MaxValue);
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    /// <summary>Runs one seed.</summary>
    /// <returns>What went wrong; null if nothing did.</returns>
    public static string? Try(ulong seed, TextWriter? trace = null, Tamper? tamper = null)
    {
        using var simulation = new Simulation(Plan.Draw(seed), trace, tamper);
        try
        {
            simulation.Run();
            return null;
        }
        catch (SimFailure failure)
        {
            return $"seed {seed} failed {failure.Message}\nreplay: dotnet run --project tests/Sim -- --seed {seed} --trace";
        }
    }

    private static int RunOne(ulong seed, TextWriter? trace)
    {
        string? failure = Try(seed, trace);
        Console.WriteLine(failure ?? $"seed {seed} passed");
        return failure is null ? 0 : 1;
    }

    private static int RunMany(ulong first, ulong last)
    {
        var watch = Stopwatch.StartNew();
        long passed = 0;
        long failed = 0;
        var next = first;
        var sync = new Lock();
        var workers = new Thread[Environment.ProcessorCount];
        for (int worker = 0; worker < workers.Length; worker++)
        {
            workers[worker] = new Thread(() =>
            {
                while (true)
                {
                    ulong seed;
                    lock (sync)
                    {
                        if (next > last || (last == ulong.MaxValue && failed > 0)) return;
                        seed = next++;
                    }

                    string? failure = Try(seed);
                    lock (sync)
                    {
                        if (failure is null) passed++;
                        else failed++;
                        if (failure is not null) Console.WriteLine(failure);
                        if ((passed + failed) % 1000 == 0)
                            Console.WriteLine($"{passed} passed, {failed} failed, {Seconds(watch)} s");
                    }
                }
            });
            workers[worker].Start();
        }

        foreach (Thread worker in workers) worker.Join();
        Console.WriteLine($"{passed} passed, {failed} failed, {Seconds(watch)} s");
        return failed == 0 ? 0 : 1;
    }

    private static string Seconds(Stopwatch watch) => watch.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture);
}
