namespace TwinTrack.Daemon.Config;

/// <summary>Tells the operator what reading a configuration file brought up.</summary>
public static class ConfigReport
{
    /// <summary>For clients: warnings that conntrackd always repeats, and the error.</summary>
    /// <returns>Whether the configuration can be used.</returns>
    public static bool ForClient(Log log, ConfigResult result) => Write(log, result, ProblemLevel.Warning);

    /// <summary>For a starting daemon: all warnings, and the error.</summary>
    /// <returns>Whether the configuration can be used.</returns>
    public static bool ForDaemon(Log log, ConfigResult result) => Write(log, result, ProblemLevel.StartWarning);

    /// <summary>
    /// What <c>conntrackd --check</c> does: reports every problem with its place, also what is missing on this machine,
    /// and prints the effective configuration when there is one.
    /// </summary>
    /// <param name="log">Takes the problems.</param>
    /// <param name="output">Takes the configuration.</param>
    /// <param name="file">Configuration file.</param>
    /// <returns>The exit status: 0, or 1 when the configuration cannot be used.</returns>
    public static int Check(Log log, TextWriter output, string file)
    {
        ConfigResult result = ConfigReader.Check(file);
        IEnumerable<ConfigProblem> problems = result.Problems.Concat(MachineCheck.Find(result.Statements));
        foreach (ConfigProblem problem in problems.OrderBy(problem => (problem.Line, problem.Column)))
        {
            LogLevel level = problem.Level == ProblemLevel.Error ? LogLevel.Error : LogLevel.Warning;
            log.Write(level, problem.Locate(file));
        }

        if (result.Config is null) return 1;
        output.Write(Printer.Print(result.Config));
        if (Requirements.Find(result.Config) is not { } refusal) return 0;
        log.Error(refusal);
        return 1;
    }

    // Scripts look for the texts of warnings, so these stand alone; an error tells its place.
    private static bool Write(Log log, ConfigResult result, ProblemLevel least)
    {
        foreach (ConfigProblem problem in result.Problems)
        {
            if (problem.Level == ProblemLevel.Error) log.Error(problem.Locate(result.File));
            else if (problem.Level >= least) log.Warning(problem.Text);
        }

        return result.Config is not null;
    }
}
