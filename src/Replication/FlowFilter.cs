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
    /// <param name="networks">Compared with the original source and the reply source.</param>
    /// <param name="stateAction">What happens to the listed TCP states.</param>
    /// <param name="tcpStates">TCP states; flows of other protocols pass.</param>
    public FlowFilter(
        FilterAction protocolAction,
        IEnumerable<byte> protocols,
        FilterAction addressAction,
        IEnumerable<FilterNetwork> networks,
        FilterAction stateAction,
        IEnumerable<TcpState> tcpStates)
    {
        ProtocolAction = protocolAction;
        foreach (byte protocol in protocols) _protocols[protocol] = true;
        AddressAction = addressAction;
        _networks = [.. networks];
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

        bool listed = IsListed(flow.Original.Family, flow.Original.Source)
            || IsListed(flow.Reply.Family, flow.Reply.Source);
        return listed == (AddressAction == FilterAction.Accept);
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
