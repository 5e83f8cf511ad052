using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Shell;

/// <summary>Configuration mode at a terminal.</summary>
internal sealed class InteractiveShell(ConfigSession session)
{
    private readonly List<string> _interfaces = [.. Machine.Read().Interfaces.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Reads and carries out lines until the operator leaves.</summary>
    public int Run()
    {
        var editor = new LineEditor(Complete);
        int status = ConfigSession.Done;
        while (!session.IsOver)
        {
            string place = session.Place.Count > 0 ? $" {string.Join(' ', session.Place)}" : "";
            Console.Out.WriteLine($"[edit{place}]");
            if (editor.Read($"{Environment.UserName}@{Environment.MachineName}# ") is not { } line) break;
            status = session.Execute(line);
        }

        return status;
    }

    private IReadOnlyList<Candidate> Complete(string line) => Completer.Find(line, session.Place, _interfaces);
}
