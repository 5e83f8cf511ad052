using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>Reads the flows a command line means.</summary>
internal static class FlowReader
{
    /// <summary>Reads the table and hands on what matches.</summary>
    /// <param name="request">The command line.</param>
    /// <param name="handler">Takes each flow; the flow is valid until it returns.</param>
    /// <param name="half">Which half of the table.</param>
    /// <exception cref="ToolException">The kernel refused.</exception>
    public static void Read(Request request, FlowHandler handler, TableHalf half = TableHalf.Both)
    {
        var conditions = new FlowConditions(request, half);
        using var dump = new FlowDump();
        byte message = Message(request);
        bool isFiltered = message == ConntrackMessage.Get && conditions.TryMakePattern(out PackedFlow pattern)
            && dump.Start(in pattern, request.Family, message).IsSuccess;
        if (!isFiltered) dump.Start(request.Family, message);

        PackedFlow flow = default;
        bool isEmpty = true;
        while (true)
        {
            switch (dump.Read(ref flow))
            {
                case DumpStatus.Flow:
                    isEmpty = false;
                    if (conditions.Matches(in flow)) handler(in flow);
                    break;
                case DumpStatus.WouldBlock:
                    dump.Wait(-1);
                    break;
                case DumpStatus.Failed when isFiltered && isEmpty && IsRefusal(dump.Error):
                    isFiltered = false; // a kernel that does not know a condition: all of it, then
                    dump.Start(request.Family, message);
                    break;
                case DumpStatus.Failed: throw Session.Failure(request, dump.Error);
                default: return;
            }
        }
    }

    private static bool IsRefusal(NetlinkError error) => error.Code is Errno.Invalid or Errno.NotSupported;

    private static byte Message(Request request) => request.Table switch
    {
        TableId.Dying => ConntrackMessage.GetDying,
        TableId.Unconfirmed => ConntrackMessage.GetUnconfirmed,
        _ => request.Has(OptionId.Zero) ? ConntrackMessage.GetAndZero : ConntrackMessage.Get,
    };
}
