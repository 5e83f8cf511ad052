using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Lab;

/// <summary>What a dedicated link is made of.</summary>
public enum SyncChannel
{
    /// <summary>UDP to the peer.</summary>
    Udp,

    /// <summary>UDP to a group.</summary>
    Multicast,

    /// <summary>TCP to the peer.</summary>
    Tcp,
}

/// <summary>A dedicated link as it stands in a configuration file.</summary>
public sealed record SyncLink
{
    /// <summary>What it is made of.</summary>
    public SyncChannel Channel { get; init; }

    /// <summary>The firewall's own address on it.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The peer's address on it; not used by multicast.</summary>
    public required IPAddress PeerAddress { get; init; }

    /// <summary>Its interface.</summary>
    public string Interface { get; init; } = Firewall.SyncInterface;

    /// <summary>UDP or TCP port of both sides.</summary>
    public int Port { get; init; } = 3780;

    /// <summary>Whether it is marked as the one to use first.</summary>
    public bool IsDefault { get; init; }

    /// <summary>More lines for its block.</summary>
    public string Lines { get; init; } = "";

    private bool IsIPv6 => Address.AddressFamily == AddressFamily.InterNetworkV6;

    private string Family => IsIPv6 ? "IPv6" : "IPv4";

    /// <summary>Its block.</summary>
    public string ToText() => Channel == SyncChannel.Multicast
        ? $$"""
              Multicast{{Default}} {
                  {{(IsIPv6 ? "IPv6_address ff02::51" : $"IPv4_address 225.0.0.50\nIPv4_interface {Address}")}}
                  Group {{Port}}
                  Interface {{Interface}}
                  {{Lines}}
              }
          """
        : $$"""
              {{(Channel == SyncChannel.Udp ? "UDP" : "TCP")}}{{Default}} {
                  {{Family}}_address {{Address}}
                  {{Family}}_Destination_Address {{PeerAddress}}
                  Port {{Port}}
                  Interface {{Interface}}
                  {{Lines}}
              }
          """;

    private string Default => IsDefault ? " Default" : "";
}
