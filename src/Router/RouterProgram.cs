using TwinTrack.Router.Live;
using TwinTrack.Router.Shell;

namespace TwinTrack.Router;

/// <summary>The router command line: verbs of the program twintrack.</summary>
public static class RouterProgram
{
    /// <summary>Configuration mode: one command, a script on standard input, or a shell at a terminal.</summary>
    /// <param name="words">A command; empty for a script or a shell.</param>
    /// <param name="folder">The folder of all files; null for the places of the system.</param>
    /// <returns>The exit status: 0 done, 1 refused.</returns>
    public static int Configure(IReadOnlyList<string> words, string? folder)
    {
        RouterPaths paths = RouterPaths.In(folder);
        try
        {
            var session = new ConfigSession(paths, Console.Out, Console.Error);
            if (words.Count > 0) return session.Execute(string.Join(' ', words.Select(Quoted)));
            if (!Console.IsInputRedirected) return new InteractiveShell(session).Run();
            return RunScript(session, Console.In);
        }
        catch (Exception e) when (e is RouterException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"twintrack: {e.Message}");
            return ConfigSession.Refused;
        }
    }

    /// <summary>An operational command: show, reset, restart.</summary>
    /// <param name="words">The command, with its verb.</param>
    /// <param name="folder">The folder of all files; null for the places of the system.</param>
    /// <returns>The exit status: 0 done, 1 refused.</returns>
    public static int Operate(IReadOnlyList<string> words, string? folder) =>
        Operations.Run(words, RouterPaths.In(folder), Console.Out, Console.Error);

    /// <summary>Follows a transition of the failover program.</summary>
    /// <param name="state">master, backup or fault; start or stop of a cluster.</param>
    /// <param name="group">The group.</param>
    /// <param name="folder">The folder of all files; null for the places of the system.</param>
    /// <returns>The exit status.</returns>
    public static int Follow(string state, string group, string? folder)
    {
        var hook = new Hook(RouterPaths.In(folder), line => Console.Error.WriteLine($"ctsync-hook: {line}"));
        try
        {
            return hook.Run(state, group);
        }
        catch (Exception e) when (e is RouterException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"ctsync-hook: {e.Message}");
            return ConfigSession.Refused;
        }
    }

    // The first line that is refused ends a script: what follows may rest on it.
    private static int RunScript(ConfigSession session, TextReader script)
    {
        int number = 0;
        while (!session.IsOver && script.ReadLine() is { } line)
        {
            number++;
            int status = session.Execute(line);
            if (status == ConfigSession.Done) continue;
            Console.Error.WriteLine($"twintrack: line {number} of the script was refused: the rest is left out");
            return status;
        }

        return ConfigSession.Done;
    }

    private static string Quoted(string word) => word.Any(c => char.IsWhiteSpace(c) || c is '"') || word.Length == 0
        ? $"'{word}'"
        : word;
}
