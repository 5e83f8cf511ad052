namespace TwinTrack.Router.Views;

/// <summary>A flow of the kernel's table, as it is shown.</summary>
internal sealed record TableRow
{
    public required uint Id { get; init; }

    public required byte Protocol { get; init; }

    public required string ProtocolName { get; init; }

    public required string Source { get; init; }

    public ushort? SourcePort { get; init; }

    public required string Destination { get; init; }

    public ushort? DestinationPort { get; init; }

    public string? ReplySource { get; init; }

    public ushort? ReplySourcePort { get; init; }

    public string? ReplyDestination { get; init; }

    public ushort? ReplyDestinationPort { get; init; }

    public string? State { get; init; }

    public uint? Timeout { get; init; }

    public uint? Mark { get; init; }

    public ushort? Zone { get; init; }

    public ulong? OriginalPackets { get; init; }

    public ulong? OriginalBytes { get; init; }

    public ulong? ReplyPackets { get; init; }

    public ulong? ReplyBytes { get; init; }
}
