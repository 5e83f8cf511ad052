using System.CommandLine;
using System.Text.Json;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Doctor;

namespace TwinTrack.Programs;

/// <summary>The verb <c>doctor</c>: what would go wrong with a configuration on this machine, before it does.</summary>
internal static class DoctorCommand
{
    private const string Description =
        "Says what would go wrong before it does: reads the configuration, looks at the kernel, the rule set, the "
        + "dedicated links and the daemons that run, and prints a line for each finding with what to do. Changes "
        + "nothing; one empty datagram goes to the discard port of each peer. Exit code 0 if there is no problem "
        + "(warnings and notes there may be), 1 if there is one, 2 if the arguments are wrong.";

    private static readonly Option<string> ConfigFile = new("--config", "-C")
    {
        Description = "Configuration file of conntrackd",
        HelpName = "FILE",
        DefaultValueFactory = _ => DaemonConfig.DefaultFile,
    };

    private static readonly Option<bool> All = new("--all") { Description = "Print also what is fine" };

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "Print everything as JSON, also what is fine",
    };

    /// <summary>Builds the verb.</summary>
    public static Command Create()
    {
        var command = new Command("doctor", Description) { ConfigFile, All, Json };
        command.SetAction(parsed =>
        {
            DoctorReport report = DoctorReport.Examine(parsed.GetValue(ConfigFile)!);
            if (parsed.GetValue(Json))
                Console.WriteLine(JsonSerializer.Serialize(report, DoctorJson.Default.DoctorReport));
            else
                report.Write(Console.Out, parsed.GetValue(All));
            return report.Problems == 0 ? 0 : 1;
        });
        return command;
    }
}
