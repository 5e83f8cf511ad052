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

    /// <summary>Gives engine, kernel and links what may change under way.</summary>
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
        TakeFilters(read);
        Reconfigure?.Invoke(_config);
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
    }

    // A filter in the kernel belongs to its socket, and a size that is not given to whoever has opened it.
    private void TakeFilters(DaemonConfig read)
    {
        GeneralConfig general =
            _config.General with { NetlinkBufferSizeMaxGrowth = read.General.NetlinkBufferSizeMaxGrowth };
        if ((general.Filter, read.General.Filter) is (not { InKernel: true }, not { InKernel: true }))
            general = general with { Filter = read.General.Filter };
        _config = _config with { General = general };
        if (_config.Sync is not { } now || read.Sync is not { } sync) return;

        now = now with { StartupResync = sync.StartupResync };
        if (now.SyncExpectations && sync.SyncExpectations)
            now = now with { ExpectationHelpers = sync.ExpectationHelpers };
        ValueList<LinkConfig> sized =
            [.. now.Links.Zip(sync.Links, (link, other) => HasSizes(other) ? Sized(link, other) : link)];
        bool isTcp = now.Links.Any(link => link.Kind == LinkKind.Tcp);
        if (sized.Equals(sync.Links) && !isTcp) now = now with { Links = sized };
        _config = _config with { Sync = now };
    }

    private static bool HasSizes(LinkConfig link) => link is { SendBuffer: not null, ReceiveBuffer: not null };

    private static LinkConfig Sized(LinkConfig link, LinkConfig other) =>
        link with { SendBuffer = other.SendBuffer, ReceiveBuffer = other.ReceiveBuffer };

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
