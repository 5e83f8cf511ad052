using System.Globalization;
using System.Text;

namespace TwinTrack.Bench;

/// <summary>How CPU, memory and commit go with the number of flows.</summary>
internal sealed class Growth(BenchOptions options, CancellationToken cancellation)
{
    // The kernel's share is counted in hundredths of a second.
    private const int LeastForKernel = 30_000;

    private static readonly int[] Sizes = [1_000, 3_000, 10_000, 30_000, 100_000, 250_000, 1_000_000];

    private IEnumerable<int> Wanted =>
        options.Sizes.Count > 0 ? options.Sizes : Sizes.Where(flows => flows <= Machine.TableLimit);

    /// <summary>Measures every size with both.</summary>
    public List<GrowthPoint> Measure(IReadOnlyList<Contestant> contestants)
    {
        List<GrowthPoint> points = [];
        foreach (int flows in Wanted)
        {
            foreach (Contestant contestant in contestants)
            {
                BenchOptions sized = options with { Flows = flows, Workloads = [Workloads.Burst, Workloads.Commit] };
                List<RoundResult> rounds = [];
                for (int round = 1; round <= options.Rounds; round++)
                    rounds.AddRange(new BurstRound(sized, contestant, round, cancellation).Run());
                foreach (GrowthFigure figure in GrowthFigure.All)
                {
                    if (figure.IsKernel && flows < LeastForKernel) continue;
                    double[] values =
                    [
                        .. rounds.Where(round => round.Invalid.Length == 0).Select(round => round[figure.Of])
                            .OfType<double>().Select(value => value * figure.Factor(flows)),
                    ];
                    if (values.Length > 0)
                        points.Add(new GrowthPoint(contestant.Subject, flows, figure, Samples.Median(values) ?? 0));
                }

                foreach (RoundResult round in rounds.Where(round => round.Invalid.Length > 0))
                    Console.Error.WriteLine($"INVALID: {round.Workload} {round.Subject} {flows:N0}: {round.Invalid}");
                Console.Error.WriteLine($"growth {flows,9:N0} {contestant.Subject}");
            }
        }

        return points;
    }
}

/// <summary>Something whose growth is drawn.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Of">The figure it is made of.</param>
/// <param name="IsPerFlow">Whether that one is of all flows, in seconds, and this one of each, in microseconds.</param>
/// <param name="IsTime">Whether it depends on how fast the machine is.</param>
internal sealed record GrowthFigure(string Name, Figure Of, bool IsPerFlow, bool IsTime)
{
    public static readonly GrowthFigure Cpu = new("CPU per flow, primary (µs)", Figures.BurstPrimary, false, true);
    public static readonly GrowthFigure CpuKernel =
        new("of it in the kernel, primary (µs)", Figures.BurstPrimaryKernel, false, true);
    public static readonly GrowthFigure Memory =
        new("memory per flow, primary (B)", Figures.MemoryPrimary, false, false);
    public static readonly GrowthFigure Commit = new("commit per flow (µs)", Figures.CommitTime, true, true);
    public static readonly GrowthFigure CommitKernel =
        new("CPU of it in the kernel (µs)", Figures.CommitKernel, true, true);

    public static readonly GrowthFigure[] All = [Cpu, CpuKernel, Memory, Commit, CommitKernel];

    public bool IsKernel => this == CpuKernel || this == CommitKernel;

    public double Factor(int flows) => IsPerFlow ? 1e6 / flows : 1;
}

/// <summary>One measurement: a median over the rounds.</summary>
/// <param name="Subject">Whose.</param>
/// <param name="Flows">How many flows.</param>
/// <param name="Figure">What.</param>
/// <param name="Value">The value.</param>
/// <param name="IsElsewhere">Whether it is of another machine.</param>
internal sealed record GrowthPoint(
    string Subject, int Flows, GrowthFigure Figure, double Value, bool IsElsewhere = false)
{
    private const int Common = 100_000;     // flows that both machines have measured

    /// <summary>The points as Markdown that <see cref="Elsewhere"/> reads.</summary>
    public static string Document(BenchOptions options, string[] machine, IEnumerable<GrowthPoint> points)
    {
        var text = new StringBuilder();
        text.AppendLine("# How cost grows with the number of flows").AppendLine();
        text.AppendLine("    " + options.CommandLine).AppendLine();
        foreach (string line in machine) text.AppendLine("- " + line);
        text.AppendLine().AppendLine("| flows | whose | what | value |").AppendLine("|---:|---|---|---:|");
        foreach (GrowthPoint point in points)
        {
            text.AppendLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {point.Flows:N0} | {point.Subject} | {point.Figure.Name} | {point.Value:0.00} |"));
        }

        return text.ToString();
    }

    /// <summary>
    /// Reads what another machine has measured beyond what this one could; times as they would be here if they grew
    /// alike from 100,000 flows on.
    /// </summary>
    public static List<GrowthPoint> Elsewhere(string[] lines, IReadOnlyList<GrowthPoint> here)
    {
        List<GrowthPoint> there = [.. lines.Select(Parse).OfType<GrowthPoint>()];
        List<GrowthPoint> beyond = [];
        int largest = here.Max(point => point.Flows);
        foreach (GrowthPoint point in there.Where(point => point.Flows > largest))
        {
            if (!point.Figure.IsTime) beyond.Add(point);
            else if (Find(here, point) is { } mine && Find(there, point) is { Value: > 0 } theirs)
                beyond.Add(point with { Value = point.Value * mine.Value / theirs.Value });
        }

        return beyond;
    }

    private static GrowthPoint? Find(IEnumerable<GrowthPoint> points, GrowthPoint like) => points.FirstOrDefault(
        point => point.Flows == Common && point.Subject == like.Subject && point.Figure == like.Figure);

    private static GrowthPoint? Parse(string line)
    {
        string[] cells = line.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (cells.Length != 4 || !int.TryParse(cells[0], NumberStyles.AllowThousands, culture, out int flows))
            return null;
        GrowthFigure? figure = GrowthFigure.All.FirstOrDefault(each => each.Name == cells[2]);
        return figure is null
            ? null
            : new GrowthPoint(cells[1], flows, figure, double.Parse(cells[3], culture), true);
    }
}
