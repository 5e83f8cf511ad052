using System.Diagnostics;
using System.Net.Sockets;

namespace TwinTrack.Lab;

/// <summary>One end of a connection of the load: writes one pattern, checks the other.</summary>
internal sealed class TcpEnd : IDisposable
{
    private const int MaxChunk = 256;
    private const int MinChunk = 32;

    private readonly Socket _socket;
    private readonly ulong _seed;
    private readonly BytePattern _out;
    private readonly BytePattern _in;

    private long _lastReceive = Stopwatch.GetTimestamp();
    private long _longestGap; // stopwatch ticks

    public TcpEnd(Socket socket, ulong seed, ulong peerSeed)
    {
        _socket = socket;
        _seed = seed;
        _out = new(seed);
        _in = new(peerSeed);
        // Closing sends a reset at once: a close in order would hold the namespace until the retries end.
        socket.LingerState = new(enable: true, seconds: 0);
        socket.NoDelay = true;
        socket.Blocking = false;
    }

    public int Descriptor => (int)_socket.SafeHandle.DangerousGetHandle();

    /// <summary>Bytes the socket took.</summary>
    public long Sent { get; private set; }

    /// <summary>Bytes that came and were right.</summary>
    public long Received { get; private set; }

    /// <summary><see cref="Sent"/> when the mark was set.</summary>
    public long SentAtMark { get; private set; }

    /// <summary>Why it carries no more bytes; null while it does.</summary>
    public string? Broken { get; private set; }

    public void Mark() => SentAtMark = Sent;

    public void ResetGaps(long now)
    {
        _lastReceive = now;
        _longestGap = 0;
    }

    /// <summary>Time since the last byte came.</summary>
    public TimeSpan Silence(long now) => Stopwatch.GetElapsedTime(_lastReceive, now);

    /// <summary>The longest time without a byte since the gaps were reset, an open one included.</summary>
    public TimeSpan LongestGap(long now) =>
        Stopwatch.GetElapsedTime(0, Math.Max(_longestGap, now - _lastReceive));

    public void Send()
    {
        if (Broken is not null) return;

        int length = MinChunk + (int)(BytePattern.Mix(_seed ^ (ulong)Sent) % (MaxChunk - MinChunk + 1));
        Span<byte> chunk = stackalloc byte[length];
        _out.Fill(chunk, Sent);
        int taken = _socket.Send(chunk, SocketFlags.None, out SocketError error);
        if (error == SocketError.Success) Sent += taken;
        else if (error != SocketError.WouldBlock) Broken = error.ToString();
    }

    public void Receive(Span<byte> buffer, long now)
    {
        int length = _socket.Receive(buffer, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock) return;

        if (error != SocketError.Success) Broken = error.ToString();
        else if (length == 0) Broken = "closed by the other end";
        else if (!_in.Matches(buffer[..length], Received)) Broken = "altered bytes";
        if (Broken is not null) return;

        Received += length;
        _longestGap = Math.Max(_longestGap, now - _lastReceive);
        _lastReceive = now;
    }

    public void Dispose() => _socket.Dispose();
}
