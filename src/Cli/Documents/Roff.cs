using System.Text;

namespace TwinTrack.Cli.Documents;

/// <summary>Writes a manual page in the man macros of roff.</summary>
internal sealed class Roff
{
    private readonly StringBuilder _text = new();

    /// <summary>Starts a page of section 8.</summary>
    public Roff(string name, string version) => _text.Append($".TH {name.ToUpperInvariant()} 8 \"\" \"{version}\"\n");

    /// <summary>Starts a section.</summary>
    public Roff Section(string title)
    {
        _text.Append($".SH {title}\n");
        return this;
    }

    /// <summary>Writes a paragraph.</summary>
    public Roff Paragraph(string text)
    {
        _text.Append($".PP\n{Escape(text)}\n");
        return this;
    }

    /// <summary>Writes an item: what it is in bold, and below it what it does.</summary>
    public Roff Item(string head, string text)
    {
        _text.Append($".TP\n.B {Escape(head)}\n{Escape(text)}\n");
        return this;
    }

    /// <summary>Writes lines as they are.</summary>
    public Roff Example(params ReadOnlySpan<string> lines)
    {
        _text.Append(".PP\n.nf\n.RS\n");
        foreach (string line in lines) _text.Append($"{Escape(line)}\n");
        _text.Append(".RE\n.fi\n");
        return this;
    }

    /// <summary>The page.</summary>
    public override string ToString() => _text.ToString();

    private static string Escape(string text)
    {
        text = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return text.StartsWith('.') || text.StartsWith('\'') ? $"\\&{text}" : text;
    }
}
