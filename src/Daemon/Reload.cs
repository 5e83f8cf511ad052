using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;

namespace TwinTrack.Daemon;

/// <summary>
/// What SIGHUP does: reads the configuration again, takes over what can change under way and
/// names what cannot.
/// </summary>
/// <remarks>A configuration with an error changes nothing.</remarks>
internal sealed class Reload(string file, DaemonConfig config, Log log, ControlListener listener)
{
    // The daemon's working directory is not the one it was started in.
    private readonly string _file = Path.GetFullPath(file);
    private DaemonConfig _config = config;

    /// <summary>Gives the engine the limits and times it may change under way.</summary>
    public Action<DaemonConfig>? Reconfigure { get; set; }

    /// <summary>Opens the log file anew, as after a rotation (SIGUSR1).</summary>
    public void ReopenLogs() => log.Reopen();

    /// <summary>Reads the configuration again.</summary>
    public void Run()
    {
        ConfigResult result = ConfigReader.Load(_file);
        if (result.Config is not { } read)
        {
            foreach (ConfigProblem problem in result.Problems.Where(problem => problem.Level == ProblemLevel.Error))
                log.Error(problem.Locate(_file));
            log.Error("the configuration was not reloaded, nothing has changed");
            return;
        }

        TakeLogs(read.General);
        TakeGroup(read.General);
        TakeLimits(read);
        foreach (string name in ConfigDifference.Between(_config, read))
            log.Warning($"`{name}' has changed in {_file}: it takes effect when the daemon is started anew");
        log.Notice("configuration reloaded");
    }

    private void TakeLogs(GeneralConfig read)
    {
        GeneralConfig now = _config.General;
        log.Least = read.LogLevel;
        now = now with { LogLevel = read.LogLevel };
        if (read.LogFile != now.LogFile)
        {
            if (read.LogFile is null) log.CloseFile();
            else if (log.OpenFile(read.LogFile) is { } problem) log.Error(problem);
            now = now with { LogFile = read.LogFile };
        }

        if (read.Syslog != now.Syslog)
        {
            if (read.Syslog is { } facility) log.OpenSyslog(facility);
            else log.CloseSyslog();
            now = now with { Syslog = read.Syslog };
        }

        _config = _config with { General = now };
    }

    // What SyncEngine.Reconfigure takes over.
    private void TakeLimits(DaemonConfig read)
    {
        _config = _config with
        {
            General = _config.General with
            {
                HashLimit = read.General.HashLimit,
                OverrunResyncSeconds = read.General.OverrunResyncSeconds,
            },
        };
        if (_config.Sync is { } now && read.Sync is { } sync)
        {
            _config = _config with
            {
                Sync = now with
                {
                    RefreshSeconds = sync.RefreshSeconds,
                    CacheTimeoutSeconds = sync.CacheTimeoutSeconds,
                    CommitTimeoutSeconds = sync.CommitTimeoutSeconds,
                    PurgeSeconds = sync.PurgeSeconds,
                    ResendQueueSize = sync.ResendQueueSize,
                },
            };
        }

        Reconfigure?.Invoke(_config);
    }

    private void TakeGroup(GeneralConfig read)
    {
        if (read.ControlGroup == _config.General.ControlGroup) return;
        if (listener.Admit(read.ControlGroup) is { } problem)
        {
            log.Error(problem);
            return;
        }

        _config = _config with { General = _config.General with { ControlGroup = read.ControlGroup } };
    }
}
