using TwinTrack.Cli.Flows;
using TwinTrack.Cli.Output;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Objects;

/// <summary>Commands of nfct(8), in the order in which a shortened word is matched.</summary>
internal enum NfctCommand
{
    List,
    Add,
    Delete,
    Get,
    Flush,
    Disable,
    DefaultSet,
    DefaultGet,
}

/// <summary>What the commands of nfct(8) work on, in the order in which a shortened word is matched.</summary>
internal enum NfctSubsystem
{
    Timeout,
    Helper,
    Version,
    Help,
}

/// <summary>What a command of nfct(8) is given.</summary>
/// <param name="Command">The command.</param>
/// <param name="Words">The words behind command and subsystem.</param>
/// <param name="Output">Standard output.</param>
/// <param name="IsJson">Whether objects are written as JSON.</param>
internal sealed record NfctCall(NfctCommand Command, string[] Words, ByteOutput Output, bool IsJson);

/// <summary>The program nfct(8).</summary>
public static class NfctTool
{
    /// <summary>Words of the commands.</summary>
    internal static readonly string[] CommandWords =
        ["list", "add", "delete", "get", "flush", "disable", "default-set", "default-get"];

    /// <summary>Words of the subsystems.</summary>
    internal static readonly string[] SubsystemWords = ["timeout", "helper", "version", "help"];

    internal const string Usage = "Usage: nfct command subsystem [parameters]...";
    internal const string Signature = $"nfct v{ConntrackTool.ProgramVersion}";

    /// <summary>Runs it.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <returns>The exit status, see <see cref="ExitCode"/>; every error is a failure.</returns>
    public static int Run(string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var output = new ByteOutput(Libc.StandardOutput, 4096);
        var errors = new ByteOutput(Libc.StandardError, 1024);
        int status = ExitCode.Success;
        try
        {
            Execute(arguments, output);
        }
        catch (ToolException e)
        {
            output.Flush();
            errors.Write($"{e.Message}\n");
            status = ExitCode.Failure;
        }
        catch (NetlinkException e)
        {
            errors.Write($"{Signature}: cannot open netlink: {e.Message}\n");
            status = ExitCode.Failure;
        }

        output.Flush();
        errors.Flush();
        return output.Error == 0 ? status : ExitCode.Failure;
    }

    /// <summary>An error of a command.</summary>
    internal static ToolException Error(string message) => new($"{Signature}: {message}");

    /// <summary>The kernel's refusal.</summary>
    internal static void Check(NetlinkError error)
    {
        if (!error.IsSuccess) throw Error($"netlink error: {new NetlinkError(error.Code)}");
    }

    private static void Execute(string[] arguments, ByteOutput output)
    {
        bool isJson = arguments is [.., "-o", "json"];
        ReadOnlySpan<string> words = isJson ? arguments.AsSpan(..^2) : arguments;
        if (words.Length < 2) throw new ToolException(Usage);

        // Command first; the other order is from before 1.4.
        bool isNew = Find(CommandWords, words[0]) is not null;
        string commandWord = words[isNew ? 0 : 1];
        string subsystemWord = words[isNew ? 1 : 0];
        int subsystem = Find(SubsystemWords, subsystemWord)
            ?? throw Error($"Unknown subsystem: {subsystemWord}\n{Usage}");
        int command = Find(CommandWords, commandWord)
            ?? throw Error($"Unknown command: {commandWord}\n{Usage}");

        var call = new NfctCall((NfctCommand)command, words[2..].ToArray(), output, isJson);
        switch ((NfctSubsystem)subsystem)
        {
            case NfctSubsystem.Timeout: TimeoutCommands.Run(call); break;
            case NfctSubsystem.Helper: HelperCommands.Run(call, commandWord); break;
            case NfctSubsystem.Version: NfctHelp.WriteVersion(output); break;
            default: NfctHelp.Write(output); break;
        }
    }

    // A whole word first: "help" begins like "helper".
    private static int? Find(string[] words, string word)
    {
        int exact = Array.IndexOf(words, word);
        if (exact >= 0) return exact;
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i].StartsWith(word, StringComparison.Ordinal)) return i;
        }

        return null;
    }
}
