using TwinTrack.Cli.CommandLine;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>Labels asked for on a command line: those the kernel can hold, and whether there were others.</summary>
internal record struct LabelSet(LabelBits Bits, bool HasUnstorable)
{
    /// <summary>The labels of both.</summary>
    public readonly LabelSet With(LabelSet other) => new(
        new(Bits.First | other.Bits.First, Bits.Second | other.Bits.Second), HasUnstorable || other.HasUnstorable);
}

/// <summary>Names of connection labels (connlabel.conf).</summary>
internal sealed class LabelMap
{
    /// <summary>Where the names are.</summary>
    public const string Path = "/etc/xtables/connlabel.conf";

    private const int HighestBit = 1023;
    private const int StorableBits = 128; // XT_CONNLABEL_MAXBIT + 1
    private const int LongestLine = 1023;

    private readonly byte[]?[] _names = new byte[]?[HighestBit + 1];

    /// <summary>Name of each bit, null for a bit without.</summary>
    public IReadOnlyList<byte[]?> Names => _names;

    /// <summary>Reads a map.</summary>
    /// <param name="text">Lines of a number and a name; others are passed over, the first of two equals counts.</param>
    /// <returns>Null when there is no usable line.</returns>
    public static LabelMap? Read(ReadOnlySpan<byte> text)
    {
        LabelMap map = new();
        bool isUsable = false;
        while (FileText.TryTakeLine(ref text, out ReadOnlySpan<byte> line))
        {
            if (line.Length > LongestLine) line = line[..LongestLine];
            if (line.IsEmpty || line[0] == '#') continue;
            if (!TryReadNumber(ref line, out int bit)) continue;

            ReadOnlySpan<byte> name = line.Trim(" \t\r\f\v"u8);
            if (name.IsEmpty || !IsAllowed(name) || map._names[bit] is not null || map.Find(name) >= 0) continue;
            map._names[bit] = name.ToArray();
            isUsable = true;
        }

        return isUsable ? map : null;
    }

    /// <summary>Reads a list of names.</summary>
    /// <param name="map">The map; null knows no name.</param>
    /// <param name="list">Names with commas between them.</param>
    /// <exception cref="ToolException">A name is unknown.</exception>
    public static LabelSet Parse(LabelMap? map, ReadOnlySpan<char> list)
    {
        LabelSet labels = default;
        foreach (Range range in list.Split(','))
        {
            ReadOnlySpan<char> name = list[range];
            int bit = map?.Find(System.Text.Encoding.UTF8.GetBytes(name.ToArray())) ?? -1;
            if (bit < 0) throw new ToolException($"unknown label '{name}'");
            if (bit < StorableBits) labels.Bits = labels.Bits.With(bit);
            else labels.HasUnstorable = true;
        }

        return labels;
    }

    private int Find(ReadOnlySpan<byte> name)
    {
        for (int bit = 0; bit <= HighestBit; bit++)
        {
            if (_names[bit] is { } known && name.SequenceEqual(known)) return bit;
        }

        return -1;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> line, out int bit)
    {
        bit = 0;
        if (!FileText.TryTakeWord(ref line, out ReadOnlySpan<byte> word)) return false;

        Span<char> digits = stackalloc char[word.Length];
        for (int i = 0; i < word.Length; i++) digits[i] = (char)word[i];
        if (!Numbers.TryParse(digits, HighestBit, out uint number)) return false;

        bit = (int)number;
        return true;
    }

    private static bool IsAllowed(ReadOnlySpan<byte> name)
    {
        foreach (byte c in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)c) && c is not ((byte)' ' or (byte)'-')) return false;
        }

        return true;
    }
}
