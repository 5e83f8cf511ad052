using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon.Statistics;

/// <summary>The log of statistics mode: a line for each flow that ended, to a file and to the system log.</summary>
/// <remarks>
/// The time, a tab, the flow: <c>tcp      6 TIME_WAIT src=... packets=6 bytes=325 ...</c>; syslog gets the flow.
/// Lines are gathered and written by <see cref="Flush"/>: a busy turn of the loop costs one write.
/// </remarks>
internal sealed class FlowLog : IDisposable
{
    private const int BufferSize = 256 * 1024;
    private const int LongestLine = FlowText.MaxLength + 64;

    private readonly TimeProvider _time;
    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly SyslogWriter? _syslog;
    private readonly RotatingFile? _file;
    private long _second = long.MinValue;
    private byte[] _stamp = [];
    private int _length;

    private FlowLog(RotatingFile? file, SyslogWriter? syslog, TimeProvider time)
    {
        _file = file;
        _syslog = syslog;
        _time = time;
    }

    /// <summary>Lines, or parts of the file's, that did not reach their place.</summary>
    public long Lost { get; private set; }

    /// <summary>Opens what the configuration names.</summary>
    /// <param name="config">Where the lines go.</param>
    /// <param name="time">The local time; null: the system's.</param>
    /// <param name="syslogPath">Socket of the system log.</param>
    /// <exception cref="StartException">The file cannot be opened.</exception>
    public static FlowLog Open(StatsConfig config, TimeProvider? time = null, string syslogPath = "/dev/log")
    {
        TimeProvider clock = time ?? TimeProvider.System;
        RotatingFile? file = null;
        if (config.LogFile is { } path)
        {
            file = RotatingFile.Open(path, config.LogFileSize, (int)config.LogFileKeep, out string reason)
                ?? throw new StartException($"can't open logfile `{path}': {reason}");
        }

        SyslogWriter? syslog = config.Syslog is { } facility ? new SyslogWriter(facility, clock, syslogPath) : null;
        return new FlowLog(file, syslog, clock);
    }

    /// <summary>Adds a line.</summary>
    public void Write(in PackedFlow flow)
    {
        if (_file is null && _syslog is null) return;
        if (_buffer.Length - _length < LongestLine) Flush();

        DateTimeOffset now = _time.GetLocalNow();
        ReadOnlySpan<byte> stamp = Stamp(now);
        LineWriter line = new(_buffer.AsSpan(_length));
        line.Write(stamp);
        ulong nanoseconds = (ulong)(now.UtcDateTime - DateTime.UnixEpoch).Ticks * 100;
        FlowText.Write(ref line, in flow, new FlowTextStyle(FlowTextParts.Counters, nanoseconds));
        _syslog?.Write(LogLevel.Info, Encoding.UTF8.GetString(line.Written[stamp.Length..]));
        line.Write((byte)'\n');
        if (_file is not null) _length += line.Length;
    }

    /// <summary>Writes what was gathered.</summary>
    public void Flush()
    {
        if (_length > 0 && _file is not null && !_file.Write(_buffer.AsSpan(0, _length))) Lost++;
        _length = 0;
    }

    /// <summary>Opens the file anew, as after a rotation.</summary>
    /// <returns>Null, or why the old one stays.</returns>
    public string? Reopen()
    {
        Flush();
        return _file is null || _file.Reopen(out string reason) ? null
            : $"can't open logfile `{_file.Path}': {reason}";
    }

    public void Dispose()
    {
        Flush();
        _file?.Dispose();
        _syslog?.Dispose();
    }

    private ReadOnlySpan<byte> Stamp(DateTimeOffset now)
    {
        long second = now.Ticks / TimeSpan.TicksPerSecond;
        if (second == _second) return _stamp;
        _second = second;
        _stamp = Encoding.ASCII.GetBytes(LogTime.Long(now) + '\t');
        return _stamp;
    }
}
