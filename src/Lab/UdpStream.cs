using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Lab;

/// <summary>The state of a stream at one moment.</summary>
/// <param name="Sent">Datagrams the server sent.</param>
/// <param name="Received">Datagrams that arrived unaltered.</param>
/// <param name="Altered">Datagrams that arrived altered.</param>
/// <param name="IsAlive">Whether one arrived that was sent after the mark.</param>
/// <param name="LongestGap">The longest time without a datagram since the gap was reset.</param>
public readonly record struct UdpStreamSample(
    long Sent, long Received, long Altered, bool IsAlive, TimeSpan LongestGap);

/// <summary>A UDP flow that the client begins and the server then fills, a datagram each 10 ms.</summary>
/// <remarks>
/// The client is silent once the stream runs: the rules let nothing begin from the server's side, so that only a
/// replicated flow can carry it over to another firewall.
/// </remarks>
public sealed class UdpStream : IDisposable
{
    private const int Port = 5002;
    private const int Size = 200;
    private const int HeaderSize = sizeof(long);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan FirstDatagramDeadline = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly byte[] _datagram = new byte[Size];
    private readonly byte[] _received = new byte[2 * Size];
    private readonly byte[] _expected = new byte[Size];
    private readonly ulong _seed;
    private readonly Socket _client;
    private readonly Socket _server;
    private readonly Thread _thread;

    private volatile bool _stop;
    private long _sent;
    private long _receivedCount;
    private long _altered;
    private long _mark = long.MaxValue;
    private bool _isAlive;
    private long _lastReceive;
    private TimeSpan _longestGap;

    /// <summary>Begins the flow and starts the stream.</summary>
    /// <param name="client">Namespace of the client.</param>
    /// <param name="server">Namespace of the server.</param>
    /// <param name="serverAddress">Where the server listens.</param>
    /// <param name="seed">Decides the bytes.</param>
    /// <exception cref="LabException">Nothing gets through.</exception>
    public UdpStream(NetNamespace client, NetNamespace server, IPAddress serverAddress, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(server);
        _seed = seed;
        var target = new IPEndPoint(serverAddress, Port);
        _server = server.Run(MakeSocket);
        _server.Bind(target);
        _client = client.Run(MakeSocket);
        _client.Connect(target);
        Subscribe();
        _lastReceive = Stopwatch.GetTimestamp();
        _thread = new Thread(Serve) { Name = "udp stream" };
        _thread.Start();
    }

    /// <summary>Starts to measure silence anew.</summary>
    public void ResetGap()
    {
        lock (_gate)
        {
            _lastReceive = Stopwatch.GetTimestamp();
            _longestGap = TimeSpan.Zero;
        }
    }

    /// <summary>From here on the stream is alive only if a datagram arrives that is sent from now on.</summary>
    public void Mark()
    {
        lock (_gate)
        {
            _mark = _sent;
            _isAlive = false;
        }
    }

    /// <summary>Looks at the stream.</summary>
    public UdpStreamSample Sample()
    {
        lock (_gate)
        {
            TimeSpan open = Stopwatch.GetElapsedTime(_lastReceive);
            return new(_sent, _receivedCount, _altered, _isAlive, open > _longestGap ? open : _longestGap);
        }
    }

    /// <summary>Stops the stream.</summary>
    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _client.Dispose();
        _server.Dispose();
    }

    private static Socket MakeSocket() => new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    private void Subscribe()
    {
        var watch = Stopwatch.StartNew();
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        do
        {
            // The first may be lost to an ARP queue that is full or not there yet.
            if (watch.Elapsed > FirstDatagramDeadline) throw new LabException("no datagram gets to the server");
            _client.Send("begin"u8);
        }
        while (!_server.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead));

        _ = _server.ReceiveFrom(_received, ref from);
        _server.Connect(from);
    }

    private void Serve()
    {
        long started = Stopwatch.GetTimestamp();
        for (long turn = 1; !_stop; turn++)
        {
            lock (_gate) Send();
            while (Interval * turn - Stopwatch.GetElapsedTime(started) is { Ticks: > 0 } wait)
            {
                if (!_client.Poll(wait, SelectMode.SelectRead)) break;
                lock (_gate) Receive();
            }
        }
    }

    // number(8), then the pattern from the offset that the number gives
    private void Send()
    {
        Write(_datagram, _sent);
        // What the kernel refuses for the moment counts as sent and lost.
        _ = _server.Send(_datagram, SocketFlags.None, out SocketError _);
        _sent++;
    }

    private void Receive()
    {
        int length = _client.Receive(_received, SocketFlags.None, out SocketError error);
        if (error != SocketError.Success) return;

        long number = length == Size ? BinaryPrimitives.ReadInt64LittleEndian(_received) : -1;
        if (number >= 0) Write(_expected, number);
        if (number < 0 || number >= _sent || !_received.AsSpan(0, Size).SequenceEqual(_expected))
        {
            _altered++;
            return;
        }

        _receivedCount++;
        _isAlive |= number >= _mark;
        TimeSpan gap = Stopwatch.GetElapsedTime(_lastReceive);
        _lastReceive = Stopwatch.GetTimestamp();
        if (gap > _longestGap) _longestGap = gap;
    }

    private void Write(Span<byte> datagram, long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(datagram, number);
        new BytePattern(_seed).Fill(datagram[HeaderSize..], number * Size);
    }
}
