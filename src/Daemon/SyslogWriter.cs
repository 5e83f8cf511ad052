using System.Net.Sockets;
using System.Text;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon;

/// <summary>Sends lines to the system log, a datagram each; a log that does not listen never holds us up.</summary>
/// <remarks>What cannot be sent at once is lost and counted: the next line tries a fresh socket.</remarks>
internal sealed class SyslogWriter(SyslogFacility facility, TimeProvider time, string path = "/dev/log") : IDisposable
{
    /// <summary>What syslog files show us as.</summary>
    public const string Ident = "conntrack-tools";

    private Socket? _socket;

    /// <summary>Lines that did not reach the system log.</summary>
    public long Lost { get; private set; }

    /// <summary>Sends one line.</summary>
    public void Write(LogLevel level, string text)
    {
        int priority = ((int)facility << 3) | Severity(level);
        string stamp = LogTime.Short(time.GetLocalNow());
        byte[] datagram = Encoding.UTF8.GetBytes($"<{priority}>{stamp} {Ident}[{Environment.ProcessId}]: {text}");

        bool wasConnected = _socket is not null;
        if (TrySend(datagram)) return;

        // A restarted log has a new socket behind the same path: try once more.
        if (!wasConnected || _socket is not null || !TrySend(datagram)) Lost++;
    }

    public void Dispose() => _socket?.Dispose();

    // The levels of RFC 5424.
    private static int Severity(LogLevel level) => level switch
    {
        LogLevel.Error => 3,
        LogLevel.Warning => 4,
        LogLevel.Notice => 5,
        _ => 6,
    };

    private bool TrySend(byte[] datagram)
    {
        _socket ??= Connect();
        if (_socket is null) return false;

        _socket.Send(datagram, SocketFlags.None, out SocketError error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            _socket.Dispose();
            _socket = null;
        }

        return error == SocketError.Success;
    }

    private Socket? Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
