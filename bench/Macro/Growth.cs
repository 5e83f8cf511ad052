using System.Globalization;
using System.Text;

namespace TwinTrack.Bench;

/// <summary>How CPU, memory and commit go with the number of flows, as a drawing (SVG).</summary>
internal sealed class Growth(BenchOptions options, CancellationToken cancellation)
{
    private const int PanelWidth = 300;
    private const int PanelHeight = 220;
    private const int Left = 62;
    private const int Gap = 80;
    private const int Top = 56;

    private static readonly int[] Sizes = [1_000, 3_000, 10_000, 30_000, 100_000, 250_000];
    private static readonly Panel[] Panels =
    [
        new("CPU per flow in a burst, primary (µs)", Figures.BurstPrimary, Figures.BurstPrimaryKernel),
        new("Resident memory, primary (B per flow)", Figures.MemoryPrimary, null),
        new("Commit on the backup (s)", Figures.CommitTime, null),
    ];

    private readonly StringBuilder _svg = new();

    /// <summary>Measures every size with both.</summary>
    public List<Point> Measure(IReadOnlyList<Contestant> contestants)
    {
        List<Point> points = [];
        foreach (int flows in Sizes)
        {
            foreach (Contestant contestant in contestants)
            {
                BenchOptions sized = options with { Flows = flows, Workloads = [Workloads.Burst, Workloads.Commit] };
                List<RoundResult> rounds = [];
                for (int round = 1; round <= options.Rounds; round++)
                    rounds.AddRange(new BurstRound(sized, contestant, round, cancellation).Run());
                foreach (Panel panel in Panels)
                {
                    Add(points, rounds, contestant.Subject, flows, panel.Whole);
                    if (panel.Kernel is { } kernel) Add(points, rounds, contestant.Subject, flows, kernel);
                }

                Console.Error.WriteLine($"growth {flows,9:N0} {contestant.Subject}");
            }
        }

        return points;
    }

    /// <summary>Draws what was measured.</summary>
    public string Draw(List<Point> points)
    {
        _svg.Clear();
        int width = (Panels.Length * (PanelWidth + Gap)) + Left - 20;
        _svg.AppendLine(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {Top + PanelHeight + 50}\" "
            + "font-family=\"sans-serif\" font-size=\"12\">");
        _svg.AppendLine("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
        Text(Left, 22, "orange: original, blue: ours; dashed: the kernel's share; x: flows", "start");
        for (int panel = 0; panel < Panels.Length; panel++)
            Draw(Panels[panel], points, Left + (panel * (PanelWidth + Gap)));
        return _svg.AppendLine("</svg>").ToString();
    }

    private static void Add(List<Point> points, List<RoundResult> rounds, string subject, int flows, Figure figure)
    {
        double[] values = [.. rounds.Where(round => round.Invalid.Length == 0 && round[figure] is not null)
            .Select(round => round[figure]!.Value)];
        if (values.Length > 0) points.Add(new Point(subject, flows, figure, Samples.Median(values) ?? 0));
    }

    private void Draw(Panel panel, List<Point> all, int left)
    {
        Point[] points = [.. all.Where(point => point.Figure == panel.Whole || point.Figure == panel.Kernel)];
        double most = points.Length == 0 ? 1 : points.Max(point => point.Value);
        _svg.AppendLine(
            $"<rect x=\"{left}\" y=\"{Top}\" width=\"{PanelWidth}\" height=\"{PanelHeight}\" "
            + "fill=\"none\" stroke=\"#888888\"/>");
        Text(left, Top - 10, panel.Title, "start");
        foreach (int flows in Sizes)
            Text(left + X(flows), Top + PanelHeight + 18, flows < 1000 ? $"{flows}" : $"{flows / 1000}k", "middle");
        foreach (double share in (double[])[0, 0.5, 1])
        {
            string label = (share * most).ToString(most < 10 ? "0.00" : "0", CultureInfo.InvariantCulture);
            Text(left - 6, Top + PanelHeight - (share * (PanelHeight - 10)) + 4, label, "end");
        }

        foreach (string subject in (string[])[Subjects.Original, Subjects.Ours])
        {
            Point[] own = [.. points.Where(point => point.Subject == subject)];
            Line(own.Where(point => point.Figure == panel.Whole), left, most, subject, "");
            Line(own.Where(point => point.Figure == panel.Kernel), left, most, subject, " stroke-dasharray=\"5 4\"");
        }
    }

    private void Line(IEnumerable<Point> points, int left, double most, string subject, string style)
    {
        string color = subject == Subjects.Ours ? "#1f5fbf" : "#e07b00";
        string path = string.Join(' ', points.Select(point => string.Create(
            CultureInfo.InvariantCulture,
            $"{left + X(point.Flows):0.0},{Top + PanelHeight - (point.Value / most * (PanelHeight - 10)):0.0}")));
        if (path.Length == 0) return;
        _svg.AppendLine($"<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{style}/>");
    }

    private void Text(double x, double y, string text, string anchor) => _svg.AppendLine(
        string.Create(CultureInfo.InvariantCulture, $"<text x=\"{x:0.0}\" y=\"{y:0.0}\" text-anchor=\"{anchor}\">")
        + $"{text}</text>");

    // The axis is logarithmic.
    private static double X(int flows) => 15 + ((PanelWidth - 30) * Math.Log((double)flows / Sizes[0])
        / Math.Log((double)Sizes[^1] / Sizes[0]));

    private sealed record Panel(string Title, Figure Whole, Figure? Kernel);

    /// <summary>One measurement: a median over the rounds.</summary>
    internal sealed record Point(string Subject, int Flows, Figure Figure, double Value);
}
