using TwinTrack.Replication;

namespace TwinTrack.Daemon.Config;

/// <summary>Section Sync without its links.</summary>
internal static class SyncKeywords
{
    private static readonly Keyword RefreshTime = Number(
        "RefreshTime", "ALARM: every entry is sent again within that many seconds.", 60,
        (sync, number) => sync with { RefreshSeconds = number });

    private static readonly Keyword CacheTimeout = Number(
        "CacheTimeout", "ALARM: external entries not heard of for that many seconds are dropped.", 180,
        (sync, number) => sync with { CacheTimeoutSeconds = number });

    private static readonly Keyword CommitTimeout =
        new("CommitTimeout", "Fixed timeout of committed flows in seconds; without it, the time they have left.")
        {
            Value = ValueKind.Number,
            Set = (draft, value) =>
            {
                draft.Sync!.CommitTimeoutAt = value.Token;
                draft.Sync.Values = draft.Sync.Values with
                {
                    CommitTimeoutSeconds = value.Number == 0 ? null : value.Number,
                };
            },
        };

    private static readonly Keyword PurgeTimeout = Number(
        "PurgeTimeout", "Seconds from the purge command (-t) to the purge.", 60,
        (sync, number) => sync with { PurgeSeconds = number });

    private static readonly Keyword DisableExternalCache = Switch(
        "DisableExternalCache", "Inject what peers send straight into the kernel, so that nothing is left to commit.",
        (sync, on) => sync with { DisableExternalCache = on });

    private static readonly Keyword StartupResync = Switch(
        "StartupResync", "Ask the peers for their flows right after the start.",
        (sync, on) => sync with { StartupResync = on });

    private static readonly Block Ftfw = new("Mode FTFW",
    [
        Number("ResendQueueSize", "Most objects waiting for an acknowledgement; the oldest is given up.", 131_072,
            (sync, number) => sync with { ResendQueueSize = number }),
        Number("ACKWindowSize", "Messages received before an acknowledgement is sent.", 300,
            (sync, number) => sync with { AckWindow = number }),
        CommitTimeout,
        PurgeTimeout,
        DisableExternalCache,
        StartupResync,
    ]);

    private static readonly Block Alarm = new("Mode ALARM",
        [RefreshTime, CacheTimeout, CommitTimeout, PurgeTimeout, DisableExternalCache]);

    private static readonly Block Notrack = new("Mode NOTRACK",
    [
        Switch("DisableInternalCache", "Send events straight to the link and keep nothing.",
            (sync, on) => sync with { DisableInternalCache = on }),
        CommitTimeout,
        PurgeTimeout,
        DisableExternalCache,
        StartupResync,
    ]);

    private static readonly Block HelperNames = new("ExpectationSync", [])
    {
        Item = new("helper", "Beginning of a helper's name; case does not matter.")
        {
            Value = ValueKind.Name,
            Expected = "the name of a helper",
            Set = (draft, value) => draft.Sync!.ExpectationHelpers.Add(value.Text),
        },
    };

    private static readonly Block Options = new("Options",
    [
        Switch("TCPWindowTracking", "Restore window scales instead of making recovered flows liberal.",
            (sync, on) => sync with { TcpWindowTracking = on }),
        new("AnnounceDelay", "Milliseconds that a flow waits, while many begin, before peers hear of it; 0: none.")
        {
            IsOurs = true,
            Value = ValueKind.Number,
            Most = SyncConfig.MostAnnounceDelay,
            Default = SyncConfig.DefaultAnnounceDelay.ToString(),
            Set = (draft, value) =>
                draft.Sync!.Values = draft.Sync.Values with { AnnounceDelayMilliseconds = value.Number },
        },
        new("ExpectationSync", "Replicate expectations: on, off, or a list of helpers in braces.")
        {
            Value = ValueKind.Bool,
            Default = "off",
            Body = HelperNames,
            Set = SetExpectationSync,
            Expected = "on, off or `{'",
        },
    ]);

    public static readonly Block Sync = new("Sync",
    [
        new("Mode", "How reliability is made: FTFW, ALARM or NOTRACK, in any case.")
        {
            Arguments =
            [
                new("mode", "FTFW", "ALARM", "NOTRACK") { OldChoices = ["PERSISTENT", "NACK"], IgnoreCase = true },
            ],
            Bodies = new Dictionary<string, Block>(StringComparer.Ordinal)
            {
                ["FTFW"] = Ftfw,
                ["ALARM"] = Alarm,
                ["NOTRACK"] = Notrack,
                ["NACK"] = Ftfw,
                ["PERSISTENT"] = Alarm,
            },
            Open = OpenMode,
            Default = "FTFW",
        },
        .. LinkKeywords.All,
        new("Options", "What is replicated, and how much of it.") { Body = Options },
        RefreshTime,
        CacheTimeout,
        CommitTimeout,
        PurgeTimeout,
    ]);

    /// <summary>The name of a mode in the file.</summary>
    public static string NameOf(SyncModeKind mode) => mode switch
    {
        SyncModeKind.Alarm => "ALARM",
        SyncModeKind.Notrack => "NOTRACK",
        _ => "FTFW",
    };

