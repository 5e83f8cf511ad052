using System.Text;

namespace TwinTrack.Daemon.Config;

/// <summary>Sections General and Stats.</summary>
internal static class GeneralKeywords
{
    private const int LongestLogPath = 256;
    private const int LongestSocketPath = 107;   // sun_path without its final NUL

    private static readonly Block Unix = new("UNIX",
    [
        new("Path", "Control socket that clients connect to; at most 107 bytes.")
        {
            Value = ValueKind.Path,
            Default = "/var/run/conntrackd.ctl",
            Set = (draft, value) =>
            {
                if (Fits(draft, value, LongestSocketPath, "Path"))
                    draft.General = draft.General with { ControlPath = value.Text };
            },
        },
        new("Group", "Group whose members may list caches and read statistics; the rest is for the owner and root.")
        {
            Value = ValueKind.Name,
            IsOurs = true,
            Expected = "the name of a group",
            Set = (draft, value) => draft.General = draft.General with { ControlGroup = value.Text },
        },
        new("Backlog", "Ignored: clients never wait for a place in the queue.")
        {
            Value = ValueKind.Number,
            IsDeprecated = true,
            Set = (draft, value) => draft.Warn(value.Token, "deprecated unix backlog configuration, ignoring."),
        },
    ]);

    private static readonly Block Scheduler = new("Scheduler",
    [
        new("Type", "Real-time policy, RR or FIFO in any case.")
        {
            Value = ValueKind.Name,
            Default = "RR",
            Set = (draft, value) =>
            {
                if (PolicyOf(value.Text) is { } policy)
                    draft.General = draft.General with { Scheduler = Current(draft) with { Policy = policy } };
                else
                    draft.Fail(value.Token, $"unknown scheduler `{value.Text}', expected RR or FIFO");
            },
        },
        new("Priority", "Real-time priority from 1 to 99; 0 asks for none.")
        {
            Value = ValueKind.Number,
            Default = "99",
            Set = (draft, value) =>
            {
                if (value.Number <= 99)
                    draft.General = draft.General with { Scheduler = Current(draft) with { Priority = value.Number } };
                else
                    draft.Fail(value.Token, "`Priority' must be [0, 99]");
            },
        },
    ]);

