using System.Net;

namespace TwinTrack.Router.Views;

/// <summary>
/// An element of a listing of conntrackd: names, values in quotation marks, text. No other XML is read.
/// </summary>
internal sealed class XmlElement
{
    private readonly List<XmlElement> _children = [];
    private readonly string _attributes;

    private XmlElement(string name, string attributes) => (Name, _attributes) = (name, attributes);

    public string Name { get; }

    /// <summary>What stands in it beside other elements.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Reads one element with all in it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static XmlElement Read(string text)
    {
        XmlElement? root = null;
        Stack<XmlElement> open = new();
        int at = 0;
        while (at < text.Length)
        {
            int start = text.IndexOf('<', at);
            if (start < 0) break;
            int end = text.IndexOf('>', start);
            if (end < 0) throw new FormatException("an element of the listing is not closed");

            if (open.Count > 0) open.Peek().Text += WebUtility.HtmlDecode(text[at..start]);
            string tag = text[(start + 1)..end];
            at = end + 1;
            if (tag.StartsWith('/'))
            {
                if (open.Count == 0 || open.Pop().Name != tag[1..])
                    throw new FormatException($"the listing closes <{tag}> where it is not open");
                continue;
            }

            bool isEmpty = tag.EndsWith('/');
            string[] parts = (isEmpty ? tag[..^1] : tag).Split(' ', 2);
            var element = new XmlElement(parts[0], parts.Length > 1 ? parts[1] : "");
            if (open.Count > 0) open.Peek()._children.Add(element);
            root ??= element;
            if (!isEmpty) open.Push(element);
        }

        return root is not null && open.Count == 0
            ? root
            : throw new FormatException("an element of the listing is not closed");
    }

    /// <summary>The value of an attribute; empty without it.</summary>
    public string Attribute(string name)
    {
        int start = $" {_attributes}".IndexOf($" {name}=\"", StringComparison.Ordinal);
        if (start < 0) return "";
        string rest = _attributes[(start + name.Length + 2)..];
        int end = rest.IndexOf('"');
        return end < 0 ? "" : WebUtility.HtmlDecode(rest[..end]);
    }

    /// <summary>An element in it; null without one.</summary>
    public XmlElement? Child(string name, string? direction = null) => _children.Find(child =>
        child.Name == name && (direction is null || child.Attribute("direction") == direction));
}
