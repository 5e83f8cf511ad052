using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>What the keywords of the dedicated links do, seen from outside.</summary>
internal static class LinkObservations
{
    private const int Flows = 20;
    private const string Group = "225.0.0.77";

    public static readonly Dictionary<string, Action> Rows = new(StringComparer.Ordinal)
    {
        ["Sync/UDP"] = () => Open(Udp(), "-Huln", ":3780"),
        ["Sync/TCP"] = () => Open(Tcp(), "-Htln", ":3780"),
        ["Sync/Multicast"] = () => Open(Multicast(), "-Huln", ":3780"),

        ["UDP/IPv4_address"] = () => Open(Udp(), "-Huln", "10.77.3.1:3780"),
        ["UDP/IPv6_address"] = () => Replicates(SyncChannel.Udp, isIPv6: true, "[fd77:3::1]:3780", "-Huln"),
        ["UDP/IPv4_Destination_Address"] = () => Replicates(SyncChannel.Udp, isIPv6: false, "10.77.3.1:3780", "-Huln"),
        ["UDP/IPv6_Destination_Address"] = () => Replicates(SyncChannel.Udp, isIPv6: true, "[fd77:3::1]:3780", "-Huln"),
        ["UDP/Port"] = () => Open(Udp("Port 4711"), "-Huln", ":4711"),
        ["UDP/Interface"] = () => Named(Udp("Interface sync1"), "UDP", "sync1"),
        ["UDP/SndSocketBuffer"] = () => Buffer(Udp("SndSocketBuffer 123392"), "-Huanm", "tb246784"),
        ["UDP/RcvSocketBuffer"] = () => Buffer(Udp("RcvSocketBuffer 123392"), "-Huanm", "rb246784"),
        ["UDP/Checksum"] = () => Summed(SyncChannel.Udp),

        ["TCP/IPv4_address"] = () => Open(Tcp(), "-Htln", "10.77.3.1%sync0:3780"),
        ["TCP/IPv6_address"] = () => Replicates(SyncChannel.Tcp, isIPv6: true, "[fd77:3::1]%sync0:3780", "-Htln"),
        ["TCP/IPv4_Destination_Address"] = () => Replicates(SyncChannel.Tcp, isIPv6: false, "10.77.3.1%sync0:3780", "-Htln"),
        ["TCP/IPv6_Destination_Address"] = () => Replicates(SyncChannel.Tcp, isIPv6: true, "[fd77:3::1]%sync0:3780", "-Htln"),
        ["TCP/Port"] = () => Open(Tcp("Port 4711"), "-Htln", ":4711"),
        ["TCP/Interface"] = () => Named(Tcp("Interface sync1"), "TCP", "sync1"),
        ["TCP/SndSocketBuffer"] = () => Buffer(Tcp("SndSocketBuffer 123392"), "-Htanm", "tb246784"),
        ["TCP/RcvSocketBuffer"] = () => Buffer(Tcp("RcvSocketBuffer 123392"), "-Htanm", "rb246784"),
        ["TCP/Checksum"] = () =>
            GeneralObservations.SaidToDoNothing("", "Checksum", "no effect on a TCP link", Tcp("Checksum off")),
        ["TCP/ErrorQueueLength"] = () => With(Tcp("ErrorQueueLength 55"), place =>
            Assert.Contains("          55\n", place.Do("-s", "queue").Split("errorq:")[1], StringComparison.Ordinal)),

        ["Multicast/IPv4_address"] = () => With(Multicast(), place =>
            Assert.Contains(Group, place.Look("ip", "maddr", "show", "dev", "sync0"), StringComparison.Ordinal)),
        ["Multicast/IPv6_address"] = () => With(
            "Multicast { IPv6_address ff02::77 Group 3780 Interface sync0 }", place => KeywordPlace.Awaits(
                "ff02::77", () => place.Look("ip", "maddr", "show", "dev", "sync0"))),
        ["Multicast/IPv4_interface"] = () => With(Multicast("IPv4_interface 10.77.3.9"), place =>
            Assert.Contains("10.77.3.9", place.Log, StringComparison.Ordinal)),
        ["Multicast/IPv6_interface"] = () => GeneralObservations.SaidToDoNothing(
            "", "IPv6_interface", "IPv6_interface",
            "Multicast { IPv6_address ff02::77 IPv6_interface ::1 Group 3780 Interface sync0 }"),
        ["Multicast/Group"] = () => Open(Multicast("Group 4711"), "-Huln", ":4711"),
        ["Multicast/Interface"] = () => Named(Multicast("Interface sync1"), "multicast", "sync1"),
        ["Multicast/SndSocketBuffer"] = () => Buffer(Multicast("SndSocketBuffer 123392"), "-Huanm", "tb246784"),
        ["Multicast/RcvSocketBuffer"] = () => Buffer(Multicast("RcvSocketBuffer 123392"), "-Huanm", "rb246784"),
        ["Multicast/Checksum"] = () => Summed(SyncChannel.Multicast),
    };

    private static string Udp(string line = "") => KeywordPlace.UdpLink.Replace("{0}", line, StringComparison.Ordinal);

    private static string Tcp(string line = "") => "TCP" + Udp(line)[3..];

    private static string Multicast(string line = "") =>
        $"Multicast {{\nIPv4_address {Group}\nIPv4_interface 10.77.3.1\nGroup 3780\nInterface sync0\n{line}\n}}";

    private static void With(string link, Action<KeywordPlace> look)
    {
        using var place = new KeywordPlace();
        look(place.StartSync(link: link));
    }

    private static void Open(string link, string sockets, string address) => With(link, place =>
        KeywordPlace.Awaits(address, () => place.Look("ss", sockets)));

    private static void Buffer(string link, string sockets, string size) => With(link, place =>
        KeywordPlace.Awaits(size, () => place.Look("ss", sockets)));

    private static void Named(string link, string kind, string device) => With(link, place =>
        Assert.Contains($"{kind} traffic device={device} ", place.Do("-s", "link"), StringComparison.Ordinal));

    private static void Replicates(SyncChannel channel, bool isIPv6, string address, string sockets)
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours, channel, isIPv6).Start();
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();
        string open = pair.First.Firewall.Namespace.Require(["ss", sockets]).Output;
        Assert.Contains(address, open, StringComparison.Ordinal);
    }

    // What arrives at the peer has a checksum, or none.
    private static void Summed(SyncChannel channel)
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours, channel, isIPv6: false);
        pair.First.Config = pair.First.Config with { LinkLines = "Checksum off" };
        pair.Start();
        Assert.True(HasSum(pair.First));
        Assert.False(HasSum(pair.Second));
    }

    private static bool HasSum(Node receiver) => receiver.Firewall.Namespace.Run(() =>
    {
        using var all = new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Udp)
        {
            ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds,
        };
        all.Bind(new IPEndPoint(IPAddress.Any, 0));
        byte[] packet = new byte[65536];
        while (true)
        {
            // Both ends of a multicast group hear what they send themselves.
            int length = all.Receive(packet);
            int header = (packet[0] & 0xf) * 4;
            bool isPeers = new IPAddress(packet.AsSpan(12, 4)).Equals(receiver.Firewall.PeerSyncAddress);
            bool isLink = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(header + 2)) == 3780;
            if (isPeers && isLink && length > header + 8)
                return BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(header + 6)) != 0;
        }
    });
}