    public static readonly Block General = new("General",
    [
        Number("HashSize", "Buckets of each cache at first, at least 1024; it grows by itself.", 65_536,
            (general, number) => general with { HashSize = number }),
        Number("HashLimit", "Most entries of each cache; more are refused and counted.", 262_144,
            (general, number) => general with { HashLimit = number }),
        new("LogFile", "Log file, or on for /var/log/conntrackd.log.")
        {
            Value = ValueKind.Bool | ValueKind.Path,
            Default = "off",
            Set = (draft, value) => SetLogFile(draft, value, "LogFile", draft.General.LogFile,
                GeneralConfig.DefaultLogFile, path => draft.General = draft.General with { LogFile = path }),
        },
        new("Syslog", "Log to syslog: on, off, or a facility (daemon, local0 to local7).")
        {
            Value = ValueKind.Bool | ValueKind.Name,
            Default = "off",
            Set = SetSyslog,
        },
        new("LogLevel", "Least important lines of the log: error, warning, notice, or info for all.")
        {
            Value = ValueKind.Name,
            Default = "info",
            IsOurs = true,
            Expected = "error, warning, notice or info",
            Set = SetLogLevel,
        },
        new("LockFile", "Lock file that keeps a second daemon from starting.")
        {
            Value = ValueKind.Path,
            Default = "/var/lock/conntrackd.lock",
            Set = (draft, value) =>
            {
                if (Fits(draft, value, LongestLogPath, "LockFile path"))
                    draft.General = draft.General with { LockFile = value.Text };
            },
        },
        new("UNIX", "The control socket.") { Body = Unix },
        .. BufferSize("NetlinkBufferSize", "Receive buffer of the event socket in bytes; must not exceed the next.",
            ["SocketBufferSize"], (general, number) => general with { NetlinkBufferSize = number }),
        .. BufferSize("NetlinkBufferSizeMaxGrowth", "Limit in bytes up to which that buffer doubles after an overrun.",
            ["SocketBufferSizeMaxGrown", "SocketBufferSizeMaxGrowth"],
            (general, number) => general with { NetlinkBufferSizeMaxGrowth = number }),
        Number("EventIterationLimit", "Datagrams of a dedicated link handled in a row before other work.", 100,
            (general, number) => general with { EventIterationLimit = number }),
        new("PollSecs", "Seconds between two dumps of the kernel table, instead of listening to events.")
        {
            Value = ValueKind.Number,
            Set = (draft, value) =>
            {
                if (value.Number > 0) draft.General = draft.General with { PollSeconds = value.Number };
                else draft.Fail(value.Token, "`PollSecs' clause must be > 0");
            },
        },
        new("NetlinkOverrunResync", "Repair the caches after lost events: on (at once), off, or after so many seconds.")
        {
            Value = ValueKind.Bool | ValueKind.Number,
            Default = "on",
            Set = (draft, value) => draft.General = draft.General with { OverrunResyncSeconds = Resync(value) },
        },
        new("NetlinkEventsReliable", "The kernel keeps what it could not deliver and tries again.")
        {
            Value = ValueKind.Bool,
            Default = "off",
            Set = (draft, value) => draft.General = draft.General with { EventsReliable = value.On },
        },
        new("Nice", "Ignored: use nice(1).")
        {
            Value = ValueKind.Signed,
            IsDeprecated = true,
            Set = (draft, value) => draft.Warn(value.Token, "deprecated nice configuration, ignoring. "
                + "The nice value can be set externally with nice(1) and renice(1)."),
        },
        new("Scheduler", "Real-time scheduling of the daemon.") { Body = Scheduler },
        new("Systemd", "Tell systemd of start and stop, and feed its watchdog.")
        {
            Value = ValueKind.Bool,
            Default = "on",
            Set = (draft, value) => draft.General = draft.General with { Systemd = value.On },
        },
        FilterKeywords.Filter,
    ]);

    public static readonly Block Stats = new("Stats",
    [
        new("LogFile", "File that gets a line for every flow that ends, or on for /var/log/conntrackd-stats.log.")
        {
            Value = ValueKind.Bool | ValueKind.Path,
            Default = "off",
            Set = (draft, value) => SetLogFile(draft, value, "stats LogFile", draft.Stats.LogFile,
                StatsConfig.DefaultLogFile, path => draft.Stats = draft.Stats with { LogFile = path }),
        },
        new("LogFileSize", "Bytes at which that file becomes FILE.1, and FILE.1 becomes FILE.2; 0 for never.")
        {
            Value = ValueKind.Number,
            Default = "0",
            IsOurs = true,
            Set = (draft, value) => draft.Stats = draft.Stats with { LogFileSize = value.Number },
        },
        new("LogFileKeep", "How many such former files are kept.")
        {
            Value = ValueKind.Number,
            Most = 1000,
            Default = "4",
            IsOurs = true,
            Set = (draft, value) => draft.Stats = draft.Stats with { LogFileKeep = value.Number },
        },
        new("Syslog", "The same lines to syslog: on, off, or a facility. General's facility wins.")
        {
            Value = ValueKind.Bool | ValueKind.Name,
            Default = "off",
            Set = SetStatsSyslog,
        },
    ]);

