using TwinTrack.Cli.Output;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>The program conntrack(8).</summary>
public static class ConntrackTool
{
    /// <summary>The version of this program. Asking the assembly would take a tenth of the start.</summary>
    internal const string ProgramVersion = "0.1.0";

    /// <summary>What messages begin with.</summary>
    internal const string Signature = $"conntrack v{ProgramVersion} (conntrack-tools)";

    /// <summary>Runs it.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <returns>The exit status, see <see cref="ExitCode"/>.</returns>
    public static int Run(string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var output = new ByteOutput(Libc.StandardOutput);
        var errors = new ByteOutput(Libc.StandardError, 1024);
        int status = Run(arguments, output, errors);
        output.Flush();
        if (output.Error == 0) return status;

        errors.Write($"{Signature}: cannot write: {new NetlinkError((Errno)output.Error)}\n");
        errors.Flush();
        return ExitCode.Failure;
    }

    private static int Run(string[] arguments, ByteOutput output, ByteOutput errors)
    {
        using var session = new Session(output, errors)
        {
            IsInteractive = Libc.IsTerminal(Libc.StandardInput) == 1 && Libc.IsTerminal(Libc.StandardError) == 1,
        };
        try
        {
            if (arguments.Length > 1 && arguments[0] is "-R" or "--load-file")
                return LoadCommand.Run(session, arguments[1], arguments.AsSpan(2));

            var words = new ReadOnlyMemory<char>[arguments.Length];
            for (int i = 0; i < words.Length; i++) words[i] = arguments[i].AsMemory();
            var request = new Request();
            new RequestParser(session.Say).Parse(request, words, words.Length);
            return Execute(session, request);
        }
        catch (ToolException e)
        {
            output.Flush();
            session.Say($"{Signature}: {e.Message}");
            if (e.Status == ExitCode.Usage)
                session.Say("Try `conntrack -h' or 'conntrack --help' for more information.");
            return e.Status;
        }
        catch (NetlinkException e)
        {
            output.Flush();
            session.Say(e.Message);
            session.Say($"{Signature}: Can't open handler");
            return ExitCode.Failure;
        }
    }

    /// <summary>Carries a command line out.</summary>
    /// <returns>The exit status.</returns>
    internal static int Execute(Session session, Request request)
    {
        bool isExpect = request.Table == TableId.Expect;
        return request.CommandId switch
        {
            CommandId.List when isExpect => ExpectationCommands.List(session, request),
            CommandId.List => FlowCommands.List(session, request),
            CommandId.Get when isExpect => ExpectationCommands.Get(session, request),
            CommandId.Get => FlowCommands.Get(session, request),
            CommandId.Create when isExpect => ExpectationCommands.Create(session, request),
            CommandId.Create or CommandId.Add => FlowCommands.Create(session, request),
            CommandId.Delete when isExpect => ExpectationCommands.Delete(session, request),
            CommandId.Delete => DeleteCommand.Run(session, request),
            CommandId.Update => UpdateCommand.Run(session, request),
            CommandId.Event => EventCommand.Run(session, request),
            CommandId.Flush when isExpect => ExpectationCommands.Flush(session, request),
            CommandId.Flush => Flush(session, request),
            CommandId.Count when isExpect => ExpectationCommands.Count(session, request),
            CommandId.Count => StatsCommands.Count(session, request),
            CommandId.Stats => StatsCommands.Stats(session, request),
            CommandId.Version => Version(session),
            _ => Help(session, request),
        };
    }

    private static int Flush(Session session, Request request)
    {
        MassDelete.Announce(session, request);
        NetlinkError error = session.Client.Flush(request.Family);
        session.Say($"{Signature}: connection tracking table has been emptied.");
        return error.IsSuccess ? ExitCode.Success : throw Session.Failure(request, error);
    }

    private static int Version(Session session)
    {
        session.Output.Write($"conntrack v{ProgramVersion} (conntrack-tools)\n");
        return ExitCode.Success;
    }

    private static int Help(Session session, Request request)
    {
        HelpText.Write(session.Output, request.Protocol);
        return ExitCode.Success;
    }
}
