using System.Globalization;
using System.Text;

namespace TwinTrack.Bench;

/// <summary>How cost grows with the number of flows, as a drawing (SVG).</summary>
internal static class GrowthPlot
{
    private const int PanelWidth = 300;
    private const int PanelHeight = 220;
    private const int Left = 62;
    private const int Gap = 80;
    private const int Top = 72;
    private const int Least = 1_000;
    private const int Most = 1_000_000;
    private const string Dashes = " stroke-dasharray=\"5 4\"";

    private static readonly Panel[] Panels =
    [
        new("CPU per new flow, primary (µs)", GrowthFigure.Cpu, GrowthFigure.CpuKernel),
        new("Resident memory per flow, primary (B)", GrowthFigure.Memory, null),
        new("Commit per flow (µs)", GrowthFigure.Commit, GrowthFigure.CommitKernel),
    ];

    /// <summary>Draws points.</summary>
    public static string Draw(IReadOnlyList<GrowthPoint> points)
    {
        var svg = new StringBuilder();
        int width = (Panels.Length * (PanelWidth + Gap)) + Left - 20;
        svg.AppendLine(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {Top + PanelHeight + 50}\" "
            + "font-family=\"sans-serif\" font-size=\"12\">");
        svg.AppendLine("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
        Text(svg, Left, 20, "orange: the original, blue: ours; dashed: the kernel's share; x: flows");
        if (points.Any(point => point.IsElsewhere))
        {
            Text(svg, Left, 38, "hollow: measured in a virtual machine; "
                + "times as they would be here if they grew alike from 100,000 flows on");
        }

        for (int panel = 0; panel < Panels.Length; panel++)
            Draw(svg, Panels[panel], points, Left + (panel * (PanelWidth + Gap)));
        return svg.AppendLine("</svg>").ToString();
    }

    private static void Draw(StringBuilder svg, Panel panel, IEnumerable<GrowthPoint> all, int left)
    {
        GrowthPoint[] points = [.. all.Where(point => point.Figure == panel.Whole || point.Figure == panel.Kernel)];
        double most = points.Length == 0 ? 1 : points.Max(point => point.Value);
        svg.AppendLine(
            $"<rect x=\"{left}\" y=\"{Top}\" width=\"{PanelWidth}\" height=\"{PanelHeight}\" "
            + "fill=\"none\" stroke=\"#888888\"/>");
        Text(svg, left, Top - 10, panel.Title);
        for (int flows = Least; flows <= Most; flows *= 10)
        {
            string label = flows < Most ? $"{flows / 1000}k" : "1M";
            Text(svg, left + X(flows), Top + PanelHeight + 18, label, "middle");
        }

        foreach (double share in (double[])[0, 0.5, 1])
        {
            string label = (share * most).ToString(most < 10 ? "0.00" : "0", CultureInfo.InvariantCulture);
            Text(svg, left - 6, Y(share) + 4, label, "end");
        }

        foreach (string subject in (string[])[Subjects.Original, Subjects.Ours])
        {
            GrowthPoint[] own = [.. points.Where(point => point.Subject == subject).OrderBy(point => point.Flows)];
            Line(svg, own.Where(point => point.Figure == panel.Whole), left, most, subject, "");
            Line(svg, own.Where(point => point.Figure == panel.Kernel), left, most, subject, Dashes);
        }
    }

    private static void Line(
        StringBuilder svg, IEnumerable<GrowthPoint> points, int left, double most, string subject, string style)
    {
        string color = subject == Subjects.Ours ? "#1f5fbf" : "#e07b00";
        var path = new StringBuilder();
        var dots = new StringBuilder();
        foreach (GrowthPoint point in points)
        {
            (double x, double y) = (left + X(point.Flows), Y(point.Value / most));
            path.Append(CultureInfo.InvariantCulture, $"{x:0.0},{y:0.0} ");
            dots.AppendLine(string.Create(
                CultureInfo.InvariantCulture,
                $"<circle cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"3\" stroke=\"{color}\" ")
                + $"fill=\"{(point.IsElsewhere ? "#ffffff" : color)}\"/>");
        }

        if (path.Length == 0) return;
        svg.AppendLine(
            $"<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"{style}/>");
        svg.Append(dots);
    }

    private static void Text(StringBuilder svg, double x, double y, string text, string anchor = "start") =>
        svg.AppendLine(string.Create(
            CultureInfo.InvariantCulture, $"<text x=\"{x:0.0}\" y=\"{y:0.0}\" text-anchor=\"{anchor}\">")
            + $"{text}</text>");

    // The axis is logarithmic.
    private static double X(int flows) =>
        15 + ((PanelWidth - 30) * Math.Log((double)flows / Least) / Math.Log((double)Most / Least));

    private static double Y(double share) => Top + PanelHeight - (share * (PanelHeight - 10));

    private sealed record Panel(string Title, GrowthFigure Whole, GrowthFigure? Kernel);
}
