using System.Text;

namespace TwinTrack.Netlink.Tests;

internal static class ReadmeExample
{
    public static void Run(TextWriter output)
    {
        // README
        using var client = new NetlinkClient(NetlinkProtocol.Route);

        client.Writer.Begin(18, MessageFlags.Request | MessageFlags.Dump, client.NextSequence); // RTM_GETLINK
        client.Writer.Append(16).Clear();                                                      // struct ifinfomsg
        client.Writer.End();
        client.Start().ThrowIfFailed("interfaces");

        while (client.Wait() == ReplyState.Message)
        {
            var attributes = new AttributeReader(client.Message[(NetlinkHeader.Size + 16)..]);
            while (attributes.MoveNext())
            {
                if (attributes.Type == 3) // IFLA_IFNAME
                    output.WriteLine(Encoding.UTF8.GetString(attributes.ReadString()));
            }
        }

        client.Result.ThrowIfFailed("interfaces");
        // end
    }
}
