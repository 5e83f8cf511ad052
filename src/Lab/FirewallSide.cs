using System.Net;

namespace TwinTrack.Lab;

/// <summary>One of the two LANs a firewall is on.</summary>
/// <param name="Interface">The firewalls' interface there.</param>
/// <param name="Network">The third octet of the network 10.77.N.0/24.</param>
public sealed record FirewallSide(string Interface, byte Network)
{
    /// <summary>The gateway address that moves at a take-over.</summary>
    public IPAddress VirtualAddress { get; } = new([10, 77, Network, 254]);

    /// <summary>A firewall's own address.</summary>
    public IPAddress Address(byte firewall) => new([10, 77, Network, firewall]);
}