    private static readonly string[] Facilities =
        ["daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];

    private static readonly string[] Levels = ["info", "notice", "warning", "error"];

    /// <summary>The name of a facility in the file.</summary>
    public static string NameOf(SyslogFacility facility) =>
        facility == SyslogFacility.Daemon ? Facilities[0] : Facilities[1 + (facility - SyslogFacility.Local0)];

    /// <summary>The name of a level in the file.</summary>
    public static string NameOf(LogLevel level) => Levels[(int)level];

    private static SyslogFacility? FacilityOf(string name) => Array.IndexOf(Facilities, name) switch
    {
        < 0 => null,
        0 => SyslogFacility.Daemon,
        var index => SyslogFacility.Local0 + (index - 1),
    };

    private static void SetLogLevel(ConfigDraft draft, Value value)
    {
        int level = Array.IndexOf(Levels, value.Text.ToLowerInvariant());
        if (level < 0) draft.Fail(value.Token, $"unknown level `{value.Text}', expected {string.Join(", ", Levels)}");
        else draft.General = draft.General with { LogLevel = (LogLevel)level };
    }

    private static void SetSyslog(ConfigDraft draft, Value value)
    {
        if (value.Kind == ValueKind.Bool)
        {
            draft.General = draft.General with { Syslog = value.On ? SyslogFacility.Daemon : null };
            return;
        }

        if (FacilityOf(value.Text) is not { } facility)
        {
            draft.Warn(value.Token, $"'{value.Text}' is not a known syslog facility, ignoring");
            return;
        }

        draft.General = draft.General with { Syslog = facility };
        WarnOfConflict(draft, value.Token, draft.Stats.Syslog, facility);
    }

    private static void SetStatsSyslog(ConfigDraft draft, Value value)
    {
        if (value.Kind == ValueKind.Bool)
        {
            draft.Stats = draft.Stats with { Syslog = value.On ? SyslogFacility.Daemon : null };
            return;
        }

        if (FacilityOf(value.Text) is not { } facility)
        {
            draft.Warn(value.Token, $"'{value.Text}' is not a known syslog facility, ignoring.");
            return;
        }

        draft.Stats = draft.Stats with { Syslog = facility };
        WarnOfConflict(draft, value.Token, draft.General.Syslog, facility);
    }

    private static void WarnOfConflict(ConfigDraft draft, Token at, SyslogFacility? other, SyslogFacility facility)
    {
        if (other is not null && other != facility)
            draft.Warn(at, "conflicting Syslog facility values, defaulting to General");
    }

    private static void SetLogFile(
        ConfigDraft draft, Value value, string what, string? earlier, string defaultPath, Action<string> set)
    {
        if (value.Kind == ValueKind.Path)
        {
            if (Fits(draft, value, LongestLogPath, $"{what} path")) set(value.Text);
        }
        else if (value.On)
        {
            set(defaultPath);
        }
        else if (earlier is not null)
        {
            // Files in the field may rely on it: conntrackd keeps the earlier path.
            draft.WarnAtStart(value.Token, $"`{value.Text}' does not cancel the earlier {what} {earlier}");
        }
    }

    private static bool Fits(ConfigDraft draft, Value value, int longest, string what)
    {
        if (Encoding.UTF8.GetByteCount(value.Text) <= longest) return true;

        draft.Fail(value.Token, $"{what} is longer than {longest} characters");
        return false;
    }

    private static SchedulerPolicy? PolicyOf(string name) => name.ToUpperInvariant() switch
    {
        "RR" => SchedulerPolicy.RoundRobin,
        "FIFO" => SchedulerPolicy.Fifo,
        _ => null,
    };

    private static SchedulerConfig Current(ConfigDraft draft) => draft.General.Scheduler ?? new SchedulerConfig();

    private static uint? Resync(Value value) => value switch
    {
        { Kind: ValueKind.Number, Number: > 0 } => value.Number,
        { Kind: ValueKind.Bool, On: false } => null,
        _ => 0,
    };

    private static Keyword Number(
        string name, string help, uint fallback, Func<GeneralConfig, uint, GeneralConfig> set) =>
        new(name, help)
        {
            Value = ValueKind.Number,
            Default = fallback.ToString(),
            Set = (draft, value) => draft.General = set(draft.General, value.Number == 0 ? fallback : value.Number),
        };

    private static IEnumerable<Keyword> BufferSize(
        string name, string help, string[] oldNames, Func<GeneralConfig, uint, GeneralConfig> set)
    {
        var keyword = new Keyword(name, help)
        {
            Value = ValueKind.Number,
            Default = "0",
            Set = (draft, value) => draft.General = set(draft.General, value.Number),
        };
        yield return keyword;
        foreach (string old in oldNames)
            yield return keyword with { Name = old, Help = $"Old name of {name}.", IsDeprecated = true };
    }
}
