using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Lab;

/// <summary>The state of a load at one moment.</summary>
/// <param name="Open">Connections opened.</param>
/// <param name="Moving">Connections that got bytes in both directions just now.</param>
/// <param name="Broken">Connections that ended, or delivered altered bytes.</param>
/// <param name="Alive">Connections that carried bytes both ways which were sent after the mark.</param>
/// <param name="Bytes">Bytes that arrived unaltered, of all connections and both directions.</param>
public readonly record struct TcpLoadSample(int Open, int Moving, int Broken, int Alive, long Bytes);

/// <summary>TCP connections from client to server that carry bytes both ways all the time, on an own thread.</summary>
/// <remarks>
/// Each end writes a piece of its pattern in turn, a few times a second, and checks what comes from the other end
/// byte by byte. Nothing is ever connected again.
/// </remarks>
public sealed class TcpLoad : IDisposable
{
    private const int Port = 5001;
    private const int SendsPerSecond = 10_000;
    private const int MaxWaitMilliseconds = 20;
    private const int TcpSynCount = 7;  // TCP_SYNCNT
    private const int SynRetries = 3;   // gives up after 15 s
    private const ulong OtherFiles = 256;

    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(25);

    private readonly Lock _gate = new();
    private readonly List<TcpEnd> _ends = []; // client ends at even, their server ends at the odd positions behind
    private readonly Epoll _epoll = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly TimeSpan _interval;

    private Socket[] _clients = [];
    private Thread? _thread;
    private volatile bool _stop;
    private int _watched; // ends that the thread serves
    private int _next;    // end that sends next
    private long _started;
    private long _turns;  // sends so far, counted over all ends

    /// <summary>Prepares a load.</summary>
    /// <param name="connections">How many connections it will have.</param>
    /// <param name="seed">Decides the bytes.</param>
    public TcpLoad(int connections, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(connections);
        Connections = connections;
        Seed = seed;
        _interval = TimeSpan.FromSeconds(Math.Max(MinInterval.TotalSeconds, connections * 2.0 / SendsPerSecond));
    }

    /// <summary>How many connections there are when all are open.</summary>
    public int Connections { get; }

    /// <summary>Decides the bytes.</summary>
    public ulong Seed { get; }

    /// <summary>Opens the connections, one after the other, and starts the traffic.</summary>
    /// <exception cref="LabException">A connection cannot be opened.</exception>
    public void Open(NetNamespace client, NetNamespace server, IPAddress serverAddress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(server);
        RaiseFileLimit(((ulong)Connections * 2) + OtherFiles);
        var target = new IPEndPoint(serverAddress, Port);
        using Socket listener = server.Run(() => Listen(target));
        _clients = client.Run(MakeSockets);
        for (int i = 0; i < _clients.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Connect(_clients[i], target, i);
            // Connected means that the last packet of the handshake is on its way: a short wait at most.
            Add(i, _clients[i], listener.Accept());
        }

        _started = Stopwatch.GetTimestamp();
        _thread = new Thread(Serve) { Name = "tcp load" };
        _thread.Start();
    }

