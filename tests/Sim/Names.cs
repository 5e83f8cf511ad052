using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Sim;

/// <summary>Names as padded bytes.</summary>
internal static class Names
{
    public static void Write(string name, ref NameBytes bytes)
    {
        Span<byte> padded = bytes;
        padded.Clear();
        Encoding.ASCII.GetBytes(name, padded);
    }

    public static string Read(in NameBytes bytes)
    {
        ReadOnlySpan<byte> padded = bytes;
        int end = padded.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? padded : padded[..end]);
    }
}
