using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>Whether the listed items pass or the others do.</summary>
public enum FilterAction : byte
{
    /// <summary>The set was not mentioned: everything passes.</summary>
    None,

    /// <summary>Only the listed pass.</summary>
    Accept,

    /// <summary>The listed are dropped.</summary>
    Ignore,
}

/// <summary>Which addresses of a flow the address set is compared with.</summary>
public enum FilterPlaces : byte
{
    /// <summary>The original source or the reply source, the real server: one of them decides.</summary>
    Ends,

    /// <summary>
    /// The original source and the original destination, each on its own: both must be listed to be accepted, and
    /// neither may be listed to be ignored. This is what conntrackd's filter From Kernelspace does.
    /// </summary>
    OriginalTuple,
}

/// <summary>A host or network of the address set.</summary>
/// <param name="Family">2 or 10.</param>
/// <param name="Network">The address; bits beyond the prefix do not matter.</param>
/// <param name="PrefixLength">0 to 32 or 128.</param>
public readonly record struct FilterNetwork(byte Family, Address Network, int PrefixLength);

/// <summary>The user-space filter: three independent sets, and a flow must pass all that were mentioned.</summary>
public sealed class FlowFilter
{
    private readonly bool[] _protocols = new bool[256];
    private readonly FilterNetwork[] _networks;
    private readonly uint _tcpStates;

    /// <summary>Makes a filter of its three sets.</summary>
    /// <param name="protocolAction">What happens to the listed protocols.</param>
    /// <param name="protocols">IP protocol numbers.</param>
    /// <param name="addressAction">What happens to the listed hosts and networks.</param>
    /// <param name="networks">Hosts and networks of both families.</param>
    /// <param name="stateAction">What happens to the listed TCP states.</param>
    /// <param name="tcpStates">TCP states; flows of other protocols pass.</param>
    /// <param name="places">Which addresses of a flow are looked at.</param>
    public FlowFilter(
        FilterAction protocolAction,
        IEnumerable<byte> protocols,
        FilterAction addressAction,
        IEnumerable<FilterNetwork> networks,
        FilterAction stateAction,
        IEnumerable<TcpState> tcpStates,
        FilterPlaces places = FilterPlaces.Ends)
    {
        ProtocolAction = protocolAction;
        foreach (byte protocol in protocols) _protocols[protocol] = true;
        AddressAction = addressAction;
        _networks = [.. networks];
        Places = places;
        StateAction = stateAction;
        foreach (TcpState state in tcpStates) _tcpStates |= 1u << (int)state;
    }

    /// <summary>The filter of a configuration without Filter.</summary>
    public static FlowFilter AcceptAll { get; } =
        new(FilterAction.None, [], FilterAction.None, [], FilterAction.None, []);

    /// <summary>What happens to the listed protocols.</summary>
    public FilterAction ProtocolAction { get; }

    /// <summary>What happens to the listed hosts and networks.</summary>
    public FilterAction AddressAction { get; }

    /// <summary>Which addresses of a flow the address set is compared with.</summary>
    public FilterPlaces Places { get; }

    /// <summary>What happens to the listed TCP states.</summary>
    public FilterAction StateAction { get; }

    /// <summary>Hosts and networks of the address set.</summary>
    public IReadOnlyList<FilterNetwork> Networks => _networks;

    /// <summary>Whether nothing is filtered at all.</summary>
    public bool AcceptsAll =>
        ProtocolAction == FilterAction.None && AddressAction == FilterAction.None && StateAction == FilterAction.None;

    /// <summary>Whether the protocol is listed.</summary>
    public bool ListsProtocol(byte protocol) => _protocols[protocol];

    /// <summary>Whether the TCP state is listed.</summary>
    public bool ListsState(TcpState state) => (_tcpStates >> (int)state & 1) != 0;

    /// <summary>Whether a flow of an event or a dump is replicated.</summary>
    /// <remarks>The state set is not asked about flows that end: else a dead flow would stay in the caches.</remarks>
    public bool Accepts(in PackedFlow flow, bool isDestroy)
    {
        if (!AcceptsProtocol(flow.Original.Protocol)) return false;
        if (!AcceptsAddresses(in flow)) return false;
        return isDestroy || AcceptsState(in flow);
    }

    private bool AcceptsProtocol(byte protocol) => ProtocolAction switch
    {
        FilterAction.Accept => _protocols[protocol],
        FilterAction.Ignore => !_protocols[protocol],
        _ => true,
    };

    private bool AcceptsAddresses(in PackedFlow flow)
    {
        if (AddressAction == FilterAction.None) return true;
        if (Places == FilterPlaces.OriginalTuple) return AcceptsOriginal(in flow.Original);

        bool listed = IsListed(flow.Original.Family, flow.Original.Source)
            || IsListed(flow.Reply.Family, flow.Reply.Source);
        return listed == (AddressAction == FilterAction.Accept);
    }

    private bool AcceptsOriginal(in FlowTuple tuple)
    {
        bool wanted = AddressAction == FilterAction.Accept;
        return IsListed(tuple.Family, tuple.Source) == wanted && IsListed(tuple.Family, tuple.Destination) == wanted;
    }

    private bool IsListed(byte family, Address address)
    {
        foreach (ref readonly FilterNetwork network in _networks.AsSpan())
        {
            if (network.Family == family && address.IsIn(network.Network, network.PrefixLength)) return true;
        }

        return false;
    }

    private bool AcceptsState(in PackedFlow flow)
    {
        if (StateAction == FilterAction.None || !flow.Has(FlowFields.TcpState)) return true;
        return ListsState((TcpState)flow.TcpState) == (StateAction == FilterAction.Accept);
    }
}
