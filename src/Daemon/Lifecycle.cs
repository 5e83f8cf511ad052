using System.Runtime.InteropServices;
using TwinTrack.Daemon.CommandLine;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Daemon.Helpers;

namespace TwinTrack.Daemon;

/// <summary>A call of conntrackd from its arguments to its exit status.</summary>
public static class Lifecycle
{
    private const int Success = 0;
    private const int Failure = 1;

    /// <summary>Obeys the arguments.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <returns>The exit status.</returns>
    public static int Run(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        using var log = new Log();
        if (ArgumentParser.Parse(arguments, out UsageError? error) is not { } invocation)
        {
            if (error!.ShowHelp) Console.Out.Write(HelpText.Usage(ProgramName));
            log.Error(error.Message);
            return Failure;
        }

        foreach (string warning in invocation.Warnings) log.Warning(warning);
        switch (invocation.Mode)
        {
            case InvocationMode.Help:
                Console.Out.Write(HelpText.Usage(ProgramName));
                return Success;
            case InvocationMode.Version:
                Console.Out.Write(HelpText.Version());
                return Success;
            case InvocationMode.Check:
                return ConfigReport.Check(log, Console.Out, invocation.ConfigFile);
            case InvocationMode.Client:
                return RunClient(log, invocation);
            case InvocationMode.Daemon when !Background.IsChild:
                return StartInBackground(log, invocation, arguments);
            default:
                return RunDaemon(log, invocation);
        }
    }

    private static string ProgramName => Path.GetFileName(Environment.ProcessPath) ?? "conntrackd";

    private static int RunClient(Log log, Invocation invocation)
    {
        ConfigResult result = ConfigReader.Load(invocation.ConfigFile);
        if (!ConfigReport.ForClient(log, result)) return Failure;

        ControlRequest request = invocation.Request!.Value;
        using Stream output = Console.OpenStandardOutput();
        TimeSpan? silence = ControlClient.SilenceLimit(request);
        ControlResult answer = ControlClient.Run(
            result.Config!.General.ControlPath, request, output, silence, invocation.IsJson);
        string message = ControlClient.Message(answer);
        if (message.Length > 0) log.Error(message);
        return ControlClient.ExitCode(answer);
    }

    // The file is read here as well, so that its problems are told on this terminal; what fails later comes back from
    // the new process.
    private static int StartInBackground(Log log, Invocation invocation, IReadOnlyList<string> arguments)
    {
        ConfigResult result = ConfigReader.Load(invocation.ConfigFile);
        if (!ConfigReport.ForDaemon(log, result)) return Failure;

        // A manager takes the daemon's READY only once it knows that this is the process to watch.
        var systemd = new SystemdNotifier(result.Config!.General.Systemd);
        if (Background.Start(arguments, systemd.MainProcess, out string problem) != 0) return Success;

        log.Error(problem);
        return Failure;
    }

    private static int RunDaemon(Log log, Invocation invocation)
    {
        ConfigResult result = ConfigReader.Load(invocation.ConfigFile);
        bool isUsable = Background.IsChild ? result.Config is not null : ConfigReport.ForDaemon(log, result);
        if (!isUsable) return Failure;

        log.UsesTerminal = !Background.IsChild;
        try
        {
            return Serve(log, result);
        }
        catch (StartException problem)
        {
            log.Error(problem.Message);
            Background.ReportProblem(problem.Message);
            return Failure;
        }
    }

    private static int Serve(Log log, ConfigResult read)
    {
        DaemonConfig config = read.Config!;
        Requirements.Check(config);
        OpenLog(log, config.General);
        using Lockfile lockfile =
            Lockfile.TryAcquire(config.General.LockFile, config.General.ControlPath, out string problem)
            ?? throw new StartException(problem);
        SetScheduler(log, config.General.Scheduler);
        if (!ControlListener.TryListen(config.General.ControlPath, out ControlListener? listener, out problem))
            throw new StartException(problem);

        if (config.General.ControlGroup is { } group && listener.Admit(group) is { } refusal)
        {
            listener.Dispose();
            throw new StartException(refusal);
        }

        using var signals = new Signals();
        var systemd = new SystemdNotifier(config.General.Systemd);
        var reload = new Reload(read.File, config, log, listener);
        using (IServing daemon = Open(config, log, signals, reload, listener, systemd))
        {
            log.Notice("initialization completed");
            Directory.SetCurrentDirectory("/");
            log.Notice(Background.IsChild ? "-- starting in daemon mode --" : "-- starting in console mode --");
            Background.ReportReady();
            systemd.Ready();
            daemon.Run();

            // A client that waits for the end is let go last, so that what it starts next finds the place free.
            lockfile.Dispose();
        }

        log.Notice("---- shutdown received ----");
        systemd.Stopping();
        return Success;
    }

    private static IServing Open(
        DaemonConfig config,
        Log log,
        Signals signals,
        Reload reload,
        ControlListener listener,
        SystemdNotifier systemd)
    {
        try
        {
            return config is { Sync: null, Stats: null, Helper: not null }
                ? new HelperDaemon(config, log, signals, reload, listener, systemd)
                : new SyncDaemon(config, log, signals, reload, listener, systemd);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private static void OpenLog(Log log, GeneralConfig general)
    {
        if (general.LogFile is { } path && log.OpenFile(path) is { } problem) throw new StartException(problem);
        if (general.Syslog is { } facility) log.OpenSyslog(facility);
        log.Least = general.LogLevel;
    }

    private static void SetScheduler(Log log, SchedulerConfig? scheduler)
    {
        if (scheduler is null || scheduler.Priority == 0) return;

        int policy = scheduler.Policy == SchedulerPolicy.Fifo ? 1 : 2; // SCHED_FIFO, SCHED_RR
        int priority = (int)scheduler.Priority;
        if (Libc.SetScheduler(0, policy, in priority) == 0) return;
        log.Warning($"scheduler configuration failed: {Libc.ErrorText(Marshal.GetLastPInvokeError())}. "
            + "Continuing with system default scheduler.");
    }
}
