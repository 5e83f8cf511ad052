using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace TwinTrack.Lab;

/// <summary>Both ends of an FTP control connection through the firewalls, line by line.</summary>
/// <remarks>Whatever is waited for, a <see cref="LabException"/> tells that it did not happen in ten seconds.</remarks>
public sealed class FtpSession : IDisposable
{
    private const string Rules =
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
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly Topology _topology;
    private readonly CancellationToken _cancellation;
    private readonly Socket _listener;
    private readonly Socket _client;
    private readonly Socket _server;
    private readonly List<Socket> _others = [];

    /// <summary>Opens the control connection and logs in.</summary>
    /// <param name="topology">Where client and server are.</param>
    /// <param name="cancellation">Ends each wait.</param>
    public FtpSession(Topology topology, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(topology);
        _topology = topology;
        _cancellation = cancellation;
        try
        {
            _listener = Listen(topology.Server, new IPEndPoint(Topology.ServerAddress, 21));
            _client = Connect(topology.Client, new IPEndPoint(Topology.ServerAddress, 21));
            _server = Accept(_listener);
            Say(_server, "220 ready", _client);
            Say(_client, "USER anonymous", _server);
            Say(_server, "230 welcome", _client);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The rules of a firewall that knows FTP and lets no other new TCP connection through.</summary>
    /// <exception cref="LabException">The kernel lacks the helper (module nf_conntrack_ftp).</exception>
    public static void Restrict(Firewall firewall)
    {
        ArgumentNullException.ThrowIfNull(firewall);
        firewall.Namespace.Require(["nft", "-f", "-"], Rules);
    }

    /// <summary>The server announces where it waits for a data connection.</summary>
    /// <param name="waiting">Where it waits.</param>
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
    /// <param name="waiting">Where it waits.</param>
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
    /// <param name="from">What the client was told.</param>
    /// <param name="waiting">Where the server waits.</param>
    public void FetchPassive(IPEndPoint from, Socket waiting)
    {
        Socket end = Connect(_topology.Client, from);
        Say(Accept(waiting), "the file", end);
    }

    /// <summary>The server opens a data connection and a file goes through it.</summary>
    /// <param name="to">What the server was told.</param>
    /// <param name="waiting">Where the client waits.</param>
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

    /// <summary>Ends all connections.</summary>
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
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            Await(socket, SelectMode.SelectWrite, $"{to} does not answer");
        }

        socket.Blocking = true;
        return socket;
    });

    private Socket Accept(Socket listener)
    {
        Await(listener, SelectMode.SelectRead, "nobody connects");
        Socket socket = listener.Accept();
        socket.LingerState = new(enable: true, seconds: 0);
        _others.Add(socket);
        return socket;
    }

    private Socket Make()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            LingerState = new(enable: true, seconds: 0),
        };
        _others.Add(socket);
        return socket;
    }

    private void Await(Socket socket, SelectMode mode, string orElse)
    {
        var watch = Stopwatch.StartNew();
        while (!socket.Poll(PollInterval, mode))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (watch.Elapsed > Patience) throw new LabException(orElse);
        }
    }

    private string Say(Socket from, string line, Socket to)
    {
        from.Send(Encoding.ASCII.GetBytes(line + "\r\n"));
        var heard = new StringBuilder();
        byte[] buffer = new byte[256];
        while (!heard.ToString().EndsWith("\r\n", StringComparison.Ordinal))
        {
            Await(to, SelectMode.SelectRead, $"not heard: {line}");
            int length = to.Receive(buffer);
            if (length == 0) throw new LabException($"closed instead of hearing: {line}");
            heard.Append(Encoding.ASCII.GetString(buffer, 0, length));
        }

        return heard.ToString().TrimEnd();
    }
}
