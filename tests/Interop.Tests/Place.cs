using System.Diagnostics;
using TwinTrack.Lab;

namespace TwinTrack.Interop.Tests;

/// <summary>A namespace with one link and a folder: where our conntrackd is started to see how it starts and ends.</summary>
internal sealed class Place : IDisposable
{
    private readonly RunDirectory _directory = RunDirectory.Create();
    private readonly NetNamespace _home;
    private readonly string _program = Programs.PathOf(Make.Ours);

    public Place()
    {
        _home = _directory.CreateNamespace("one");
        _home.Ip(
            """
            link add sync0 type veth peer name sync1
            address add 10.77.3.1/24 dev sync0
            link set lo up
            link set sync0 up
            link set sync1 up

            """);
    }

    public string Folder => _directory.Path;

    public NetNamespace Namespace => _home;

    public string Prefix => Folder + "/n";

    public string ConfigPath => Prefix + ".conf";

    public string LockPath => Prefix + ".lock";

    public string ControlPath => Prefix + ".ctl";

    public string LogPath => Prefix + ".log";

    /// <summary>A configuration with which it starts.</summary>
    public string Text => new SyncConfig
    {
        Address = new([10, 77, 3, 1]),
        PeerAddress = new([10, 77, 3, 2]),
        Interface = "sync0",
    }.ToText(Prefix);

    /// <summary>Runs it to its end.</summary>
    /// <param name="text">The configuration.</param>
    /// <param name="arguments">More arguments.</param>
    public CommandResult Run(string text, params string[] arguments)
    {
        File.WriteAllText(ConfigPath, text);
        return _home.Execute([_program, "-C", ConfigPath, .. arguments]);
    }

    /// <summary>Runs it to its end behind another program that starts it.</summary>
    public CommandResult RunBehind(string[] starter, string text, params string[] arguments)
    {
        File.WriteAllText(ConfigPath, text);
        return _home.Execute([.. starter, _program, "-C", ConfigPath, .. arguments]);
    }

    /// <summary>Runs it to its end with <c>setpriv</c> before it.</summary>
    public CommandResult RunWithout(string privilege, string text, params string[] arguments)
    {
        File.WriteAllText(ConfigPath, text);
        return _home.Execute(
            ["setpriv", $"--bounding-set=-{privilege}", $"--inh-caps=-{privilege}", _program, "-C", ConfigPath, .. arguments]);
    }

    /// <summary>Starts it in the foreground and waits until it answers.</summary>
    public Process Start() => Start(Text);

    /// <summary>Starts it with a configuration of one's own.</summary>
    /// <param name="text">The configuration.</param>
    /// <param name="starter">A program and its arguments that starts it.</param>
    public Process Start(string text, params string[] starter)
    {
        File.WriteAllText(ConfigPath, text);
        Process process = _home.Start(Prefix + ".out", [.. starter, _program, "-C", ConfigPath]);
        Eventually.Holds(() => process.HasExited || Control("-s").ExitCode == 0 ? null : "it does not answer");
        return process;
    }

    /// <summary>Lets other users read the configuration and reach what is below the folder.</summary>
    public void LetOthersIn()
    {
        Command.Require("chmod", ["o+x", Path.GetDirectoryName(Folder)!, Folder]);
    }

    /// <summary>A client's call.</summary>
    public CommandResult Control(params string[] arguments) =>
        Command.Run(_program, ["-C", ConfigPath, .. arguments]);

    public static void Signal(string name, int processId) =>
        Command.Require("/bin/sh", ["-c", $"kill -{name} {processId}"]);

    public void Dispose() => _directory.Dispose();
}
