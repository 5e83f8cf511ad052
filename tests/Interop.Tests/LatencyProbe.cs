using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Lab;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Creates a flow now and then on one node and measures how long it takes until a datagram tells the other one's host.
/// </summary>
internal sealed class LatencyProbe : IDisposable
{
    private const int FirstFlow = 50 * 65536 * FlowsPerAddress; // addresses 10.150.x.y, which nothing else uses
    private const int FlowsPerAddress = 32;
    private const int ReceiveBufferForce = 33; // SO_RCVBUFFORCE
    private const int SocketLevel = 1;         // SOL_SOCKET
    private const byte Tcp = 6;

    // The beginning of the source address: behind the head of attribute IPV4, or in the dense form behind the protocol.
    private static readonly byte[] _mark = [10, 150];

    private readonly Node _from;
    private readonly Socket _listener;
    private readonly Thread _creating;
    private readonly Thread _listening;
    private readonly ConcurrentDictionary<int, long> _created = new();
    private readonly ConcurrentDictionary<int, TimeSpan> _delays = new();
    private volatile bool _isStopping;

    public LatencyProbe(Pair pair)
    {
        _from = pair.First;
        _listener = pair.Second.Firewall.Namespace.Run(() =>
            new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Udp) { ReceiveTimeout = 200 });
        _listener.SetRawSocketOption(SocketLevel, ReceiveBufferForce, BitConverter.GetBytes(16 << 20));
        _listener.Bind(new IPEndPoint(pair.Second.Firewall.SyncAddress, 0));
        _creating = new Thread(Create);
        _listening = new Thread(Listen);
        _listening.Start();
        _creating.Start();
    }

    /// <summary>Ends it after the last flow has arrived.</summary>
    /// <returns>How many flows were created, and the longest time one took.</returns>
    public (int Flows, TimeSpan Longest) Finish()
    {
        _isStopping = true;
        _creating.Join();
        Eventually.Holds(() => _delays.Count == _created.Count
            ? null
            : $"{_created.Count} probes left and {_delays.Count} arrived");
        return (_created.Count, _delays.Values.Max());
    }

    public void Dispose()
    {
        _isStopping = true;
        _creating.Join();
        _listener.Dispose();
        _listening.Join();
    }

    private void Create()
    {
        for (int number = 0; !_isStopping; number++)
        {
            _created[number] = Stopwatch.GetTimestamp();
            FlowGenerator.Create(_from.Firewall.Namespace, 1, FirstFlow + (number * FlowsPerAddress));
            Thread.Sleep(50);
        }
    }

    private void Listen()
    {
        byte[] packet = new byte[65536];
        while (true)
        {
            int length;
            try
            {
                length = _listener.Receive(packet);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                if (_isStopping && _delays.Count == _created.Count) return;
                continue;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return; // the test is over
            }

            long now = Stopwatch.GetTimestamp();
            ReadOnlySpan<byte> rest = packet.AsSpan(0, length);
            while (rest.IndexOf(_mark) is var at and > 0 && at + 4 <= rest.Length)
            {
                int number = BinaryPrimitives.ReadUInt16BigEndian(rest[(at + 2)..]);
                if (rest[at - 1] is 0 or Tcp && _created.TryGetValue(number, out long then))
                    _delays.TryAdd(number, Stopwatch.GetElapsedTime(then, now));
                rest = rest[(at + 2)..];
            }
        }
    }
}
