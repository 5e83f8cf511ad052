using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using TwinTrack.Lab;

namespace TwinTrack.Interop.Tests;

/// <summary>Both ends of an FTP control connection through the firewalls, line by line.</summary>
internal sealed class FtpSession : IDisposable
{
    private const int Patience = 10_000; // milliseconds

    private readonly Topology _topology;
    private readonly Socket _listener;
    private readonly Socket _client;
    private readonly Socket _server;
    private readonly List<Socket> _others = [];

    public FtpSession(Topology topology)
    {
        _topology = topology;
        _listener = Listen(topology.Server, new IPEndPoint(Topology.ServerAddress, 21));
        _client = Connect(topology.Client, new IPEndPoint(Topology.ServerAddress, 21));
        _server = Accept(_listener);
        Say(_server, "220 ready", _client);
        Say(_client, "USER anonymous", _server);
        Say(_server, "230 welcome", _client);
    }

    /// <summary>The rules of a firewall that knows FTP and lets no other new TCP connection through.</summary>
    public static void Restrict(Firewall firewall) => firewall.Namespace.Require(
        ["nft", "-f", "-"],
        """
        table inet ftp {
            ct helper control { type "ftp" protocol tcp; }
            chain arrive {
                type filter hook prerouting priority 0;
                tcp dport 21 ct helper set "control"
            }
            chain forward {
                type filter hook forward priority -1;
                meta l4proto tcp ct state new tcp dport != 21 drop
            }
        }
        """);

    /// <summary>The server announces where it waits for a data connection.</summary>
    /// <returns>The address that the client is told.</returns>
    public IPEndPoint Passive(out Socket waiting)
    {
        waiting = Listen(_topology.Server, new IPEndPoint(Topology.ServerAddress, 0));
        Say(_client, "PASV", _server);
        int port = ((IPEndPoint)waiting.LocalEndPoint!).Port;
        string told = Say(_server, $"227 Entering Passive Mode ({Announced(Topology.ServerAddress, port)})", _client);
        return Read(told);
    }

    /// <summary>The client announces where it waits for a data connection.</summary>
    /// <returns>The address that the server is told.</returns>
    public IPEndPoint Active(out Socket waiting)
    {
        waiting = Listen(_topology.Client, new IPEndPoint(Topology.ClientAddress, 0));
        int port = ((IPEndPoint)waiting.LocalEndPoint!).Port;
        string told = Say(_client, $"PORT {Announced(Topology.ClientAddress, port)}", _server);
        Say(_server, "200 fine", _client);
        return Read(told);
    }

    /// <summary>The client opens a data connection and a file goes through it.</summary>
    public void FetchPassive(IPEndPoint from, Socket waiting)
    {
        Socket end = Connect(_topology.Client, from);
        Say(Accept(waiting), "the file", end);
    }

    /// <summary>The server opens a data connection and a file goes through it.</summary>
    public void FetchActive(IPEndPoint to, Socket waiting)
    {
        Socket end = Connect(_topology.Server, to);
        Say(end, "the file", Accept(waiting));
    }

    /// <summary>The control connection carries a command and its answer.</summary>
    public void Talk()
    {
        Say(_client, "NOOP", _server);
        Say(_server, "200 still here", _client);
    }

    public void Dispose()
    {
        foreach (Socket socket in _others) socket.Dispose();
    }

    private static string Announced(IPAddress address, int port) =>
        $"{address.ToString().Replace('.', ',')},{port >> 8},{port & 255}";

    // 227 Entering Passive Mode (10,77,2,10,195,80)
    private static IPEndPoint Read(string line)
    {
        int[] numbers = [.. line[(line.LastIndexOfAny([' ', '(']) + 1)..].TrimEnd(')').Split(',')
            .Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
        return new IPEndPoint(
            new IPAddress([(byte)numbers[0], (byte)numbers[1], (byte)numbers[2], (byte)numbers[3]]),
            (numbers[4] << 8) | numbers[5]);
    }

    private Socket Listen(NetNamespace home, IPEndPoint at) => home.Run(() =>
    {
        Socket socket = Make();
        socket.Bind(at);
        socket.Listen(4);
        return socket;
    });

    private Socket Connect(NetNamespace home, IPEndPoint to) => home.Run(() =>
    {
        Socket socket = Make();
        socket.Blocking = false;
        try
        {
            socket.Connect(to);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            bool isConnected = socket.Poll(Patience * 1000, SelectMode.SelectWrite);
            if (!isConnected) throw new LabException($"{to} does not answer", error);
        }

        socket.Blocking = true;
        return socket;
    });

    private Socket Accept(Socket listener)
    {
        if (!listener.Poll(Patience * 1000, SelectMode.SelectRead)) throw new LabException("nobody connects");
        Socket socket = listener.Accept();
        socket.ReceiveTimeout = Patience;
        socket.LingerState = new(enable: true, seconds: 0);
        _others.Add(socket);
        return socket;
    }

    private Socket Make()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = Patience,
            LingerState = new(enable: true, seconds: 0),
        };
        _others.Add(socket);
        return socket;
    }

    private static string Say(Socket from, string line, Socket to)
    {
        from.Send(Encoding.ASCII.GetBytes(line + "\r\n"));
        var heard = new StringBuilder();
        byte[] buffer = new byte[256];
        while (!heard.ToString().EndsWith("\r\n", StringComparison.Ordinal))
        {
            int length = to.Receive(buffer);
            if (length == 0) throw new LabException($"closed instead of hearing: {line}");
            heard.Append(Encoding.ASCII.GetString(buffer, 0, length));
        }

        return heard.ToString().TrimEnd();
    }
}
