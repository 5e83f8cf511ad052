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

    /// <summary>Packets that find the queue full pass unseen instead of being dropped (FailOpen).</summary>
    public bool FailOpen { get; init; } = true;

    /// <summary>The lowest port the helper opens (MinimumPort); null: its own.</summary>
    public ushort? LeastPort { get; init; }

    /// <summary>Policies; the built-in one when the file has none.</summary>
    public ValueList<HelperPolicyConfig> Policies { get; init; } = [];
}

/// <summary>How many expectations a helper may announce and how long they live.</summary>
/// <param name="Name">Name of the policy.</param>
/// <param name="ExpectMax">Most expectations per master flow; 0: the kernel's limit of 255.</param>
/// <param name="ExpectSeconds">Life time of an expectation in seconds.</param>
public sealed record HelperPolicyConfig(string Name, uint ExpectMax, uint ExpectSeconds);
