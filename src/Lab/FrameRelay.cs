using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>A cable in two pieces that holds some frames back, so that later ones overtake them.</summary>
/// <remarks>
/// Packet sockets (packet(7)) take the frames of one interface and put them on the other, with their virtio header, so
/// that checksums the kernel has not filled in yet stay its own business.
/// </remarks>
internal sealed class FrameRelay : IDisposable
{
    private const int BufferSize = 65_536 + 64;
    private const int SocketBuffer = 64 * 1024 * 1024;
    private const int Overtaken = 4;                   // one frame in so many is held back
    private const int LongestDelayMilliseconds = 5;
    private const int StopLookMilliseconds = 50;

    private readonly int[] _sockets = [-1, -1];
    private readonly PriorityQueue<(int Socket, byte[] Frame), long> _held = new();
    private readonly Random _random;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    /// <summary>Joins two interfaces of the thread's namespace.</summary>
    /// <param name="first">Its name.</param>
    /// <param name="second">Its name.</param>
    /// <param name="seed">Decides which frames are held back.</param>
    public FrameRelay(string first, string second, int seed)
    {
        _random = new Random(seed);
        try
        {
            _sockets[0] = Open(first);
            _sockets[1] = Open(second);
        }
        catch
        {
            Close();
            throw;
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "frame relay" };
        _thread.Start();
    }

    /// <summary>Frames that were held back; may be read while it runs.</summary>
    public long HeldBack { get; private set; }

    public void Dispose()
    {
        _isStopping = true;
        _thread.Join();
        Close();
    }

    private void Close()
    {
        foreach (int socket in _sockets)
            if (socket >= 0) _ = Libc.Close(socket);
    }

    private static unsafe int Open(string name)
    {
        int socket = Libc.Socket(Libc.AfPacket, Libc.SockRaw | Libc.SockCloseOnExec | Libc.SockNonBlock, 0);
        if (socket < 0) throw Failure("open a packet socket");
        Set(socket, Libc.SolPacket, Libc.PacketVnetHeader, 1);
        Set(socket, Libc.SolPacket, Libc.PacketIgnoreOutgoing, 1);
        Set(socket, Libc.SolSocket, Libc.ReceiveBufferForce, SocketBuffer);
        var address = new Libc.LinkLayerAddress
        {
            Family = Libc.AfPacket,
            Protocol = 0x0300, // ETH_P_ALL in network order
            InterfaceIndex = (int)Libc.InterfaceIndex(name),
        };
        if (Libc.Bind(socket, &address, (uint)sizeof(Libc.LinkLayerAddress)) != 0) throw Failure($"bind to {name}");
        return socket;
    }

    private static unsafe void Set(int socket, int level, int option, int value)
    {
        if (Libc.SetSocketOption(socket, level, option, &value, sizeof(int)) != 0)
            throw Failure($"set option {option} of a packet socket");
    }

    private void Run()
    {
        using var epoll = new Epoll();
        epoll.Add(_sockets[0], 0);
        epoll.Add(_sockets[1], 1);
        byte[] buffer = new byte[BufferSize];
        while (!_isStopping)
        {
            int count = epoll.Wait(WaitMilliseconds());
            for (int place = 0; place < count; place++) Carry(epoll[place], buffer);
            while (_held.TryPeek(out (int Socket, byte[] Frame) held, out long due) && due <= Stopwatch.GetTimestamp())
            {
                _held.Dequeue();
                Send(held.Socket, held.Frame);
            }
        }
    }

    private int WaitMilliseconds() => !_held.TryPeek(out _, out long due)
        ? StopLookMilliseconds
        : (int)Math.Max(0, Math.Ceiling(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due).TotalMilliseconds));

    private unsafe void Carry(int from, byte[] buffer)
    {
        fixed (byte* data = buffer)
        {
            int to = _sockets[1 - from];
            while (Libc.Receive(_sockets[from], data, BufferSize, 0) is var length and > 0)
            {
                ReadOnlySpan<byte> frame = buffer.AsSpan(0, (int)length);
                if (_random.Next(Overtaken) != 0)
                {
                    Send(to, frame);
                    continue;
                }

                HeldBack++;
                long delay = (long)(_random.NextDouble() * LongestDelayMilliseconds * Stopwatch.Frequency / 1000);
                _held.Enqueue((to, frame.ToArray()), Stopwatch.GetTimestamp() + delay);
            }
        }
    }

    // A full interface loses the frame, as a switch would.
    private static unsafe void Send(int socket, ReadOnlySpan<byte> frame)
    {
        fixed (byte* data = frame) _ = Libc.SendTo(socket, data, (nuint)frame.Length, 0, null, 0);
    }

    private static LabException Failure(string what) =>
        new($"cannot {what}: {Marshal.GetLastPInvokeErrorMessage()}");
}
