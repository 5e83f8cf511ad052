using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TwinTrack.Lab;
using Command = System.CommandLine.Command;
using CommandResult = System.CommandLine.Parsing.CommandResult;

namespace TwinTrack.Programs;

/// <summary>The verb <c>lab</c>: a fail-over on real kernels, in network namespaces of this machine.</summary>
internal static class LabCommand
{
    /// <summary>Exit code when the lab could not run, or was asked for what it does not know.</summary>
    public const int CannotRun = 2;

    private const string Description =
        "Shows that connections outlive their firewall: builds a client, a server and two firewalls in network "
        + "namespaces, opens connections through the first firewall, kills it, and lets the second take over. "
        + "Exit code 0 only if every connection lived, 1 if any was lost, 2 if it could not run.";

    private static readonly Option<int> Connections = new("--connections")
    {
        Description = "TCP connections to open",
        HelpName = "N",
        DefaultValueFactory = _ => 200,
        CustomParser = result => (int)ParseNumber(result, 1, LabOptions.MaxConnections),
    };

    private static readonly Option<int> Links = new("--links")
    {
        Description = "Dedicated links between the firewalls; of several, the first is cut while connections open",
        HelpName = "1..4",
        DefaultValueFactory = _ => 1,
        CustomParser = result => (int)ParseNumber(result, 1, 4),
    };

    private static readonly Option<bool> WithoutSync = new("--without-sync")
    {
        Description = "Run no conntrackd at all: every connection must be lost",
    };

    private static readonly Option<string> Original = new("--original")
    {
        Description = "Put the conntrackd of the package conntrackd in this role",
        HelpName = "primary|backup|both",
    };

    private static readonly Option<string> Conntrackd = new("--conntrackd")
    {
        Description = "Our conntrackd; default: the one beside this program, else the one in dist/",
        HelpName = "PATH",
    };

    private static readonly Option<bool> Nat = new("--nat")
    {
        Description = "Hide the client behind the virtual address (default)",
    };

    private static readonly Option<bool> NoNat = new("--no-nat") { Description = "Route without translation" };

    private static readonly Option<bool> WithKeepalived = new("--keepalived")
    {
        Description = "Let a real keepalived on each firewall decide: one fails, and returns",
    };

    private static readonly Option<bool> ActiveActive = new("--active-active")
    {
        Description = "With --keepalived: both firewalls carry traffic, each for a virtual address of its own",
    };

    private static readonly Option<bool> WithRouter = new("--router")
    {
        Description = "Configure both firewalls by set commands only, see docs/router.md: one fails, returns, and ends",
    };

    private static readonly Option<bool> Ftp = new("--ftp")
    {
        Description = "Instead of many connections an FTP session: its data connection, announced through the first "
            + "firewall, must pass the second",
    };

    private static readonly Option<bool> WithoutExpectations = new("--without-expectations")
    {
        Description = "With --ftp: ExpectationSync is off, the data connection must be lost",
    };

    private static readonly Option<string> Script = new("--script")
    {
        Description = "With --keepalived: the script it calls; default: our primary-backup.sh",
        HelpName = "PATH",
    };

    private static readonly Option<ulong> Seed = new("--seed")
    {
        Description = "Decides the bytes that are sent",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
        CustomParser = result => ParseNumber(result, 0, ulong.MaxValue),
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print the result as JSON, no progress" };

    private static readonly Option<bool> Keep = new("--keep")
    {
        Description = "Leave namespaces, files and the new primary's conntrackd for inspection",
    };

    private static readonly Option<bool> Clean = new("--clean")
    {
        Description = "Only remove what earlier runs left, also what was kept",
    };

    /// <summary>Builds the verb.</summary>
    public static Command Create()
    {
        Original.Validators.Add(CheckRole);
        var command = new Command("lab", Description)
        {
            Connections, Links, WithoutSync, WithKeepalived, ActiveActive, Script, Ftp, WithoutExpectations, WithRouter,
            Original, Conntrackd, Nat, NoNat, Seed, Json, Keep, Clean,
        };
        command.Validators.Add(CheckConflicts);
        command.SetAction(parsed => Guard(() => parsed.GetValue(Clean) ? RemoveLeftovers() : Run(parsed)));
        return command;
    }

    private static ulong ParseNumber(ArgumentResult result, ulong least, ulong most)
    {
        if (ulong.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            && number >= least && number <= most)
        {
            return number;
        }

        string option = (result.Parent as OptionResult)?.Option.Name ?? "it";
        result.AddError($"{option} takes a number from {least} to {most}, not '{result.Tokens[0].Value}'");
        return 0;
    }

    private static void CheckRole(OptionResult result)
    {
        if (result.GetValueOrDefault<string>() is not ("primary" or "backup" or "both"))
            result.AddError("--original takes primary, backup or both");
    }

    private static void CheckConflicts(CommandResult result)
    {
        if (result.GetValue(Nat) && result.GetValue(NoNat)) result.AddError("--nat and --no-nat contradict each other");
        if (result.GetValue(WithoutSync) && (result.GetValue(Original) ?? result.GetValue(Conntrackd)) is not null)
            result.AddError("--without-sync runs no conntrackd: leave out --original and --conntrackd");
        bool isWithKeepalived = result.GetValue(WithKeepalived);
        if (isWithKeepalived && (result.GetValue(WithoutSync) || result.GetValue(NoNat) || result.GetValue(Links) > 1))
            result.AddError("--keepalived goes with neither --without-sync nor --no-nat nor --links");
        if (!isWithKeepalived && (result.GetValue(ActiveActive) || result.GetValue(Script) is not null))
            result.AddError("--active-active and --script go with --keepalived");
        bool isWithFtp = result.GetValue(Ftp);
        if (isWithFtp && (result.GetValue(WithoutSync) || isWithKeepalived || result.GetValue(Links) > 1))
            result.AddError("--ftp goes with neither --without-sync nor --keepalived nor --links");
        if (result.GetValue(WithRouter)
            && (isWithKeepalived || isWithFtp || result.GetValue(WithoutSync) || result.GetValue(NoNat)
                || result.GetValue(Links) > 1
                || (result.GetValue(Original) ?? result.GetValue(Conntrackd)) is not null))
        {
            result.AddError("--router goes with --connections, --seed, --json and --keep only");
        }

        if (!isWithFtp && result.GetValue(WithoutExpectations))
            result.AddError("--without-expectations goes with --ftp");
    }

    private static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (LabException e)
        {
            Console.Error.WriteLine($"twintrack lab: {e.Message}");
            return CannotRun;
        }
    }

