using System.Text;

namespace TwinTrack.Router.Views;

/// <summary>A table with a title row, a row of dashes, and columns as wide as their longest cell.</summary>
internal sealed class SimpleTable(params string[] titles)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>The lines: two blanks between columns, none at the end.</summary>
    public override string ToString()
    {
        int[] widths = [.. titles.Select((title, i) =>
            Math.Max(title.Length + 2, _rows.Select(row => row[i].Length).DefaultIfEmpty().Max()))];
        var text = new StringBuilder();
        Append(text, titles, widths);
        Append(text, [.. widths.Select(width => new string('-', width))], widths);
        foreach (string[] row in _rows) Append(text, row, widths);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string[] cells, int[] widths)
    {
        string line = string.Join("  ", cells.Select((cell, i) => cell.PadRight(widths[i])));
        text.Append(line.TrimEnd()).Append('\n');
    }
}
