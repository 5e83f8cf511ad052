using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>
/// How long it takes from a lasting flow's begin on the primary until the datagram that tells of it is on the backup,
/// with nothing else to do and under HTTP load.
/// </summary>
internal sealed class DelayRound(
    BenchOptions options, Contestant contestant, int number, CancellationToken cancellation)
{
    private const int Probes = 300;          // at most
    private const int IdlePause = 16;        // milliseconds: faster, the probes themselves would be load
    private const int LoadedPause = 4;
    private const int WarmUpSeconds = 2;
    private const double Percentile = 0.99;
    private const int MostMilliseconds = 2000;

    private readonly RoundResult _result = new(Workloads.Delay, contestant.Subject, number);
    private readonly byte[] _packet = new byte[65_536];

    public RoundResult Run()
    {
        using var bed = TestBed.Build();
        using var pair = Pair.Start(contestant, bed.Topology, bed.Directory, cancellation);
        using ConntrackClient primary = InNamespace(bed.Topology.Primary.Namespace, () => new ConntrackClient());
        using Socket backup = InNamespace(bed.Topology.Backup.Namespace, Listen);
        Add(Figures.DelayIdleMedian, Figures.DelayIdle, Probe(primary, backup, first: 0, IdlePause, static () => true));

        WebServer.Start(bed.Topology, bed.Directory, cancellation);
        WebClient.Run(bed.Topology, bed.Directory, WarmUpSeconds, cancellation);
        WebLoad? load = null;
        var client = new Thread(() => load = WebClient.Run(bed.Topology, bed.Directory, options.Seconds, cancellation));
        client.Start();
        if (cancellation.WaitHandle.WaitOne(1000)) cancellation.ThrowIfCancellationRequested();
        Drain(backup);
        List<double> loaded = Probe(primary, backup, first: Probes, LoadedPause, () => client.IsAlive);
        Add(Figures.DelayLoadedMedian, Figures.DelayLoaded, loaded);
        client.Join();
        _result.Add(Figures.DelayRate, load!.RequestsPerSecond);
        return _result;
    }

    private static T InNamespace<T>(NetNamespace home, Func<T> make) => home.Run(make);

    private static Socket Listen()
    {
        var socket = new Socket(System.Net.Sockets.AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Udp)
        {
            ReceiveBufferSize = 8 * 1024 * 1024,
            ReceiveTimeout = MostMilliseconds,
        };
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        return socket;
    }

    private void Drain(Socket socket)
    {
        while (socket.Available > 0) socket.Receive(_packet);
    }

    private List<double> Probe(ConntrackClient primary, Socket backup, int first, int pause, Func<bool> goesOn)
    {
        var random = new Random(first);
        List<double> milliseconds = [];
        for (int probe = first; probe < first + Probes && goesOn(); probe++)
        {
            cancellation.ThrowIfCancellationRequested();
            PackedFlow flow = Made(probe, out byte[] addresses);
            long begun = Stopwatch.GetTimestamp();
            primary.Create(in flow).ThrowIfFailed("make a flow");
            if (!WaitFor(backup, addresses))
            {
                _result.Invalidate($"flow {probe} did not arrive within {MostMilliseconds} ms");
                return milliseconds;
            }

            milliseconds.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            Thread.Sleep(random.Next(pause / 2, pause * 2));
        }

        return milliseconds;
    }

    private bool WaitFor(Socket socket, byte[] addresses)
    {
        var watch = Stopwatch.StartNew();
        while (watch.ElapsedMilliseconds < MostMilliseconds)
        {
            try
            {
                int length = socket.Receive(_packet);
                if (_packet.AsSpan(0, length).IndexOf(addresses) >= 0) return true;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                return false;
            }
        }

        return false;
    }

    private void Add(Figure median, Figure high, List<double> milliseconds)
    {
        if (milliseconds.Count == 0) return;
        milliseconds.Sort();
        _result.Add(median, milliseconds[milliseconds.Count / 2]);
        _result.Add(high, milliseconds[(int)(milliseconds.Count * Percentile)]);
    }

    private static PackedFlow Made(int probe, out byte[] addresses)
    {
        addresses = [10, 99, (byte)(probe >> 8), (byte)probe, 10, 77, 2, 10];
        PackedFlow flow = default;
        flow.Original.Family = Conntrack.AddressFamily.IPv4;
        flow.Original.Protocol = IpProtocol.Tcp;
        flow.Original.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
        flow.Original.Source = Address.Read(addresses.AsSpan(0, 4));
        flow.Original.Destination = Address.Read(addresses.AsSpan(4));
        flow.Original.SourcePort = 1024;
        flow.Original.DestinationPort = 80;
        flow.Reply = flow.Original;
        (flow.Reply.Source, flow.Reply.Destination) = (flow.Original.Destination, flow.Original.Source);
        (flow.Reply.SourcePort, flow.Reply.DestinationPort) = (80, 1024);
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        flow.Timeout = 600;
        flow.TcpState = (byte)TcpState.Established;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout
            | FlowFields.TcpState;
        return flow;
    }
}
