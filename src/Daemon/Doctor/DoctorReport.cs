using System.Text.Json.Serialization;
using TwinTrack.Daemon.CommandLine;
using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon.Doctor;

/// <summary>What would go wrong with a configuration on this machine, before it does.</summary>
public sealed record DoctorReport
{
    /// <summary>The configuration file that was read.</summary>
    public required string ConfigFile { get; init; }

    /// <summary>Version of this program.</summary>
    public required string Version { get; init; }

    /// <summary>Release of the kernel.</summary>
    public required string Kernel { get; init; }

    /// <summary>First line of what the installed conntrackd says of its version; null when none is installed.</summary>
    public required string? Installed { get; init; }

    /// <summary>Everything that was looked at.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>Findings with which the daemon will not start, or connections will not outlive a fail-over.</summary>
    public int Problems => Count(FindingLevel.Problem);

    /// <summary>Findings of what works worse than it could.</summary>
    public int Warnings => Count(FindingLevel.Warning);

    /// <summary>Looks at the configuration, the machine, and a daemon that runs.</summary>
    /// <param name="configFile">Configuration file.</param>
    /// <remarks>Nothing is changed. One datagram goes to each peer's discard port.</remarks>
    public static DoctorReport Examine(string configFile)
    {
        var findings = new Findings();
        var machine = new Machine();
        ConfigResult read = ConfigReader.Check(configFile);
        foreach (ConfigProblem problem in read.Problems) Tell(findings, configFile, problem);
        if (read.Config is { } config) Check(findings, machine, config);
        else findings.Note("config", "what the configuration asks for was not looked at", "correct its errors first");
        return new DoctorReport
        {
            ConfigFile = configFile,
            Version = HelpText.ProgramVersion,
            Kernel = machine.KernelRelease,
            Installed = Machine.Run("conntrackd", "-v")?.Split('\n')[0],
            Findings = findings.All,
        };
    }

    /// <summary>Prints a line for each finding, the gravest first.</summary>
    /// <param name="output">Takes the lines.</param>
    /// <param name="isComplete">Also what is fine.</param>
    public void Write(TextWriter output, bool isComplete)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.WriteLine($"{ConfigFile}: TwinTrack {Version}, Linux {Kernel}, "
            + (Installed is null ? "no conntrackd installed" : $"conntrackd: {Installed}"));
        FindingLevel least = isComplete ? FindingLevel.Fine : FindingLevel.Note;
        foreach (Finding finding in Findings.Where(finding => finding.Level >= least)
            .OrderByDescending(finding => finding.Level))
        {
            output.WriteLine(finding);
        }

        output.WriteLine($"problems: {Problems}, warnings: {Warnings}, notes: {Count(FindingLevel.Note)}, "
            + $"fine: {Count(FindingLevel.Fine)}");
    }

    private int Count(FindingLevel level) => Findings.Count(finding => finding.Level == level);

    private static void Tell(Findings findings, string file, ConfigProblem problem)
    {
        if (problem.Level == ProblemLevel.Error)
            findings.Fail("config", problem.Locate(file), "correct the file; conntrackd --check reads it again");
        else
            findings.Warn("config", problem.Locate(file), "see conntrackd.conf(5)");
    }

    private static void Check(Findings findings, Machine machine, DaemonConfig config)
    {
        if (Requirements.Find(config) is { } refusal)
            findings.Fail("config", refusal, "take it out of the configuration");
        bool tracks = new KernelChecks(findings, machine, config).Run();
        new DaemonChecks(findings, machine, config.General).Run();
        if (tracks) new BufferChecks(findings, machine, config).Run();
        string? rules = Machine.ReadRules();
        new RuleChecks(findings, machine, config).Run(rules);
        if (config.Helper is { } helper) new HelperChecks(findings, machine, helper).Run(rules);
        if (config.Sync is { } sync) new LinkChecks(findings, sync).Run();
    }
}

/// <summary>Turns reports into JSON without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DoctorReport))]
public sealed partial class DoctorJson : JsonSerializerContext;
