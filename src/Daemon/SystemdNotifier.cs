using System.Globalization;
using System.Net.Sockets;
using System.Text;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Tells systemd what the daemon is about: sd_notify(3) datagrams to the socket in NOTIFY_SOCKET.</summary>
internal sealed class SystemdNotifier
{
    private readonly string? _path;
    private readonly long _watchdogMicroseconds;

    /// <param name="isOn">Whether the configuration wants it; without NOTIFY_SOCKET nothing is told anyway.</param>
    public SystemdNotifier(bool isOn)
    {
        string? path = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        if (!isOn || string.IsNullOrEmpty(path)) return;

        _path = path[0] == '@' ? '\0' + path[1..] : path;   // an abstract name
        _watchdogMicroseconds = ReadWatchdog();
        if (_watchdogMicroseconds > 0) NextDeadline = Clock.Now;
    }

    /// <summary>Datagrams that the manager did not take.</summary>
    public int Undelivered { get; private set; }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline { get; private set; } = Instant.Never;

    /// <summary>The parent of a daemon in the background tells its process id.</summary>
    public void MainProcess(int pid) => Send($"MAINPID={pid}");

    /// <summary>The daemon serves.</summary>
    public void Ready() => Send("READY=1");

    /// <summary>The configuration is read again; <see cref="Ready"/> tells the end of it.</summary>
    public void Reloading() => Send($"RELOADING=1\nMONOTONIC_USEC={Clock.Now.Microseconds}");

    /// <summary>The daemon ends.</summary>
    public void Stopping() => Send("STOPPING=1");

    /// <summary>Feeds the watchdog, at twice the rate it asks for.</summary>
    public void OnDeadline(Instant now)
    {
        if (now < NextDeadline) return;
        NextDeadline = new Instant(now.Microseconds + (_watchdogMicroseconds / 2));
        Send("WATCHDOG=1");
    }

    // WATCHDOG_PID, when set, names the process that is meant.
    private static long ReadWatchdog()
    {
        string? pid = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        if (pid is not null && pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)) return 0;
        return long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), out long value) ? value : 0;
    }

    // Nobody can be told that the manager does not listen.
    private void Send(string text)
    {
        if (_path is null) return;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Blocking = false;
        try
        {
            socket.SendTo(Encoding.UTF8.GetBytes(text), new UnixDomainSocketEndPoint(_path));
        }
        catch (SocketException)
        {
            Undelivered++;
        }
    }
}
