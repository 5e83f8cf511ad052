namespace TwinTrack.Daemon.Config;

/// <summary>Section Helper: connection tracking helpers in user space.</summary>
public sealed record HelperConfig
{
    /// <summary>Register the helpers with the kernel (Setup).</summary>
    public bool Setup { get; init; }

    /// <summary>The helpers to run.</summary>
    public ValueList<HelperTypeConfig> Types { get; init; } = [];
}

/// <summary>One Type block: a helper for one pair of protocols.</summary>
public sealed record HelperTypeConfig
{
    /// <summary>Name of the helper.</summary>
    public required string Name { get; init; }

    /// <summary>AF_INET (inet) or AF_INET6 (inet6).</summary>
    public required byte Family { get; init; }

    /// <summary>IP protocol number: TCP or UDP.</summary>
    public required byte Protocol { get; init; }

    /// <summary>Netfilter queue the packets come from.</summary>
    public ushort QueueNumber { get; init; }

    /// <summary>Length of that queue; 0: kernel default.</summary>
    public uint QueueLength { get; init; }

    /// <summary>Policies; the built-in one when the file has none.</summary>
    public ValueList<HelperPolicyConfig> Policies { get; init; } = [];
}

/// <summary>How many expectations a helper may announce and how long they live.</summary>
/// <param name="Name">Name of the policy.</param>
/// <param name="ExpectMax">Most expectations per master flow; 0: no limit.</param>
/// <param name="ExpectSeconds">Life time of an expectation in seconds.</param>
public sealed record HelperPolicyConfig(string Name, uint ExpectMax, uint ExpectSeconds);

/// <summary>A helper conntrackd knows.</summary>
/// <param name="Name">Name of the helper and of its policy.</param>
/// <param name="Tcp">Whether it reads TCP.</param>
/// <param name="Udp">Whether it reads UDP.</param>
/// <param name="ExpectMax">Built-in limit of its policy.</param>
/// <param name="ExpectSeconds">Built-in life time of its policy.</param>
internal sealed record KnownHelper(string Name, bool Tcp, bool Udp, uint ExpectMax, uint ExpectSeconds)
{
    public static readonly IReadOnlyList<KnownHelper> All =
    [
        new("amanda", Tcp: false, Udp: true, 0, 180),
        new("dhcpv6", Tcp: false, Udp: true, 1, 300),
        new("ftp", Tcp: true, Udp: false, 1, 300),
        new("mdns", Tcp: false, Udp: true, 8, 30),
        new("rpc", Tcp: true, Udp: true, 1, 300),
        new("sane", Tcp: true, Udp: false, 1, 300),
        new("slp", Tcp: false, Udp: true, 8, 16),
        new("ssdp", Tcp: true, Udp: true, 8, 300),
        new("tftp", Tcp: false, Udp: true, 1, 300),
        new("tns", Tcp: true, Udp: false, 1, 300),
    ];

    public HelperPolicyConfig Policy => new(Name, ExpectMax, ExpectSeconds);
}
