using System.Globalization;
using System.Text;

namespace TwinTrack.Cli.Flows;

/// <summary>Who caused an event.</summary>
/// <param name="PortId">nlmsg_pid of the event.</param>
/// <param name="Program">Its name; null if it cannot be found any more.</param>
internal sealed record EventCause(uint PortId, string? Program)
{
    /// <summary>What stands at the end of a line.</summary>
    public string Text { get; } =
        Program is null ? $" [USERSPACE] portid={PortId}" : $" [USERSPACE] portid={PortId} progname={Program}";
}

/// <summary>Finds the program whose netlink request caused an event.</summary>
internal sealed class EventOrigin
{
    private const string NetfilterProtocol = "12"; // NETLINK_NETFILTER
    private const int ProtocolColumn = 1;
    private const int PortColumn = 2;
    private const long RememberedMilliseconds = 200;

    private EventCause? _last;
    private long _foundAt;

    /// <summary>Who caused an event; null for one that no program caused.</summary>
    /// <param name="port">nlmsg_pid of the event.</param>
    /// <remarks>An answer is kept a moment: a program that makes thousands of events is looked up once.</remarks>
    public EventCause? Of(uint port)
    {
        if (port == 0) return null;

        long now = Environment.TickCount64;
        if (_last is { } last && port == last.PortId && now - _foundAt < RememberedMilliseconds) return last;

        _last = new EventCause(port, Find(port));
        _foundAt = now;
        return _last;
    }

    private static string? Find(uint port)
    {
        if (FindInode(port) is not { } inode) return null;

        // A program's first socket has the program's number.
        string link = $"socket:[{inode}]";
        if (Owns(port.ToString(CultureInfo.InvariantCulture), link)) return NameOf($"/proc/{port}/stat");
        foreach (string process in ProcessNumbers())
        {
            if (Owns(process, link)) return NameOf($"/proc/{process}/stat");
        }

        return null;
    }

    // Columns of /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    private static string? FindInode(uint port)
    {
        if (!FileText.TryRead("/proc/net/netlink", out ReadOnlySpan<byte> rest)) return null;

        while (FileText.TryTakeLine(ref rest, out ReadOnlySpan<byte> line))
        {
            string[] words = Encoding.ASCII.GetString(line).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > PortColumn && words[ProtocolColumn] == NetfilterProtocol
                && words[PortColumn] == port.ToString(CultureInfo.InvariantCulture))
            {
                return words[^1];
            }
        }

        return null;
    }

    private static IEnumerable<string> ProcessNumbers()
    {
        foreach (string path in Directory.EnumerateDirectories("/proc"))
        {
            string name = Path.GetFileName(path);
            if (char.IsAsciiDigit(name[0])) yield return name;
        }
    }

    private static bool Owns(string process, string link)
    {
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries($"/proc/{process}/fd"))
            {
                if (new FileInfo(path).LinkTarget == link) return true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // it ended, or belongs to somebody else
        }

        return false;
    }

    // The name may hold anything, newlines included: it ends at the first closing parenthesis.
    private static string? NameOf(string path)
    {
        if (!FileText.TryRead(path, out ReadOnlySpan<byte> text)) return null;

        int start = text.IndexOf((byte)'(') + 1;
        int length = text[start..].IndexOf((byte)')');
        if (start == 0 || length < 0) return null;

        var name = new StringBuilder();
        foreach (byte c in text.Slice(start, length)) name.Append(c is > 0x20 and < 0x7f ? (char)c : '?');
        return name.ToString();
    }
}