    /// <summary>Starts to measure silence anew.</summary>
    public void ResetGaps()
    {
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            foreach (TcpEnd end in _ends) end.ResetGaps(now);
        }
    }

    /// <summary>From here on a connection is alive only if bytes arrive both ways that are sent from now on.</summary>
    public void Mark()
    {
        lock (_gate)
        {
            foreach (TcpEnd end in _ends) end.Mark();
        }
    }

    /// <summary>Looks at the load.</summary>
    public TcpLoadSample Sample()
    {
        // A connection moves if no turn of both ends passed without a byte, with some patience for a busy machine.
        TimeSpan patience = (_interval * 2) + TimeSpan.FromMilliseconds(150);
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            int moving = 0, broken = 0, alive = 0;
            long bytes = 0;
            for (int i = 0; i + 1 < _ends.Count; i += 2)
            {
                TcpEnd client = _ends[i], server = _ends[i + 1];
                bytes += client.Received + server.Received;
                if (IsBroken(client, server))
                {
                    broken++;
                    continue;
                }

                if (client.Silence(now) < patience && server.Silence(now) < patience) moving++;
                if (client.Received > server.SentAtMark && server.Received > client.SentAtMark) alive++;
            }

            return new(_ends.Count / 2, moving, broken, alive, bytes);
        }
    }

    /// <summary>The longest silence of each connection in either direction since the gaps were reset, sorted.</summary>
    public TimeSpan[] LongestGaps()
    {
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            var gaps = new TimeSpan[_ends.Count / 2];
            for (int i = 0; i < gaps.Length; i++)
            {
                TimeSpan client = _ends[2 * i].LongestGap(now), server = _ends[(2 * i) + 1].LongestGap(now);
                gaps[i] = client > server ? client : server;
            }

            Array.Sort(gaps);
            return gaps;
        }
    }

    /// <summary>Why connections broke, each reason with its number.</summary>
    public IReadOnlyDictionary<string, int> BrokenReasons()
    {
        lock (_gate)
        {
            return _ends.Chunk(2)
                .Where(pair => IsBroken(pair[0], pair[1]))
                .CountBy(pair => pair[0].Broken ?? pair[1].Broken!, StringComparer.Ordinal)
                .ToDictionary(StringComparer.Ordinal);
        }
    }

    /// <summary>Stops the traffic and closes the connections.</summary>
    public void Dispose()
    {
        _stop = true;
        _thread?.Join();
        foreach (TcpEnd end in _ends) end.Dispose();
        foreach (Socket client in _clients) client.Dispose(); // those that were not connected yet
        _epoll.Dispose();
    }

    private static bool IsBroken(TcpEnd client, TcpEnd server) =>
        client.Broken is not null || server.Broken is not null;

    private static unsafe void RaiseFileLimit(ulong needed)
    {
        Libc.ResourceLimit limit;
        if (Libc.GetResourceLimit(Libc.OpenFiles, &limit) == 0 && limit.Current >= needed) return;

        limit.Current = needed;
        limit.Maximum = Math.Max(limit.Maximum, needed);
        if (Libc.SetResourceLimit(Libc.OpenFiles, &limit) != 0)
            throw new LabException($"the connections take {needed} open files, more than this process may have");
    }

    private static Socket Listen(IPEndPoint address)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(address);
        listener.Listen(16);
        return listener;
    }

    private Socket[] MakeSockets()
    {
        var sockets = new Socket[Connections];
        for (int i = 0; i < sockets.Length; i++)
        {
            sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets[i].SetRawSocketOption((int)ProtocolType.Tcp, TcpSynCount, BitConverter.GetBytes(SynRetries));
        }

        return sockets;
    }

    private static void Connect(Socket socket, IPEndPoint target, int number)
    {
        try
        {
            socket.Connect(target);
        }
        catch (SocketException e)
        {
            throw new LabException($"connection {number} cannot be opened: {e.Message}", e);
        }
    }

    private void Add(int number, Socket client, Socket server)
    {
        ulong seed = BytePattern.Mix(Seed + (ulong)number);
        lock (_gate)
        {
            _ends.Add(new TcpEnd(client, seed, ~seed));
            _ends.Add(new TcpEnd(server, ~seed, seed));
        }
    }

    private void Serve()
    {
        for (; _watched < _ends.Count; _watched++) _epoll.Add(_ends[_watched].Descriptor, _watched);
        while (!_stop)
        {
            int ready = _epoll.Wait(MillisecondsToNextSend());
            lock (_gate)
            {
                long now = Stopwatch.GetTimestamp();
                for (int i = 0; i < ready; i++) Receive(_epoll[i], now);
                SendDue();
            }
        }
    }

    private void Receive(int index, long now)
    {
        TcpEnd end = _ends[index];
        end.Receive(_buffer, now);
        if (end.Broken is not null) _epoll.Remove(end.Descriptor); // it would stay readable for ever
    }

    private void SendDue()
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_started);
        long due = (long)(elapsed / _interval * _ends.Count);
        // After a pause of the whole machine no more than one turn is made up for.
        _turns = Math.Max(_turns, due - _ends.Count);
        for (; _turns < due; _turns++)
        {
            _ends[_next].Send();
            _next = (_next + 1) % _ends.Count;
        }
    }

    private int MillisecondsToNextSend()
    {
        TimeSpan next = _interval * ((_turns + 1.0) / _ends.Count);
        double wait = (next - Stopwatch.GetElapsedTime(_started)).TotalMilliseconds;
        return (int)Math.Clamp(Math.Ceiling(wait), 0, MaxWaitMilliseconds);
    }
}
