using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>The configured filter as a program for the kernel.</summary>
/// <remarks>
/// It drops nothing that <see cref="FlowFilter"/> would let pass; what both drop costs a system call's share less.
/// </remarks>
internal static class EventFilter
{
    /// <summary>Makes the program.</summary>
    public static KernelFilter Make(FlowFilter filter)
    {
        var made = new KernelFilter();
        if (filter.ProtocolAction != FilterAction.None)
        {
            made.Protocols(
                ModeOf(filter.ProtocolAction),
                Enumerable.Range(0, 256).Select(number => (byte)number).Where(filter.ListsProtocol));
        }

        if (filter.AddressAction != FilterAction.None) AddAddresses(made, filter);
        if (filter.StateAction != FilterAction.None)
            made.TcpStates(ModeOf(filter.StateAction), Enum.GetValues<TcpState>().Where(filter.ListsState));
        return made;
    }

    private static void AddAddresses(KernelFilter made, FlowFilter filter)
    {
        AddressPrefix[] networks =
            [.. filter.Networks.Select(item => new AddressPrefix(item.Family, item.Network, item.PrefixLength))];
        FilterMode mode = ModeOf(filter.AddressAction);
        if (filter.Places == FilterPlaces.Ends)
        {
            made.Addresses(mode, FlowAddresses.OriginalSource | FlowAddresses.ReplySource, networks);
            return;
        }

        made.Addresses(mode, FlowAddresses.OriginalSource, networks);
        made.Addresses(mode, FlowAddresses.OriginalDestination, networks);
    }

    private static FilterMode ModeOf(FilterAction action) =>
        action == FilterAction.Accept ? FilterMode.Accept : FilterMode.Ignore;
}
