using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Daemon.Config;

/// <summary>
/// What a configuration asks of the machine and the machine has not: interfaces, own addresses, folders of files.
/// </summary>
/// <remarks>
/// These are warnings: the file may be meant for another machine, and an interface may appear before the daemon starts.
/// </remarks>
internal static class MachineCheck
{
    private const int LongestName = 15;      // IFNAMSIZ without its NUL

    /// <summary>Compares the statements of a file with this machine.</summary>
    public static IEnumerable<ConfigProblem> Find(IEnumerable<ConfigStatement> statements)
    {
        foreach (ConfigStatement statement in statements)
        {
            if (Problem(statement) is { } text)
                yield return new ConfigProblem(ProblemLevel.StartWarning, statement.Line, statement.Column, text);
        }
    }

    private static string? Problem(ConfigStatement statement) => (statement.Place, statement.Keyword) switch
    {
        ("Multicast" or "UDP" or "TCP", "Interface") => InterfaceProblem(statement.Text),
        ("UDP" or "TCP", "IPv4_address" or "IPv6_address") => AddressProblem(statement.Text),
        ("Multicast", "IPv4_interface") => AddressProblem(statement.Text),
        (_, "LogFile") when statement.Text[0] == '/' => FileProblem("logfile", statement.Text),
        (_, "LockFile") => FileProblem("lockfile", statement.Text),
        ("UNIX", "Path") => FileProblem("unix socket", statement.Text),
        _ => null,
    };

    private static string? InterfaceProblem(string name) =>
        name.Length > LongestName || Libc.InterfaceIndex(name) != 0
            ? null
            : $"{name} is an invalid interface: this machine has none of that name";

    private static string? AddressProblem(string text)
    {
        // What a link-local address belongs to, only the socket of the link can tell.
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.IsIPv6LinkLocal) return null;
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(address, 0));
            return null;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.AddressNotAvailable
                ? $"{text} is not an address of this machine"
                : $"{text} cannot be used as own address: {error.Message}";
        }
    }

    private static string? FileProblem(string what, string path)
    {
        if (Directory.Exists(path)) return $"can't open {what} `{path}': Is a directory";
        string folder = Path.GetDirectoryName(path) ?? "/";
        return Directory.Exists(folder) ? null : $"can't open {what} `{path}': there is no directory {folder}";
    }
}
