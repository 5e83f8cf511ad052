using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace TwinTrack.Daemon.Control;

/// <summary>How a call of a client ended.</summary>
public enum ControlResult
{
    /// <summary>The request was sent and the answer, which may be empty, is complete.</summary>
    Done,

    /// <summary>Nobody listens, or we may not connect.</summary>
    CannotConnect,

    /// <summary>The daemon took the connection but closed or reset it before the answer was complete.</summary>
    BrokenOff,

    /// <summary>The daemon refused the request: this user may only read.</summary>
    Refused,

    /// <summary>The daemon does not know JSON: it is the original's.</summary>
    NoJson,

    /// <summary>The daemon did not answer in time.</summary>
    Silent,

    /// <summary>The answer could not be written.</summary>
    OutputClosed,
}

/// <summary>The client's side of the control socket.</summary>
public static class ControlClient
{
    private const int BufferSize = 256 * 1024;

    /// <summary>Sends a request and copies the answer as it comes.</summary>
    /// <param name="path">The control socket.</param>
    /// <param name="request">What to ask for.</param>
    /// <param name="output">Takes the answer.</param>
    /// <param name="isJson">Ask for JSON.</param>
    /// <param name="silence">How long the daemon may say nothing; null: as long as it likes.</param>
    public static ControlResult Run(
        string path, ControlRequest request, Stream output, TimeSpan? silence, bool isJson = false)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (silence is { } limit)
        {
            // A hung daemon may also leave its queue of connections full: the send limit holds for connect(2) too.
            socket.SendTimeout = (int)limit.TotalMilliseconds;
            socket.ReceiveTimeout = (int)limit.TotalMilliseconds;
        }

        int code = isJson ? (int)request | ControlCall.JsonBit : (int)request;
        return TryConnect(socket, path) ? Converse(socket, code, output, isJson) : ControlResult.CannotConnect;
    }

    /// <summary>How long an answer may take: statistics are at hand, a command takes what it takes.</summary>
    /// <remarks>Fail-over scripts ask for statistics to learn whether the daemon lives.</remarks>
    public static TimeSpan? SilenceLimit(ControlRequest request) => request switch
    {
        ControlRequest.FlowStatistics or ControlRequest.ExpectationStatistics or ControlRequest.NetworkStatistics
            or ControlRequest.CacheStatistics or ControlRequest.RuntimeStatistics or ControlRequest.LinkStatistics
            or ControlRequest.ResendQueueStatistics or ControlRequest.ProcessStatistics
            or ControlRequest.QueueStatistics => TimeSpan.FromSeconds(10),
        _ => null,
    };

    /// <summary>The line for the operator; empty when there is nothing to say.</summary>
    public static string Message(ControlResult result) => result switch
    {
        ControlResult.CannotConnect => "can't connect: is conntrackd running? appropriate permissions?",
        ControlResult.BrokenOff => "the daemon closed the connection before the answer was complete",
        ControlResult.Silent => "the daemon does not answer",
        ControlResult.NoJson => "the daemon that runs does not know JSON",
        ControlResult.Refused => "the daemon refused: this user may only list caches (-i, -e) and read statistics (-s)",
        _ => "",
    };

    /// <summary>The exit status of the program.</summary>
    public static int ExitCode(ControlResult result) => result == ControlResult.Done ? 0 : 1;

    private static bool TryConnect(Socket socket, string path)
    {
        if (path.Length == 0 || Encoding.UTF8.GetByteCount(path) > ControlListener.MaxPathBytes) return false;
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false; // whatever the reason, the operator reads the same line
        }
    }

    private static ControlResult Converse(Socket socket, int code, Stream output, bool isJson)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        MemoryMarshal.Write(bytes, code);
        int sent = socket.Send(bytes, SocketFlags.None, out SocketError error);
        if (error != SocketError.Success || sent != bytes.Length) return ControlResult.BrokenOff;

        byte[] buffer = new byte[BufferSize];
        bool isFirst = true;
        while (true)
        {
            int count = socket.Receive(buffer, SocketFlags.None, out error);
            if (error is SocketError.TimedOut or SocketError.WouldBlock) return ControlResult.Silent;
            if (isFirst && error == SocketError.ConnectionReset) return ControlResult.Refused;
            if (error != SocketError.Success) return ControlResult.BrokenOff;
            if (count == 0) return isFirst && isJson ? ControlResult.NoJson : ControlResult.Done;
            isFirst = false;
            if (!TryWrite(output, buffer.AsSpan(0, count))) return ControlResult.OutputClosed;
        }
    }

    private static bool TryWrite(Stream output, ReadOnlySpan<byte> bytes)
    {
        try
        {
            output.Write(bytes);
            return true;
        }
        catch (IOException)
        {
            return false; // the reader of a pipe left; it knows why
        }
    }
}
