using System.Diagnostics;

namespace TwinTrack.Lab;

/// <summary>A conntrackd that runs in a firewall's namespace, ours or the original.</summary>
public sealed class DaemonProcess : IDisposable
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    private readonly string _prefix;
    private readonly Process _process;

    private DaemonProcess(string program, string prefix, Process process)
    {
        Program = program;
        _prefix = prefix;
        _process = process;
    }

    /// <summary>Path of the program.</summary>
    public string Program { get; }

    /// <summary>Path of its configuration file.</summary>
    public string ConfigPath => _prefix + ".conf";

    /// <summary>Path of its log.</summary>
    public string LogPath => _prefix + ".log";

    /// <summary>Path of its control socket.</summary>
    public string ControlPath => _prefix + ".ctl";

    /// <summary>Path of what it writes to standard output and error.</summary>
    public string ConsolePath => _prefix + ".out";

    /// <summary>Its process id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether it is still there.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>Starts a daemon in the foreground.</summary>
    /// <param name="program">Path of conntrackd.</param>
    /// <param name="home">The namespace it runs in.</param>
    /// <param name="config">What it shall do.</param>
    /// <param name="pathPrefix">Beginning of its files' paths; short, as a socket's path has 107 bytes at most.</param>
    public static DaemonProcess Start(string program, NetNamespace home, SyncConfig config, string pathPrefix)
    {
        ArgumentNullException.ThrowIfNull(home);
        ArgumentNullException.ThrowIfNull(config);
        File.WriteAllText(pathPrefix + ".conf", config.ToText(pathPrefix));
        // One that was killed leaves them, and the original refuses to start over its old lock.
        File.Delete(pathPrefix + ".lock");
        File.Delete(pathPrefix + ".ctl");
        Process process = home.Start(pathPrefix + ".out", program, "-C", pathPrefix + ".conf");
        return new(program, pathPrefix, process);
    }

    /// <summary>Waits until it answers on its control socket.</summary>
    /// <exception cref="LabException">It ended, or does not answer in time; with the last line it wrote.</exception>
    public void WaitUntilReady(CancellationToken cancellation = default)
    {
        var watch = Stopwatch.StartNew();
        while (!File.Exists(ControlPath) || Control("-s").ExitCode != 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (_process.HasExited)
                throw new LabException($"{Program} ended with exit code {_process.ExitCode}: {LastWords()}");
            if (watch.Elapsed > ReadyDeadline)
                throw new LabException($"{Program} does not answer on its control socket: {LastWords()}");
            Thread.Sleep(PollInterval);
        }
    }

    /// <summary>Sends a command to it through its own program, as an operator does.</summary>
    /// <param name="arguments">Such as <c>-c</c>, or <c>-s</c>, <c>network</c>.</param>
    public CommandResult Control(params string[] arguments) =>
        Command.Run(Program, ["-C", ConfigPath, .. arguments]);

    /// <summary>Sends a command that has to work.</summary>
    /// <exception cref="LabException">The exit code is not 0.</exception>
    public CommandResult RequireControl(params string[] arguments)
    {
        CommandResult result = Control(arguments);
        return result.ExitCode == 0
            ? result
            : throw new LabException($"{Program} {string.Join(' ', arguments)}: {result.FirstLine}");
    }

    /// <summary>How many flows its caches hold.</summary>
    public CacheCounts CountCaches() => CacheCounts.Parse(RequireControl("-s").Output);

    /// <summary>Lines of <c>-e</c>, the flows it heard of from its peer, that satisfy a condition.</summary>
    public int CountExternal(Func<string, bool> condition) =>
        RequireControl("-e").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(condition);

    /// <summary>SIGKILL: it leaves no word to anyone, its lock and socket stay.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Stops it in order (<c>-k</c>) and waits.</summary>
    /// <returns>Its exit code.</returns>
    public int Stop()
    {
        RequireControl("-k");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>What it logged or, failing that, wrote last.</summary>
    public string LastWords()
    {
        foreach (string path in (string[])[ConsolePath, LogPath])
        {
            if (File.Exists(path) && File.ReadLines(path).LastOrDefault(line => line.Trim().Length > 0) is { } line)
                return line.Trim();
        }

        return "it wrote nothing";
    }

    /// <summary>Lets go of it; it goes on running unless it was killed.</summary>
    public void Dispose() => _process.Dispose();
}
