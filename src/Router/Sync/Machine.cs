using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using TwinTrack.Router.Config;

namespace TwinTrack.Router.Sync;

/// <summary>An address with its length.</summary>
internal readonly record struct LocalAddress(IPAddress Address, int Length)
{
    /// <summary>Whether another address is in the same network.</summary>
    public bool Covers(IPAddress other)
    {
        byte[] own = Address.GetAddressBytes();
        byte[] theirs = other.GetAddressBytes();
        if (own.Length != theirs.Length) return false;
        for (int bit = 0; bit < Length; bit++)
        {
            int mask = 0x80 >> (bit % 8);
            if (((own[bit / 8] ^ theirs[bit / 8]) & mask) != 0) return false;
        }

        return true;
    }
}

/// <summary>What the configuration has to know of the machine.</summary>
internal sealed record Machine
{
    private const string Parameters = "/sys/module/nf_conntrack/parameters/hashsize";
    private const string Limit = "/proc/sys/net/netfilter/nf_conntrack_max";

    /// <summary>Interfaces and their addresses.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<LocalAddress>> Interfaces { get; init; }

    /// <summary>Buckets of the kernel's table; null: not known.</summary>
    public uint? HashSize { get; init; }

    /// <summary>Most flows of the kernel's table; null: not known.</summary>
    public uint? TableSize { get; init; }

    /// <summary>Whether keepalived runs; null: nobody looked.</summary>
    public bool? FailoverRuns { get; init; }

    /// <summary>Whether heartbeat runs; null: nobody looked.</summary>
    public bool? ClusterRuns { get; init; }

    /// <summary>Which families rules make the kernel track; null: nobody looked, or it cannot be seen.</summary>
    public Tracking? Tracking { get; init; }

    /// <summary>Asks the machine.</summary>
    public static Machine Read()
    {
        Dictionary<string, IReadOnlyList<LocalAddress>> interfaces = new(StringComparer.Ordinal);
        foreach (NetworkInterface one in NetworkInterface.GetAllNetworkInterfaces())
        {
            interfaces[one.Name] =
            [
                .. one.GetIPProperties().UnicastAddresses
                    .Where(address => !address.Address.IsIPv6LinkLocal)
                    .Select(address => new LocalAddress(address.Address, address.PrefixLength)),
            ];
        }

        return new() { Interfaces = interfaces, HashSize = Number(Parameters), TableSize = Number(Limit) };
    }

    /// <summary>Addresses of an interface: those configured, else those it has; never a virtual one of VRRP.</summary>
    public IReadOnlyList<LocalAddress> AddressesOf(string name, ConfigNode root)
    {
        List<LocalAddress> configured = [.. Configured(name, root)];
        if (configured.Count > 0) return configured;

        HashSet<IPAddress> isVirtual = [.. VirtualAddresses(root)];
        return [.. Interfaces.GetValueOrDefault(name, []).Where(local => !isVirtual.Contains(local.Address))];
    }

    /// <summary>Whether the configuration or the machine has an interface.</summary>
    public bool Knows(string name, ConfigNode root) => Interfaces.ContainsKey(name) || NodeOf(name, root) is not null;

    /// <summary>Whether an address is one of this router's own.</summary>
    public bool Owns(IPAddress address, ConfigNode root) =>
        Interfaces.Keys.Concat(Names(root)).Any(
            name => AddressesOf(name, root).Any(local => local.Address.Equals(address)));

    private static IEnumerable<string> Names(ConfigNode root) =>
        from kind in root.At("interfaces")?.Children ?? []
        from one in kind.Children
        from name in (string[])[one.Name, .. one.NamesAt("vif").Select(vlan => $"{one.Name}.{vlan}")]
        select name;

    private static ConfigNode? NodeOf(string name, ConfigNode root)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        foreach (ConfigNode kind in root.At("interfaces")?.Children ?? [])
        {
            ConfigNode? found = dot < 0 ? kind.At(name) : kind.At(name[..dot], "vif", name[(dot + 1)..]);
            if (found is not null) return found;
        }

        return null;
    }

    private static IEnumerable<LocalAddress> Configured(string name, ConfigNode root)
    {
        foreach (string text in NodeOf(name, root)?.ValuesAt("address") ?? [])
        {
            if (Rules.TryNetwork(text, out IPAddress address, out int length)) yield return new(address, length);
        }
    }

    private static IEnumerable<IPAddress> VirtualAddresses(ConfigNode root)
    {
        foreach (ConfigNode group in root.At("high-availability", "vrrp", "group")?.Children ?? [])
        {
            foreach (string text in group.NamesAt("address"))
            {
                if (Rules.TryNetwork(text, out IPAddress address, out _)) yield return address;
            }
        }
    }

    private static uint? Number(string path)
    {
        try
        {
            return uint.Parse(File.ReadAllText(path).Trim(), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return null; // connection tracking is not loaded, or hidden from this namespace
        }
    }
}
