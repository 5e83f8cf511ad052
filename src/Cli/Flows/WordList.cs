namespace TwinTrack.Cli.Flows;

/// <summary>A word of a list and the bits it stands for.</summary>
internal readonly record struct WordBits(string Word, uint Bits);

/// <summary>Lists of words with commas between them, each of which may be shortened.</summary>
internal static class WordList
{
    // Two words of the status list, which every list takes and warns about: old scripts have them.
    private static readonly WordBits[] _obsolete =
    [
        new("SRC_NAT, use --src-nat instead", 0), new("DST_NAT, use --dst-nat instead", 0),
    ];

    private const int ObsoleteLength = 7; // SRC_NAT

    /// <summary>Reads a list of words.</summary>
    /// <param name="list">The list.</param>
    /// <param name="words">What may be in it; the first that begins like an item counts.</param>
    /// <param name="warn">Takes warnings.</param>
    /// <exception cref="ToolException">An item is empty or unknown.</exception>
    public static uint Parse(ReadOnlySpan<char> list, WordBits[] words, Action<string> warn)
    {
        uint bits = 0;
        for (ReadOnlySpan<char> rest = list; ;)
        {
            bits |= Find(Item(rest), words, warn) ?? throw Bad(rest);
            if (!Next(ref rest)) return bits;
        }
    }

    /// <summary>Reads a list of words some of which may be negated.</summary>
    /// <param name="list">The list; an exclamation mark negates an item.</param>
    /// <param name="words">What may be in it; the first that begins like an item counts.</param>
    /// <param name="negatedWord">A word that stands for the bits after it, negated.</param>
    /// <param name="warn">Takes warnings.</param>
    /// <returns>The bits that shall be set, and those that shall not.</returns>
    /// <exception cref="ToolException">An item is empty or unknown.</exception>
    public static (uint Set, uint Clear) ParseSigned(
        ReadOnlySpan<char> list, WordBits[] words, WordBits negatedWord, Action<string> warn)
    {
        (uint set, uint clear) = (0, 0);
        for (ReadOnlySpan<char> rest = list; ;)
        {
            bool isNegated = !rest.IsEmpty && rest[0] == '!';
            if (isNegated) rest = rest[1..];
            if (rest.StartsWith(negatedWord.Word))
            {
                if (isNegated) set |= negatedWord.Bits;
                else clear |= negatedWord.Bits;
            }
            else
            {
                uint bits = Find(Item(rest), words, warn) ?? throw Bad(rest);
                if (isNegated) clear |= bits;
                else set |= bits;
            }

            if (!Next(ref rest)) return (set, clear);
        }
    }

    private static ReadOnlySpan<char> Item(ReadOnlySpan<char> rest)
    {
        int comma = rest.IndexOf(',');
        return comma < 0 ? rest : rest[..comma];
    }

    private static bool Next(ref ReadOnlySpan<char> rest)
    {
        int comma = rest.IndexOf(',');
        if (comma < 0) return false;
        rest = rest[(comma + 1)..];
        return true;
    }

    private static uint? Find(ReadOnlySpan<char> item, WordBits[] words, Action<string> warn)
    {
        if (item.IsEmpty) return null;
        foreach (WordBits old in _obsolete)
        {
            if (!old.Word.AsSpan(0, ObsoleteLength).StartsWith(item, StringComparison.OrdinalIgnoreCase)) continue;
            warn($"WARNING: ignoring {old.Word}");
            return 0;
        }

        foreach (WordBits word in words)
        {
            if (word.Word.AsSpan().StartsWith(item, StringComparison.OrdinalIgnoreCase)) return word.Bits;
        }

        return null;
    }

    private static ToolException Bad(ReadOnlySpan<char> rest) => new($"Bad parameter `{rest}'");
}
