using System.Text;

namespace TwinTrack.Router.Config;

/// <summary>
/// Parts a line into words: blanks between them, quotation marks of either kind around those with blanks.
/// </summary>
internal static class WordSplitter
{
    /// <summary>The words of a line.</summary>
    /// <exception cref="PathException">A quotation mark is not closed.</exception>
    public static List<string> Split(string line)
    {
        List<string> words = [];
        var word = new StringBuilder();
        bool isOpen = false;
        char quote = '\0';
        foreach (char c in line)
        {
            if (quote != '\0')
            {
                if (c == quote) quote = '\0';
                else word.Append(c);
            }
            else if (c is '\'' or '"')
            {
                quote = c;
                isOpen = true;
            }
            else if (char.IsWhiteSpace(c))
            {
                if (isOpen) words.Add(word.ToString());
                word.Clear();
                isOpen = false;
            }
            else
            {
                word.Append(c);
                isOpen = true;
            }
        }

        if (quote != '\0') throw new PathException("S01", $"a quotation mark {quote} is not closed");
        if (isOpen) words.Add(word.ToString());
        return words;
    }
}
