using System.Text.Json.Serialization;

namespace TwinTrack.Lab;

/// <summary>What became of the connections, and what it took. All times are in milliseconds.</summary>
public sealed record LabResult
{
    /// <summary>Whether every connection and the stream lived, and the new primary alone carried them.</summary>
    public bool Passed =>
        Alive == Connections && Udp.Alive && SynAfterCut == 0 && OldPrimaryForwardedAfterCut == 0
        && (Links == 1 || PrimaryProgram is null || LinkFailOverMs is not null);

    /// <summary>TCP connections opened.</summary>
    public required int Connections { get; init; }

    /// <summary>Connections that carried bytes both ways which were sent after the take-over, unaltered.</summary>
    public required int Alive { get; init; }

    /// <summary>Why connections ended or were given up, each reason with its number; silence is none.</summary>
    public required IReadOnlyDictionary<string, int> Broken { get; init; }

    /// <summary>The UDP stream from server to client.</summary>
    public required UdpResult Udp { get; init; }

    /// <summary>The longest time without a byte in either direction of any connection.</summary>
    public required double LongestStallMs { get; init; }

    /// <summary>Half of the connections had no longer time without a byte than this.</summary>
    public required double MedianStallMs { get; init; }

    /// <summary>The steps of the take-over.</summary>
    public required TakeOverTimes TakeOver { get; init; }

    /// <summary>From the first connection until the backup knew of all; null if it never did.</summary>
    public required double? ReplicationMs { get; init; }

    /// <summary>Links between the firewalls.</summary>
    public required int Links { get; init; }

    /// <summary>
    /// From the cut of the first link until both daemons used another one; null if there was one link only, or they
    /// never did.
    /// </summary>
    public required double? LinkFailOverMs { get; init; }

    /// <summary>TCP packets with SYN that the new primary saw: 0 unless somebody connected anew.</summary>
    public required ulong SynAfterCut { get; init; }

    /// <summary>Packets the old primary forwarded after it was cut off: 0, as it is unreachable.</summary>
    public required ulong OldPrimaryForwardedAfterCut { get; init; }

    /// <summary>Flows in each place, before and after.</summary>
    public required IReadOnlyList<FlowCount> Flows { get; init; }

    /// <summary>Commands of the take-over that failed, and other things that should not have been.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>The conntrackd on the primary; null for none.</summary>
    public required string? PrimaryProgram { get; init; }

    /// <summary>The conntrackd on the backup; null for none.</summary>
    public required string? BackupProgram { get; init; }

    /// <summary>Whether the client's address was translated.</summary>
    public required bool SourceNat { get; init; }

    /// <summary>What decided the bytes.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The whole run.</summary>
    public required double TotalMs { get; init; }
}

/// <summary>What became of the UDP stream.</summary>
/// <param name="Alive">Whether a datagram arrived that was sent after the take-over.</param>
/// <param name="Sent">Datagrams sent.</param>
/// <param name="Lost">Datagrams that did not arrive.</param>
/// <param name="Altered">Datagrams that arrived altered.</param>
/// <param name="LongestGapMs">The longest time without a datagram.</param>
public sealed record UdpResult(bool Alive, long Sent, long Lost, long Altered, double LongestGapMs);

/// <summary>Flows that one firewall knows at one moment.</summary>
/// <param name="Firewall">Its name.</param>
/// <param name="Moment">When.</param>
/// <param name="Kernel">Flows in the kernel's table.</param>
/// <param name="Internal">Flows in the internal cache; null without a daemon.</param>
/// <param name="External">Flows in the external cache; null without a daemon.</param>
public sealed record FlowCount(string Firewall, string Moment, uint Kernel, long? Internal, long? External);

/// <summary>Turns results into JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LabResult))]
public sealed partial class LabJson : JsonSerializerContext;
