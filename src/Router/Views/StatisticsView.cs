using System.Text;

namespace TwinTrack.Router.Views;

/// <summary><c>show conntrack-sync statistics</c>: what the daemon says, with titles.</summary>
internal static class StatisticsView
{
    private const int TabWidth = 8;

    /// <summary>The text.</summary>
    /// <param name="main">What the daemon says of flows.</param>
    /// <param name="expect">What it says of expectations; null when they are not replicated.</param>
    public static string Text(string main, string? expect) => Expand(Raw(main, expect));

    /// <summary>The same with the daemon's tabs.</summary>
    public static string Raw(string main, string? expect)
    {
        string text = $"\nMain Table Statistics:\n\n{main}\n";
        return expect is null ? text : $"{text}\nExpect Table Statistics:\n\n{expect}\n";
    }

    /// <summary>Puts blanks in place of tabs, and takes away those at the ends of lines.</summary>
    public static string Expand(string text)
    {
        var expanded = new StringBuilder();
        foreach (string line in text.Split('\n'))
        {
            int start = expanded.Length;
            foreach (char c in line)
            {
                if (c != '\t') expanded.Append(c);
                else expanded.Append(' ', TabWidth - ((expanded.Length - start) % TabWidth));
            }

            while (expanded.Length > start && expanded[^1] == ' ') expanded.Length--;
            expanded.Append('\n');
        }

        expanded.Length--; // the text ends where it ended
        return expanded.ToString();
    }
}
