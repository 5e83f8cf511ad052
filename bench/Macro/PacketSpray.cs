using System.Net;
using System.Net.Sockets;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>Sends one small datagram to each of many ports: each makes a flow.</summary>
internal static class PacketSpray
{
    private const int FirstPort = 1024;

    /// <summary>Sends them, as fast as one thread can.</summary>
    /// <param name="space">From where.</param>
    /// <param name="address">Where to.</param>
    /// <param name="sockets">How many sources.</param>
    /// <param name="ports">Ports that each source sends to.</param>
    public static void Send(NetNamespace space, string address, int sockets, int ports) => space.Run(() =>
    {
        byte[] payload = [1];
        for (int i = 0; i < sockets; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            var target = new IPEndPoint(IPAddress.Parse(address), FirstPort);
            for (int port = FirstPort; port < FirstPort + ports; port++)
            {
                target.Port = port;
                socket.SendTo(payload, target);
            }
        }
    });
}
