using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Config;

/// <summary>A protocol of the filter.</summary>
/// <param name="Name">As written in the file.</param>
/// <param name="Number">IP protocol number.</param>
public readonly record struct FilterProtocol(string Name, byte Number);

/// <summary>Block Filter: three sets, and a flow must pass all that were mentioned.</summary>
public sealed record FilterConfig
{
    /// <summary>From Kernelspace: events are filtered on the socket, dumps by the daemon in the same way.</summary>
    public bool InKernel { get; init; }

    /// <summary>What happens to the listed protocols; None: the set was not mentioned.</summary>
    public FilterAction ProtocolAction { get; init; }

    /// <summary>Protocol set.</summary>
    public ValueList<FilterProtocol> Protocols { get; init; } = [];

    /// <summary>What happens to the listed hosts and networks; None: the set was not mentioned.</summary>
    public FilterAction AddressAction { get; init; }

    /// <summary>Address set, without repetitions.</summary>
    public ValueList<FilterNetwork> Networks { get; init; } = [];

    /// <summary>What happens to the listed TCP states; None: the set was not mentioned.</summary>
    public FilterAction StateAction { get; init; }

    /// <summary>State set, without repetitions.</summary>
    public ValueList<TcpState> States { get; init; } = [];

    /// <summary>The filter as the engine applies it.</summary>
    public FlowFilter ToFlowFilter() => new(
        ProtocolAction,
        Protocols.Select(protocol => protocol.Number),
        AddressAction,
        Networks,
        StateAction,
        States,
        InKernel ? FilterPlaces.OriginalTuple : FilterPlaces.Ends);
}
