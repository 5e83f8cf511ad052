using System.CommandLine;
using System.Globalization;

namespace TwinTrack.Bench;

/// <summary>The command line.</summary>
internal static class BenchCommand
{
    /// <summary>Reads the arguments and runs.</summary>
    /// <param name="args">As the shell gave them.</param>
    /// <param name="run">Takes what they ask for and gives the exit status.</param>
    public static int Invoke(string[] args, Func<BenchOptions, int> run)
    {
        string root = FindRoot();
        var only = new Option<string[]>("--only")
        {
            Description = "Measure only some of the workloads; may be given several times.",
            AllowMultipleArgumentsPerToken = true,
        };
        only.AcceptOnlyFromAmong(Workloads.All);
        var trouble = new Option<bool>("--trouble")
        {
            Description = "Measure how long caches take to become equal in each kind of trouble, and nothing else.",
        };
        Option<int> flows = Number("--flows", 100_000, "Flows of all workloads but http.");
        Option<int> rounds = Number("--rounds", 3, "How often everything is repeated.");
        Option<int> seconds = Number("--seconds", 8, "Seconds of HTTP load for each set-up of a round.");
        Option<int> quiet = Number(
            "--quiet", 0, "Seconds to wait at most before each set-up for other programs to leave the machine alone.");
        var fewer = new Option<bool>("--fewer-events")
        {
            Description = "Load docs/examples/fewer-events.nft into the firewalls before the HTTP load.",
        };
        var growth = new Option<bool>("--growth")
        {
            Description = "Draw CPU, memory and commit by the number of flows into docs/growth.svg, and nothing else.",
        };
        var sizes = new Option<int[]>("--sizes")
        {
            Description = "With --growth: numbers of flows, instead of all that the host's table holds.",
            AllowMultipleArgumentsPerToken = true,
        };
        var elsewhere = new Option<string?>("--elsewhere")
        {
            Description = "With --growth: what another machine's run has written; drawn hollow, times in proportion.",
        };
        Option<string> ours = Text("--ours", Path.Combine(root, "dist", "conntrackd"), "Our conntrackd.");
        Option<string> original = Text(
            "--original", Lab.Command.Find("conntrackd") ?? "/usr/sbin/conntrackd", "The original conntrackd.");
        Option<string> output = Text("--output", StandardOutput(root), "File for the Markdown.");
        var command = new RootCommand("Measures the original conntrackd and ours side by side.")
        {
            only, trouble, flows, rounds, seconds, quiet, fewer, growth, sizes, elsewhere, ours, original, output,
        };
        command.SetAction(parsed => run(new BenchOptions
        {
            Workloads = Choose(parsed.GetValue(only) ?? [], parsed.GetValue(trouble)),
            Flows = parsed.GetValue(flows),
            Rounds = parsed.GetValue(rounds),
            Seconds = parsed.GetValue(seconds),
            Quiet = parsed.GetValue(quiet),
            EventRules = parsed.GetValue(fewer) ? Path.Combine(root, "docs", "examples", "fewer-events.nft") : null,
            Growth = parsed.GetValue(growth) ? Path.Combine(root, "docs", "growth.svg") : null,
            Sizes = parsed.GetValue(sizes) ?? [],
            Elsewhere = parsed.GetValue(elsewhere),
            Ours = Path.GetFullPath(parsed.GetValue(ours)!),
            Original = Path.GetFullPath(parsed.GetValue(original)!),
            Output = Path.GetFullPath(parsed.GetValue(output)!),
            CommandLine = "make bench" + (args.Length > 0 ? $" ARGS=\"{string.Join(' ', args)}\"" : ""),
        }));
        return command.Parse(args).Invoke();
    }

    private static string[] Choose(string[] only, bool isTrouble)
    {
        IEnumerable<string> troubles = Trouble.All.Select(trouble => trouble.Workload);
        if (isTrouble) return [.. only, .. troubles.Except(only, StringComparer.Ordinal)];
        return only.Length > 0 ? only : Workloads.Standard;
    }

    private static Option<int> Number(string name, int standard, string description)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            int least = Math.Min(standard, 1);
            if (result.GetValueOrDefault<int>() < least) result.AddError($"{name} takes a number of at least {least}");
        });
        return option;
    }

    private static Option<string> Text(string name, string standard, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => standard };

    private static string StandardOutput(string root) => Path.Combine(
        root, "bench", "results",
        string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd}-{Machine.Name()}.md"));

    // The results belong to the sources, wherever the program was started from.
    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "twintrack.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? Environment.CurrentDirectory;
    }
}
