namespace TwinTrack.Daemon.Config;

/// <summary>The configuration while it is read: the setters of the keyword tables work on it.</summary>
internal sealed class ConfigDraft(ProtocolNames protocols)
{
    /// <summary>More problems than that are not kept: the file is no configuration.</summary>
    public const int MostProblems = 100;

    private readonly List<ConfigProblem> _problems = [];
    private readonly List<ConfigStatement> _statements = [];

    public ProtocolNames Protocols { get; } = protocols;

    public IReadOnlyList<ConfigProblem> Problems => _problems;

    public IReadOnlyList<ConfigStatement> Statements => _statements;

    public int ErrorCount { get; private set; }

    public bool IsHopeless => _problems.Count >= MostProblems;

    public GeneralConfig General { get; set; } = new();

    public FilterDraft? Filter { get; set; }

    public SyncDraft? Sync { get; set; }

    /// <summary>Where the first Stats section begins; null when there is none.</summary>
    public Token? StatsAt { get; set; }

    public StatsConfig Stats { get; set; } = new();

    public HelperDraft? Helper { get; set; }

    public void Note(Block block, Keyword keyword, Token value) =>
        _statements.Add(new ConfigStatement(block.Title, keyword.Name, value.Text, value.Line, value.Column));

    public void Warn(Token at, string text) => Report(ProblemLevel.Warning, at, text);

    public void WarnAtStart(Token at, string text) => Report(ProblemLevel.StartWarning, at, text);

    public void Fail(Token at, string text)
    {
        ErrorCount++;
        Report(ProblemLevel.Error, at, text);
    }

    /// <summary>Fills in what remains and checks what only the whole file shows.</summary>
    /// <returns>The configuration, or null after an error.</returns>
    public DaemonConfig? Finish()
    {
        if (ErrorCount > 0) return null;

        if (Sync is null && StatsAt is null && Helper is null)
        {
            _problems.Add(new ConfigProblem(ProblemLevel.StartWarning, 0, 0,
                "neither Sync nor Stats nor Helper is configured: statistics are kept, flows are not logged"));
        }

        var config = new DaemonConfig
        {
            General = General with { Filter = Filter?.Finish() },
            Sync = Sync?.Finish(this),
            Stats = StatsAt is null ? null : FinishStats(),
            Helper = Helper?.Finish(),
        };
        return ErrorCount == 0 ? config : null;
    }

    private StatsConfig FinishStats() =>
        Stats.Syslog is null ? Stats : Stats with { Syslog = General.Syslog ?? Stats.Syslog };

    private void Report(ProblemLevel level, Token at, string text)
    {
        if (!IsHopeless) _problems.Add(new ConfigProblem(level, at.Line, at.Column, text));
    }
}