    private static void OpenMode(ConfigDraft draft, Token at, Token?[] arguments)
    {
        Token name = arguments[0]!.Value;
        switch (name.Text.ToUpperInvariant())
        {
            case "PERSISTENT":
                draft.Warn(name, "Now `persistent' mode is called `alarm'. Please, update your conntrackd.conf file.");
                draft.Sync!.AddMode(SyncModeKind.Alarm, at);
                break;
            case "NACK":
                draft.Warn(name, "Now `nack' mode is called `ftfw'. Please, update your conntrackd.conf file.");
                draft.Sync!.AddMode(SyncModeKind.Ftfw, at);
                break;
            case "ALARM":
                draft.Sync!.AddMode(SyncModeKind.Alarm, at);
                break;
            case "NOTRACK":
                draft.Sync!.AddMode(SyncModeKind.Notrack, at);
                break;
            default:
                draft.Sync!.AddMode(SyncModeKind.Ftfw, at);
                break;
        }
    }

    private static void SetExpectationSync(ConfigDraft draft, Value value)
    {
        SyncDraft sync = draft.Sync!;
        sync.Values = sync.Values with { SyncExpectations = value.Kind == ValueKind.None || value.On };
        if (value.Kind == ValueKind.Bool) sync.ExpectationHelpers.Clear();
    }

    private static Keyword Number(string name, string help, uint fallback, Func<SyncConfig, uint, SyncConfig> set) =>
        new(name, help)
        {
            Value = ValueKind.Number,
            Default = fallback.ToString(),
            Set = (draft, value) =>
                draft.Sync!.Values = set(draft.Sync.Values, value.Number == 0 ? fallback : value.Number),
        };

    private static Keyword Switch(string name, string help, Func<SyncConfig, bool, SyncConfig> set) =>
        new(name, help)
        {
            Value = ValueKind.Bool,
            Default = "off",
            Set = (draft, value) => draft.Sync!.Values = set(draft.Sync.Values, value.On),
        };
}

/// <summary>Section Sync while it is read: repeated sections add up, in scalars the last value wins.</summary>
internal sealed class SyncDraft(Token at)
{
    private readonly SortedSet<SyncModeKind> _modes = [];
    private Token _lastModeAt;

    public Token At { get; } = at;

    public SyncConfig Values { get; set; } = new();

    public List<string> ExpectationHelpers { get; } = [];

    public List<LinkConfig> Links { get; } = [];

    /// <summary>The link whose block is open.</summary>
    public LinkDraft? Link { get; set; }

    public Token CommitTimeoutAt { get; set; }

    public void AddMode(SyncModeKind mode, Token at)
    {
        _modes.Add(mode);
        _lastModeAt = at;
    }

    public SyncConfig Finish(ConfigDraft draft)
    {
        if (Links.Count == 0) draft.Fail(At, "Sync has no dedicated link, expected Multicast, UDP or TCP in it");

        SyncModeKind mode = ChooseMode(draft);
        bool withoutExternal = Values.DisableExternalCache;
        if (withoutExternal && Values.CommitTimeoutSeconds is not null)
        {
            draft.Warn(CommitTimeoutAt, "`CommitTimeout' can't be combined with `DisableExternalCache', "
                + "ignoring this option. Fix your configuration file.");
            Values = Values with { CommitTimeoutSeconds = null };
        }

        var defaults = new SyncConfig();
        bool isAlarm = mode == SyncModeKind.Alarm;
        bool isFtfw = mode == SyncModeKind.Ftfw;
        return Values with
        {
            Mode = mode,
            RefreshSeconds = isAlarm ? Values.RefreshSeconds : defaults.RefreshSeconds,
            CacheTimeoutSeconds = isAlarm ? Values.CacheTimeoutSeconds : defaults.CacheTimeoutSeconds,
            ResendQueueSize = isFtfw ? Values.ResendQueueSize : defaults.ResendQueueSize,
            AckWindow = isFtfw ? Values.AckWindow : defaults.AckWindow,
            DisableExternalCache = withoutExternal,
            DisableInternalCache = Values.DisableInternalCache && mode == SyncModeKind.Notrack,
            StartupResync = Values.StartupResync && !isAlarm,
            ExpectationHelpers = Values.SyncExpectations ? Distinct(ExpectationHelpers) : [],
            Links = MarkDefault(),
        };
    }

    // FTFW beats ALARM beats NOTRACK: the order of the enum.
    private SyncModeKind ChooseMode(ConfigDraft draft)
    {
        if (_modes.Count == 0)
        {
            draft.WarnAtStart(At, "No synchronization mode specified. Defaulting to FT-FW mode.");
            return SyncModeKind.Ftfw;
        }

        if (_modes.Count > 1)
            draft.WarnAtStart(_lastModeAt, $"several modes are given: {SyncKeywords.NameOf(_modes.Min)} is used");
        return _modes.Min;
    }

    private static ValueList<string> Distinct(List<string> names) => [.. names.Distinct(StringComparer.Ordinal)];

    private ValueList<LinkConfig> MarkDefault()
    {
        int chosen = Math.Max(Links.FindLastIndex(link => link.IsDefault), 0);
        return [.. Links.Select((link, index) => link with { IsDefault = index == chosen })];
    }
}