    private static int RemoveLeftovers()
    {
        Topology.RequireTools();
        foreach (string prefix in RunDirectory.RemoveStale(alsoKept: true)) Console.WriteLine($"removed {prefix}");
        return 0;
    }

    private static int Run(ParseResult parsed)
    {
        Topology.RequireTools();
        if (parsed.GetValue(WithKeepalived))
        {
            var keepalived = new KeepalivedRun(KeepalivedOptionsOf(parsed));
            return Run(parsed, keepalived, keepalived.Execute, LabReport.Write, KeepalivedJson.Default.KeepalivedResult,
                result => result.Passed);
        }

        if (parsed.GetValue(WithRouter))
        {
            var router = new RouterRun(new RouterOptions
            {
                Connections = parsed.GetValue(Connections),
                Seed = parsed.GetValue(Seed),
                Program = Environment.ProcessPath!,
                Keep = parsed.GetValue(Keep),
            });
            return Run(
                parsed, router, router.Execute, LabReport.Write, RouterJson.Default.RouterResult,
                result => result.Passed);
        }

        if (parsed.GetValue(Ftp))
        {
            var ftp = new FtpRun(FtpOptionsOf(parsed));
            return Run(
                parsed, ftp, ftp.Execute, LabReport.Write, FtpJson.Default.FtpResult, result => result.Passed);
        }

        var run = new LabRun(Options(parsed));
        return Run(
            parsed, run, run.Execute, LabReport.Write, LabJson.Default.LabResult, result => result.Passed);
    }

    private static int Run<T>(
        ParseResult parsed, ILab run, Func<CancellationToken, T> execute, Action<T> write, JsonTypeInfo<T> json,
        Func<T, bool> hasPassed)
        where T : class
    {
        T? result = null;
        LabView.AdaptToOutput();
        using var session = new LabSession(run, cancellation => result = execute(cancellation));
        if (parsed.GetValue(Json)) session.Wait();
        else LabView.Show(session);

        if (!session.HasFinished())
        {
            Console.Error.WriteLine("twintrack lab: interrupted");
            return session.ExitCodeOfSignal;
        }

        if (parsed.GetValue(Json)) Console.WriteLine(JsonSerializer.Serialize(result!, json));
        else write(result!);
        if (parsed.GetValue(Keep)) TellKept(run);
        return hasPassed(result!) ? 0 : 1;
    }

    private static KeepalivedOptions KeepalivedOptionsOf(ParseResult parsed)
    {
        string? original = parsed.GetValue(Original);
        string? path = parsed.GetValue(Conntrackd);
        return new KeepalivedOptions
        {
            Connections = parsed.GetValue(Connections),
            Seed = parsed.GetValue(Seed),
            IsActiveActive = parsed.GetValue(ActiveActive),
            Script = ProgramFinder.Script(parsed.GetValue(Script)),
            PrimaryProgram = ProgramFor("primary", original, path),
            BackupProgram = ProgramFor("backup", original, path),
            Keep = parsed.GetValue(Keep),
        };
    }

    private static FtpOptions FtpOptionsOf(ParseResult parsed)
    {
        string? original = parsed.GetValue(Original);
        string? path = parsed.GetValue(Conntrackd);
        return new FtpOptions
        {
            ReplicatesExpectations = !parsed.GetValue(WithoutExpectations),
            SourceNat = !parsed.GetValue(NoNat),
            PrimaryProgram = ProgramFor("primary", original, path),
            BackupProgram = ProgramFor("backup", original, path),
            Keep = parsed.GetValue(Keep),
        };
    }

    private static LabOptions Options(ParseResult parsed)
    {
        string? original = parsed.GetValue(Original);
        string? path = parsed.GetValue(Conntrackd);
        bool none = parsed.GetValue(WithoutSync);
        return new LabOptions
        {
            Connections = parsed.GetValue(Connections),
            Links = parsed.GetValue(Links),
            Seed = parsed.GetValue(Seed),
            SourceNat = !parsed.GetValue(NoNat),
            Keep = parsed.GetValue(Keep),
            PrimaryProgram = none ? null : ProgramFor("primary", original, path),
            BackupProgram = none ? null : ProgramFor("backup", original, path),
        };
    }

    private static string ProgramFor(string role, string? original, string? path) =>
        original == role || original == "both" ? ProgramFinder.Original() : ProgramFinder.Ours(path);

    private static void TellKept(ILab run) => Console.Error.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"kept: namespaces {run.Prefix}-client, -server, -fw1, -fw2 and {run.Folder}; "
        + $"twintrack lab --clean removes them"));
}
