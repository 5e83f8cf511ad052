using System.Globalization;
using TwinTrack.Lab;
using TwinTrack.Netlink;

namespace TwinTrack.Bench;

/// <summary>What the kernel counts in a firewall's namespace, whatever the daemons say of themselves.</summary>
/// <param name="PayloadBytes">UDP payload sent over the dedicated link.</param>
/// <param name="Datagrams">Datagrams sent.</param>
/// <param name="LostDatagrams">Datagrams that arrived and found a full receive buffer.</param>
/// <param name="LostEvents">Netlink messages that found a full receive buffer, of all sockets open now.</param>
/// <param name="Listeners">Netfilter sockets that joined a multicast group.</param>
internal readonly record struct NamespaceCounters(
    long PayloadBytes, long Datagrams, long LostDatagrams, long LostEvents, int Listeners)
{
    // Ethernet, IPv4, UDP. An ARP frame is as long and so counts as empty.
    private const int HeaderBytes = 14 + 20 + 8;

    public static NamespaceCounters Read(NetNamespace home) => home.Run(() =>
    {
        // /proc/net is the main thread's: this thread is in another namespace.
        const string Folder = "/proc/thread-self/net/";
        (long bytes, long frames) = ReadLink(File.ReadAllLines(Folder + "dev"));
        Dictionary<string, long> udp = ReadUdp(File.ReadAllLines(Folder + "snmp"));
        (long lost, int listeners) = ReadNetlink(File.ReadAllLines(Folder + "netlink"));
        return new NamespaceCounters(
            bytes - (frames * HeaderBytes), udp["OutDatagrams"], udp["RcvbufErrors"], lost, listeners);
    });

    public static NamespaceCounters operator -(NamespaceCounters later, NamespaceCounters earlier) => new(
        later.PayloadBytes - earlier.PayloadBytes,
        later.Datagrams - earlier.Datagrams,
        later.LostDatagrams - earlier.LostDatagrams,
        later.LostEvents - earlier.LostEvents,
        later.Listeners - earlier.Listeners);

    //  sync0:    1042      11    0    0    0     0          0         0     1042      11    0 ...
    private static (long Bytes, long Frames) ReadLink(string[] lines)
    {
        string line = lines.First(
            text => text.TrimStart().StartsWith(Firewall.SyncInterface + ":", StringComparison.Ordinal));
        string[] numbers = Words(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        return (Number(numbers[8]), Number(numbers[9]));
    }

    // Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors ...
    // Udp: 1057 4 0 1057 0 ...
    private static Dictionary<string, long> ReadUdp(string[] lines)
    {
        string[][] rows = [.. lines.Where(text => text.StartsWith("Udp:", StringComparison.Ordinal)).Select(Words)];
        return rows[0].Skip(1).Zip(rows[1].Skip(1)).ToDictionary(
            pair => pair.First, pair => Number(pair.Second), StringComparer.Ordinal);
    }

    // sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
    private static (long Lost, int Listeners) ReadNetlink(string[] lines)
    {
        string[][] netfilter =
        [
            .. lines.Skip(1).Select(Words)
                .Where(words => Number(words[1]) == NetlinkProtocol.Netfilter && words[2] != "0"),
        ];
        return (netfilter.Sum(words => Number(words[8])), netfilter.Count(words => words[3] != "00000000"));
    }

    private static string[] Words(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
