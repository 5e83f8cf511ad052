using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Live;

/// <summary>Where the router keeps its files.</summary>
internal sealed record RouterPaths
{
    /// <summary>The saved configuration, read at boot.</summary>
    public required string Saved { get; init; }

    /// <summary>The configuration that is in effect.</summary>
    public required string Running { get; init; }

    /// <summary>The configuration that is being edited, between two invocations.</summary>
    public required string Candidate { get; init; }

    /// <summary>Folder of former configurations: 0.boot is the one before.</summary>
    public required string Archive { get; init; }

    /// <summary>Says which commit waits for its confirmation.</summary>
    public required string Confirm { get; init; }

    /// <summary>Tells the operator at the next command what happened without one.</summary>
    public required string Notice { get; init; }

    /// <summary>How many transitions came, so that one that is overtaken knows it.</summary>
    public required string Turn { get; init; }

    /// <summary>Held by whoever commits, restarts or follows a transition.</summary>
    public required string Gate { get; init; }

    /// <summary>Files of conntrackd.</summary>
    public required DaemonFiles Daemon { get; init; }

    /// <summary>keepalived.conf.</summary>
    public required string Failover { get; init; }

    /// <summary>Folder of heartbeat's files.</summary>
    public required string Cluster { get; init; }

    /// <summary>Process id of keepalived.</summary>
    public required string FailoverProcess { get; init; }

    /// <summary>The last transition in one line, where old programs look for it.</summary>
    public required string State { get; init; }

    /// <summary>The last transitions with the result of each step.</summary>
    public required string History { get; init; }

    /// <summary>The folder that everything is in; null for the places of the system.</summary>
    public string? Folder { get; init; }

    /// <summary>Everything in one folder, or in the places of the system.</summary>
    public static RouterPaths In(string? folder) => folder is null ? OfSystem() : Below(Path.GetFullPath(folder));

    private static RouterPaths OfSystem() => new()
    {
        Saved = "/etc/twintrack/config.boot",
        Running = "/run/twintrack/running.boot",
        Candidate = "/run/twintrack/candidate.boot",
        Archive = "/etc/twintrack/archive",
        Confirm = "/run/twintrack/confirm",
        Notice = "/run/twintrack/notice",
        Turn = "/run/twintrack/turn",
        Gate = "/run/twintrack/gate",
        Daemon = new(),
        Failover = "/run/keepalived/keepalived.conf",
        Cluster = "/etc/ha.d",
        FailoverProcess = "/run/keepalived/keepalived.pid",
        State = "/var/run/vyatta-conntrackd-failover-state",
        History = "/run/ctsync/failover.json",
    };

    private static RouterPaths Below(string folder)
    {
        string In(string name) => Path.Combine(folder, name);
        return new()
        {
            Folder = folder,
            Saved = In("config.boot"),
            Running = In("running.boot"),
            Candidate = In("candidate.boot"),
            Archive = In("archive"),
            Confirm = In("confirm"),
            Notice = In("notice"),
            Turn = In("turn"),
            Gate = In("gate"),
            Daemon = new()
            {
                Config = In("conntrackd.conf"),
                Lock = In("conntrackd.lock"),
                Control = In("conntrackd.ctl"),
            },
            Failover = In("keepalived.conf"),
            Cluster = In("ha.d"),
            FailoverProcess = In("keepalived.pid"),
            State = In("failover-state"),
            History = In("failover.json"),
        };
    }

    /// <summary>The command of the hook, as keepalived is told it.</summary>
    public string Hook =>
        Environment.ProcessPath + (Folder is null ? " hook" : $" hook --folder {Folder}");
}
