using System.Text;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon;

/// <summary>
/// The daemon's log: terminal, log file and syslog, in the line format of conntrackd:
/// <c>[Fri Nov 20 23:23:24 2026] (pid=15290) [notice] TEXT</c>.
/// </summary>
/// <remarks>
/// A line that cannot be written is lost and counted, nothing else. Saying things once per episode is the caller's
/// business; where that fails, <see cref="LogBudget"/> keeps warnings and errors to a pace. Threads may share a log.
/// </remarks>
public sealed class Log : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TextWriter? _output;
    private readonly TextWriter? _error;
    private readonly TimeProvider _time;
    private readonly string _syslogPath;
    private readonly LogBudget _budget;
    private AppendFile? _file;
    private SyslogWriter? _syslog;
    private long _lost;

    /// <summary>Makes a log that writes to the terminal only.</summary>
    /// <param name="output">Takes notice and info; null: standard output.</param>
    /// <param name="error">Takes warning and error; null: standard error.</param>
    /// <param name="time">Tells the local time; null: the system's.</param>
    /// <param name="syslogPath">Socket of the system log.</param>
    public Log(
        TextWriter? output = null, TextWriter? error = null, TimeProvider? time = null, string syslogPath = "/dev/log")
    {
        _output = output;
        _error = error;
        _time = time ?? TimeProvider.System;
        _syslogPath = syslogPath;
        _budget = new LogBudget(_time);
    }

    /// <summary>Whether lines go to the terminal too.</summary>
    public bool UsesTerminal { get; set; } = true;

    /// <summary>Lines below this level are not written (LogLevel).</summary>
    public LogLevel Least { get; set; } = LogLevel.Info;

    /// <summary>Lines that did not reach one of their places.</summary>
    public long Lost => _lost + (_syslog?.Lost ?? 0);

    /// <summary>Begins to write to a file as well.</summary>
    /// <param name="path">The file; made with mode 0600, else appended to.</param>
    /// <returns>Null, or the whole line for standard error when it cannot be opened.</returns>
    public string? OpenFile(string path)
    {
        AppendFile? file = AppendFile.Open(path, out string reason);
        if (file is null) return FileProblem(path, reason);

        lock (_lock)
        {
            _file?.Dispose();
            _file = file;
        }

        return null;
    }

    /// <summary>Begins to write to the system log as well.</summary>
    public void OpenSyslog(SyslogFacility facility)
    {
        lock (_lock)
        {
            _syslog?.Dispose();
            _syslog = new SyslogWriter(facility, _time, _syslogPath);
        }
    }

    /// <summary>Writes to no file any more.</summary>
    public void CloseFile()
    {
        lock (_lock)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>Writes to the system log no more.</summary>
    public void CloseSyslog()
    {
        lock (_lock)
        {
            _syslog?.Dispose();
            _syslog = null;
        }
    }

    /// <summary>Opens the log file anew, as after a rotation; if that fails the old one stays and says so.</summary>
    public void Reopen()
    {
        if (_file is not { } file) return;

        bool isOpen;
        string reason;
        lock (_lock) isOpen = file.Reopen(out reason);
        if (!isOpen) Error(FileProblem(file.Path, reason));
    }

    /// <summary>Writes a line of level info.</summary>
    public void Info(string text) => Write(LogLevel.Info, text);

    /// <summary>Writes a line of level notice.</summary>
    public void Notice(string text) => Write(LogLevel.Notice, text);

    /// <summary>Writes a line of level warning.</summary>
    public void Warning(string text) => Write(LogLevel.Warning, text);

    /// <summary>Writes a line of level error.</summary>
    public void Error(string text) => Write(LogLevel.Error, text);

    /// <summary>Writes a line or a flow.</summary>
    public void Write(LogLine line)
    {
        if (line.IsFlow) WriteFlow(line.Text);
        else Write(line.Level, line.Text);
    }

    /// <summary>Writes a line.</summary>
    public void Write(LogLevel level, string text)
    {
        if (level < Least) return;
        lock (_lock)
        {
            long leftOut = 0;
            if (level >= LogLevel.Warning && !_budget.TryTake(out leftOut)) return;
            if (leftOut > 0) WriteNow(LogLevel.Warning, $"{leftOut} warnings and errors were left out");
            WriteNow(level, text);
        }
    }

    /// <summary>Writes the flow the preceding line was about: time, tabulator, flow, without prefix.</summary>
    /// <param name="flow">The flow as a line of text.</param>
    public void WriteFlow(string flow)
    {
        string line = $"{LogTime.Long(_time.GetLocalNow())}\t{flow}\n";
        lock (_lock)
        {
            if (_budget.IsExhausted) return;
            WriteLine(isError: true, line);
            _syslog?.Write(LogLevel.Error, flow);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _syslog?.Dispose();
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Info => "info",
        LogLevel.Notice => "notice",
        LogLevel.Warning => "warning",
        _ => "ERROR",
    };

    private static string FileProblem(string path, string reason) =>
        $"can't open logfile `{path}': {reason}";

    private void WriteNow(LogLevel level, string text)
    {
        string stamp = LogTime.Long(_time.GetLocalNow());
        WriteLine(
            level >= LogLevel.Warning,
            $"[{stamp}] (pid={Environment.ProcessId}) [{NameOf(level)}] {text}\n");
        _syslog?.Write(level, text);
    }

    private void WriteLine(bool isError, string line)
    {
        if (UsesTerminal) WriteTerminal(isError ? _error ?? Console.Error : _output ?? Console.Out, line);
        if (_file is not null && !_file.Write(Encoding.UTF8.GetBytes(line))) _lost++;
    }

    // A terminal that went away ends no daemon.
    private void WriteTerminal(TextWriter terminal, string line)
    {
        try
        {
            terminal.Write(line);
            terminal.Flush();
        }
        catch (IOException)
        {
            _lost++;
        }
    }
}
