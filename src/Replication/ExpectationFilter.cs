using System.Text;

namespace TwinTrack.Replication;

/// <summary>Which expectations are replicated: all, or those of helpers whose names begin with one of a list.</summary>
/// <remarks>Case does not matter: <c>sip</c> takes <c>sip-5060</c> as well, and <c>ras</c> takes <c>RAS</c>.</remarks>
public sealed class ExpectationFilter
{
    private readonly byte[][] _names;

    /// <summary>Makes a filter.</summary>
    /// <param name="helpers">Beginnings of names of helpers; none for all.</param>
    public ExpectationFilter(IEnumerable<string> helpers)
    {
        Helpers = [.. helpers];
        _names = [.. Helpers.Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>Takes every expectation.</summary>
    public static ExpectationFilter All { get; } = new([]);

    /// <summary>Beginnings of names of helpers; none for all.</summary>
    public IReadOnlyList<string> Helpers { get; }

    /// <summary>Whether expectations of this helper are replicated.</summary>
    /// <param name="helper">Its name, without a terminator; empty if it is not known.</param>
    public bool Accepts(ReadOnlySpan<byte> helper)
    {
        if (_names.Length == 0) return true;
        foreach (byte[] name in _names)
        {
            if (helper.Length >= name.Length && Ascii.EqualsIgnoreCase(helper[..name.Length], name)) return true;
        }

        return false;
    }
}
