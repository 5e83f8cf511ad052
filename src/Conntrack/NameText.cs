using System.Text;

namespace TwinTrack.Conntrack;

/// <summary>NUL-padded names in fixed places.</summary>
internal static class NameText
{
    /// <summary>The bytes in front of the padding; the last byte of the place is always padding.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> place)
    {
        int end = place.IndexOf((byte)0);
        return end < 0 ? place[..^1] : place[..end];
    }

    /// <summary>Copies a name and pads it.</summary>
    /// <returns>False if it does not fit with a terminator; the place is then unchanged.</returns>
    public static bool TryCopy(ReadOnlySpan<byte> name, Span<byte> place)
    {
        if (name.Length >= place.Length) return false;

        place.Clear();
        name.CopyTo(place);
        return true;
    }

    /// <summary>The name as a string.</summary>
    public static string ToString(ReadOnlySpan<byte> place) => Encoding.UTF8.GetString(Of(place));

    /// <summary>Puts a string into a place.</summary>
    /// <exception cref="ArgumentException">It is too long.</exception>
    public static void Write(string name, Span<byte> place)
    {
        if (!TryCopy(Encoding.UTF8.GetBytes(name), place))
            throw new ArgumentException($"A name has at most {place.Length - 1} bytes.", nameof(name));
    }
}
