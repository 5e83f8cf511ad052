using System.CommandLine;
using TwinTrack.Router;

namespace TwinTrack.Programs;

/// <summary>The verbs of the router command line.</summary>
internal static class RouterCommands
{
    private static readonly Option<string?> Folder = new("--folder")
    {
        Description = "Keep all files in this folder instead of the places of the system",
        HelpName = "DIR",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Show JSON" };

    /// <summary>The verbs.</summary>
    public static IEnumerable<Command> Create()
    {
        Argument<string[]> words = new("words") { Arity = ArgumentArity.ZeroOrMore, Description = "The command" };
        Command configure = new(
            "configure",
            "Configuration mode: a command (set, delete, show, compare, commit, ...), a script, or a shell")
        {
            words, Folder,
        };
        configure.SetAction(parsed => RouterProgram.Configure(parsed.GetValue(words)!, parsed.GetValue(Folder)));
        yield return configure;

        yield return Operational("show", "Show conntrack-sync, the kernel's table, or the configuration", words);
        yield return Operational("reset", "Empty and fill a cache anew", words);
        yield return Operational("restart", "Start conntrack-sync anew", words);
        yield return Operational("delete", "Delete flows of the kernel's table", words);
        yield return Operational("monitor", "Follow the log of conntrack-sync", words);
        yield return Operational("test", "Tell what a fail-over would do", words);

        Argument<string> state = new("state") { Description = "master, backup or fault; start or stop" };
        Argument<string> group = new("group") { Description = "Name of the group" };
        Command hook = new("hook", "Follow a transition; keepalived calls it") { state, group, Folder };
        hook.SetAction(parsed =>
            RouterProgram.Follow(parsed.GetValue(state)!, parsed.GetValue(group)!, parsed.GetValue(Folder)));
        yield return hook;
    }

    private static Command Operational(string verb, string help, Argument<string[]> words)
    {
        Command command = new(verb, help) { words, Folder, Json };
        command.SetAction(parsed =>
        {
            string[] json = parsed.GetValue(Json) ? ["--json"] : [];
            return RouterProgram.Operate([verb, .. parsed.GetValue(words)!, .. json], parsed.GetValue(Folder));
        });
        return command;
    }
}
