namespace TwinTrack.Daemon.Config;

/// <summary>Names of IP protocols: those of the system's database, then the usual ones in case it is missing.</summary>
public sealed class ProtocolNames
{
    private const string SystemDatabase = "/etc/protocols";
    private const int LargestDatabase = 1 << 20;

    private static readonly (string Name, byte Number)[] Usual =
    [
        ("icmp", 1), ("igmp", 2), ("ipencap", 4), ("tcp", 6), ("udp", 17), ("dccp", 33), ("ipv6", 41),
        ("gre", 47), ("esp", 50), ("ah", 51), ("ipv6-icmp", 58), ("icmpv6", 58), ("ospf", 89), ("pim", 103),
        ("ipcomp", 108), ("vrrp", 112), ("l2tp", 115), ("sctp", 132), ("udplite", 136),
    ];

    private readonly Lazy<Dictionary<string, byte>> _numbers;

    /// <summary>Takes a database in the format of protocols(5), read when the first name is asked for.</summary>
    public ProtocolNames(Func<string> database) => _numbers = new(() => Read(database()));

    /// <summary>The database of this machine; without one the usual names remain.</summary>
    public static ProtocolNames OfSystem() => new(ReadSystemDatabase);

    /// <summary>Looks up a name or alias.</summary>
    public bool TryFind(string name, out byte number) => _numbers.Value.TryGetValue(name, out number);

    /// <summary>A name of the protocol, for hints; null when it has none.</summary>
    public string? NameOf(byte number) => _numbers.Value.FirstOrDefault(entry => entry.Value == number).Key;

    private static Dictionary<string, byte> Read(string database)
    {
        // Case does not matter, although the C library minds it: "Tcp" can only mean one thing.
        var numbers = new Dictionary<string, byte>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in database.Split('\n'))
        {
            string[] words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !byte.TryParse(words[1], out byte number)) continue;

            numbers.TryAdd(words[0], number);
            foreach (string alias in words.AsSpan(2)) numbers.TryAdd(alias, number);
        }

        foreach ((string name, byte number) in Usual) numbers.TryAdd(name, number);
        return numbers;
    }

    private static string ReadSystemDatabase()
    {
        try
        {
            return TextFile.Read(SystemDatabase, LargestDatabase) ?? string.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
