using System.Text;

namespace TwinTrack.Cli.Flows;

/// <summary>The system's protocol database, /etc/protocols.</summary>
internal static class ProtocolNames
{
    private const string Database = "/etc/protocols";

    /// <summary>The number of a protocol by its name or one of its other names.</summary>
    /// <returns>Null when the database does not have it.</returns>
    public static byte? Find(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || !FileText.TryRead(Database, out ReadOnlySpan<byte> rest)) return null;

        Span<byte> wanted = new byte[Encoding.UTF8.GetMaxByteCount(name.Length)];
        wanted = wanted[..Encoding.UTF8.GetBytes(name, wanted)];
        while (FileText.TryTakeLine(ref rest, out ReadOnlySpan<byte> line))
        {
            if (!TryReadLine(ref line, out ReadOnlySpan<byte> first, out byte number)) continue;
            if (first.SequenceEqual(wanted)) return number;
            while (FileText.TryTakeWord(ref line, out ReadOnlySpan<byte> alias))
            {
                if (alias.SequenceEqual(wanted)) return number;
            }
        }

        return null;
    }

    /// <summary>The name of a protocol by its number; null when the database does not have it.</summary>
    public static string? Name(byte number)
    {
        if (!FileText.TryRead(Database, out ReadOnlySpan<byte> rest)) return null;

        while (FileText.TryTakeLine(ref rest, out ReadOnlySpan<byte> line))
        {
            if (TryReadLine(ref line, out ReadOnlySpan<byte> first, out byte found) && found == number)
                return Encoding.UTF8.GetString(first);
        }

        return null;
    }

    private static bool TryReadLine(ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> name, out byte number)
    {
        number = 0;
        int comment = line.IndexOf((byte)'#');
        if (comment >= 0) line = line[..comment];
        return FileText.TryTakeWord(ref line, out name)
            && FileText.TryTakeWord(ref line, out ReadOnlySpan<byte> digits)
            && byte.TryParse(digits, out number);
    }
}
