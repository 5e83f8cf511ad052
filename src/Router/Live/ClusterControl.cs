using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Live;

/// <summary>Writes the files of heartbeat, and starts, reloads and stops it.</summary>
internal sealed class ClusterControl(RouterPaths paths)
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // Where packages of it put the program.
    private static readonly string[] _programs = ["/usr/lib/heartbeat/heartbeat", "/usr/libexec/heartbeat/heartbeat"];

    // It reads its files at one place only: with all files in a folder there is nothing to be started.
    private string? Program => paths.Folder is null ? Array.Find(_programs, File.Exists) : null;

    /// <summary>Whether it runs.</summary>
    public bool Runs => Program is { } program && Programs.Run(program, ["-s"]).Status == 0;

    /// <summary>Writes its files, or removes them.</summary>
    public void Write(ClusterText? cluster)
    {
        (string Name, string Text)[] files =
        [
            ("ha.cf", cluster?.Settings ?? ""), ("haresources", cluster?.Resources ?? ""),
            ("authkeys", cluster?.Keys ?? ""), ($"resource.d/{ClusterText.Resource}", cluster?.Script ?? ""),
        ];
        foreach ((string name, string text) in files)
        {
            string file = Path.Combine(paths.Cluster, name);
            if (text.Length > 0) FileStore.Write(file, text);
            else if (File.Exists(file)) File.Delete(file);
        }

        string script = Path.Combine(paths.Cluster, "resource.d", ClusterText.Resource);
        if (File.Exists(script) && !OperatingSystem.IsWindows()) File.SetUnixFileMode(script, Executable);
    }

    /// <summary>Makes it read its files; starts it when there is a cluster, and stops it when there is none.</summary>
    /// <exception cref="RouterException">That does not work.</exception>
    public void Apply(bool isWanted)
    {
        if (Program is not { } program || (!isWanted && !Runs)) return;
        string[] arguments = isWanted ? Runs ? ["-r"] : [] : ["-k"];
        CommandOutcome done = Programs.Run(program, arguments);
        if (done.Status != 0) throw new RouterException($"heartbeat does not do it: {done.Errors.Trim()}");
    }
}
