using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Tests;

internal static class ReadmeExample
{
    public static void Run(TextWriter output)
    {
        // README
        using var events = new EventStream(EventGroups.Flows);
        using var client = new ConntrackClient();

        var flow = new Flow(FlowTuple.Of(IpProtocol.Tcp, "10.0.0.1", 40000, "192.0.2.7", 443))
        {
            Timeout = 300,
            TcpState = TcpState.Established,
            Status = FlowStatus.SeenReply | FlowStatus.Assured,
            Mark = 42,
        };

        NetlinkError error = client.Create(in flow.Packed);
        if (error.Code == Errno.Exists) output.WriteLine("somebody was faster");
        else error.ThrowIfFailed("create");

        client.Dump((in PackedFlow one) => output.WriteLine($"in the table: {one.Original}, mark {one.Mark}"))
            .ThrowIfFailed("dump");
        client.Delete(in flow.Packed).ThrowIfFailed("delete");

        PackedFlow seen = default;
        while (events.Read(ref seen) is var status && status != EventStatus.Empty)
        {
            if (status == EventStatus.Flow) output.WriteLine($"{events.Kind}: {seen.Original}");
            else output.WriteLine($"{status}: dump the table to know more");
        }
        // end
    }
}
