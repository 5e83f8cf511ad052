using System.Net;
using System.Net.Sockets;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Conntrack.Tests;
using TwinTrack.Lab;
using SocketFamily = System.Net.Sockets.AddressFamily;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Makes, changes and ends flows in a kernel as fast as it goes, the same few tuples again and again, by requests and by
/// real datagrams at once.
/// </summary>
internal sealed class Churn : IDisposable
{
    private const int Tuples = 300;
    private const int Sockets = 40;
    private const int FirstPort = 30_000;
    private const ushort ClosedPort = 29_999;

    private readonly Thread[] _threads;
    private volatile bool _stop;
    private long _changes;

    /// <summary>Begins.</summary>
    /// <param name="home">The namespace.</param>
    /// <param name="seed">Decides the order of the requests.</param>
    public Churn(NetNamespace home, int seed)
    {
        _threads =
        [
            new Thread(() => home.Run(() => Request(new Random(seed)))),
            new Thread(() => home.Run(() => SendDatagrams(new Random(seed + 1)))),
        ];
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>Ends.</summary>
    /// <returns>How many changes the kernel made on request.</returns>
    public long Finish()
    {
        _stop = true;
        foreach (Thread thread in _threads) thread.Join();
        return _changes;
    }

    public void Dispose() => Finish();

    // In one batch the same tuple is made, changed, ended and made again.
    private void Request(Random random)
    {
        using var queue = new RequestQueue();
        while (!_stop)
        {
            while (!queue.IsFull)
            {
                PackedFlow flow = Pick(random);
                flow.Mark = (uint)random.Next(1, 1000);
                flow.Fields |= FlowFields.Mark;
                switch (random.Next(3))
                {
                    case 0: queue.Delete(0, in flow); break;
                    case 1: queue.Update(0, in flow); break;
                    default: queue.Create(0, in flow); break;
                }
            }

            queue.Send();
            while (queue.TryReadAnswer(out RequestAnswer answer)) _changes += answer.Error.IsSuccess ? 1 : 0;
        }
    }

    private static PackedFlow Pick(Random random)
    {
        ushort port = (ushort)(1000 + random.Next(Tuples));
        PackedFlow flow = (port % 6) switch
        {
            0 => Flows.Tcp6(port),
            1 => Flows.Udp(port),
            2 => Flows.Icmp(port),
            3 => Flows.Udp6(port),
            _ => Flows.Tcp(port),
        };
        if (flow.Has(FlowFields.TcpState)) flow.TcpState = (byte)random.Next(1, 8);
        if (port % 12 == 4)
        {
            flow.Zone = (ushort)random.Next(1, 3);
            flow.Fields |= FlowFields.Zone;
        }

        return flow;
    }

    // Each socket's flow is ended under it all the time, and its next datagram makes it anew.
    private void SendDatagrams(Random random)
    {
        Socket[] sockets = [.. Enumerable.Range(FirstPort, Sockets).Select(Open)];
        using var client = new ConntrackClient();
        while (!_stop)
        {
            int i = random.Next(Sockets);
            if (random.Next(2) == 0)
            {
                Send(sockets[i]);
                continue;
            }

            PackedFlow flow = Flows.Ports("127.0.0.1", "127.0.0.1", IpProtocol.Udp, (ushort)(FirstPort + i));
            flow.Original.DestinationPort = flow.Reply.SourcePort = ClosedPort;
            client.Delete(in flow);    // there may be none
        }

        foreach (Socket socket in sockets) socket.Dispose();
    }

    private static Socket Open(int port)
    {
        var socket = new Socket(SocketFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    private static void Send(Socket socket)
    {
        try
        {
            socket.SendTo([1], new IPEndPoint(IPAddress.Loopback, ClosedPort));
        }
        catch (SocketException)
        {
            // The answer to the one before: nobody listens there.
        }
    }
}
