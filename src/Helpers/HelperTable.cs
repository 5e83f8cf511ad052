using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>The helpers there are, in the order of their names.</summary>
public static class HelperTable
{
    /// <summary>One row for each name and protocol.</summary>
    public static IReadOnlyList<Helper> All { get; } =
    [
        new("amanda", IpProtocol.Udp, AmandaHelper.Inspect) { ExpectMax = 4, ExpectSeconds = 180 },
        new("dhcpv6", IpProtocol.Udp, Dhcpv6Helper.Inspect) { LeastPort = 1 },
        new("ftp", IpProtocol.Tcp, FtpHelper.Inspect) { PrivateBytes = FtpHelper.PrivateBytes },
        new("mdns", IpProtocol.Udp, MdnsHelper.Inspect) { ExpectMax = 8, ExpectSeconds = 30 },
        new("rpc", IpProtocol.Tcp, RpcHelper.InspectTcp) { PrivateBytes = RpcHelper.PrivateBytes, LeastPort = 1 },
        new("rpc", IpProtocol.Udp, RpcHelper.InspectUdp) { PrivateBytes = RpcHelper.PrivateBytes, LeastPort = 1 },
        new("sane", IpProtocol.Tcp, SaneHelper.Inspect) { PrivateBytes = SaneHelper.PrivateBytes },
        new("sip", IpProtocol.Tcp, SipHelper.InspectTcp)
        {
            LongestTail = SipHelper.LongestMessage, ExpectMax = 32, ExpectSeconds = 180,
        },
        new("sip", IpProtocol.Udp, SipHelper.InspectUdp)
        {
            PrivateBytes = SipRegistration.PrivateBytes, ExpectMax = 32, ExpectSeconds = 180,
        },
        new("slp", IpProtocol.Udp, SlpHelper.Inspect) { ExpectMax = 8, ExpectSeconds = 16, LeastPort = 1 },
        new("ssdp", IpProtocol.Tcp, SsdpHelper.InspectTcp) { ExpectMax = 8, LeastPort = SsdpHelper.LeastPort },
        new("ssdp", IpProtocol.Udp, SsdpHelper.InspectUdp) { ExpectMax = 8, LeastPort = SsdpHelper.LeastPort },
        new("tftp", IpProtocol.Udp, TftpHelper.Inspect),
        new("tns", IpProtocol.Tcp, TnsHelper.Inspect) { PrivateBytes = TnsHelper.PrivateBytes },
    ];

    /// <summary>Finds a helper; null if there is none.</summary>
    public static Helper? Find(string name, byte protocol) =>
        All.FirstOrDefault(helper => helper.Name == name && helper.Protocol == protocol);
}
