using TwinTrack.Conntrack;

namespace TwinTrack.Sim.Kernel;

/// <summary>What the model kernel can do; the defaults are those of a host without rules.</summary>
internal sealed record KernelOptions
{
    /// <summary>nf_conntrack_max.</summary>
    public int Limit { get; init; } = 262_144;

    /// <summary>Whether a rule uses connection labels: only then new flows have room for them.</summary>
    public bool HasLabels { get; init; } = true;

    /// <summary>Connection tracking helpers that are loaded, each for one protocol.</summary>
    public IReadOnlyList<(string Name, byte Protocol)> Helpers { get; init; } = [("ftp", IpProtocol.Tcp)];

    /// <summary>nf_conntrack_tcp_timeout_*, by state.</summary>
    public IReadOnlyList<int> TcpSeconds { get; init; } = [0, 120, 60, 432_000, 120, 60, 30, 120, 10, 120];

    /// <summary>nf_conntrack_sctp_timeout_*, by state.</summary>
    public IReadOnlyList<int> SctpSeconds { get; init; } = [0, 10, 3, 3, 210, 3, 3, 3, 30, 30];

    /// <summary>nf_conntrack_udp_timeout: one direction only, then both.</summary>
    public (int Unreplied, int Replied) UdpSeconds { get; init; } = (30, 120);

    /// <summary>nf_conntrack_icmp_timeout.</summary>
    public int IcmpSeconds { get; init; } = 30;

    /// <summary>nf_conntrack_generic_timeout.</summary>
    public int GenericSeconds { get; init; } = 600;
}
