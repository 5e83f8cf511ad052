using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Lab;

/// <summary>A configuration file for a conntrackd that replicates to one peer.</summary>
/// <remarks>Both the original and ours read it. All paths are the lab's own, never the system's defaults.</remarks>
public sealed record SyncConfig
{
    /// <summary>The firewall's own address on the dedicated link.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The peer's address on the dedicated link.</summary>
    public required IPAddress PeerAddress { get; init; }

    /// <summary>The interface of the dedicated link.</summary>
    public string Interface { get; init; } = Firewall.SyncInterface;

    /// <summary>UDP or TCP port of both sides.</summary>
    public int Port { get; init; } = 3780;

    /// <summary>What the dedicated link is made of.</summary>
    public SyncChannel Channel { get; init; }

    /// <summary>More dedicated links.</summary>
    public IReadOnlyList<SyncLink> MoreLinks { get; init; } = [];

    /// <summary>Buckets of each cache. The original misbehaves at 8192 and below.</summary>
    public int HashSize { get; init; } = 32768;

    /// <summary>Entries each cache may hold.</summary>
    public int HashLimit { get; init; } = 524288;

    /// <summary>Bytes of the event socket's receive buffer at the start.</summary>
    public int NetlinkBufferSize { get; init; } = 2 * 1024 * 1024;

    /// <summary>Bytes it may grow to.</summary>
    public int NetlinkBufferSizeMaxGrowth { get; init; } = 8 * 1024 * 1024;

    /// <summary>The protocols whose flows are replicated; empty for all.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = ["TCP", "UDP"];

    /// <summary>FTFW, NOTRACK or ALARM.</summary>
    public string Mode { get; init; } = "FTFW";

    /// <summary>
    /// The whole Filter block; null for the customary one: the protocols above, nothing of the nodes themselves.
    /// </summary>
    public string? Filter { get; init; }

    /// <summary>More lines for the mode's block.</summary>
    public string ModeLines { get; init; } = "";

    /// <summary>More lines for the block of the dedicated link.</summary>
    public string LinkLines { get; init; } = "";

    /// <summary>More lines for the Sync section, such as an Options block.</summary>
    public string SyncLines { get; init; } = "";

    /// <summary>More lines for the General section.</summary>
    public string GeneralLines { get; init; } = "";

    /// <summary>The file's text.</summary>
    /// <param name="pathPrefix">Beginning of the paths of lock, control socket and log.</param>
    public string ToText(string pathPrefix) =>
        $$"""
        General {
            HashSize {{HashSize}}
            HashLimit {{HashLimit}}
            LogFile {{pathPrefix}}.log
            Syslog Off
            Systemd Off
            LockFile {{pathPrefix}}.lock
            UNIX {
                Path {{pathPrefix}}.ctl
            }
            NetlinkBufferSize {{NetlinkBufferSize}}
            NetlinkBufferSizeMaxGrowth {{NetlinkBufferSizeMaxGrowth}}
            {{Filter ?? CustomaryFilter}}
            {{GeneralLines}}
        }
        Sync {
            Mode {{Mode}} {
                {{ModeLines}}
            }
            {{Blocks}}
            {{SyncLines}}
        }

        """;

    private string CustomaryFilter =>
        $$"""
        Filter From Userspace {
            {{ProtocolFilter}}
            Address Ignore {
                IPv4_address 127.0.0.1
                {{Family(Address)}}_address {{Address}}
                {{Family(PeerAddress)}}_address {{PeerAddress}}
            }
        }
        """;

    private string Blocks => string.Join('\n', new List<SyncLink>
    {
        new()
        {
            Channel = Channel,
            Address = Address,
            PeerAddress = PeerAddress,
            Interface = Interface,
            Port = Port,
            IsDefault = MoreLinks.Count > 0,
            Lines = LinkLines,
        },
    }.Concat(MoreLinks).Select(static link => link.ToText()));

    private static string Family(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";

    private string ProtocolFilter =>
        Protocols.Count > 0 ? $"Protocol Accept {{ {string.Join(' ', Protocols)} }}" : "";
}
