using System.Diagnostics;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Recorded;

/// <summary>Our script for fail-over managers calls the daemon as the packaged one did in the recording.</summary>
public sealed class ScriptTraceTests : IDisposable
{
    private static readonly string _script = File.ReadAllText(
        Path.Combine(GoldenFiles.Root, "..", "..", "docs", "examples", "failover", "primary-backup.sh"));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twintrack-");

    public static TheoryData<string> Traces => [.. GoldenFiles.Below("outputs/failover", "*-script-*.txt")];

    [Theory, MemberData(nameof(Traces))]
    public void Each_role_makes_the_calls_of_the_recording(string path)
    {
        // 1795217348.401 role=backup, or 1795217348.405 conntrackd -s -> 0
        foreach (string[] turn in Turns(GoldenFiles.Read(path)))
            Assert.Equal(turn[1..], Call(turn[0].Split('=')[1]));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static List<string[]> Turns(string trace)
    {
        List<List<string>> turns = [];
        foreach (string line in trace.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string text = line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..];
            if (text.StartsWith("role=", StringComparison.Ordinal)) turns.Add([]);
            turns[^1].Add(text.Split(" -> ")[0]);
        }

        return [.. turns.Select(turn => turn.ToArray())];
    }

    private string[] Call(string role)
    {
        string calls = Path.Combine(_folder.FullName, "calls"), daemon = Path.Combine(_folder.FullName, "conntrackd");
        File.WriteAllText(calls, "");
        File.WriteAllText(daemon, $"#!/bin/sh\nshift 2\necho \"conntrackd $*\" >>'{calls}'\n");
        File.SetUnixFileMode(daemon, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // A copy: the script locks its own file, which others read at the same time.
        string script = Path.Combine(_folder.FullName, "primary-backup.sh");
        File.WriteAllText(script, _script);
        var start = new ProcessStartInfo("/bin/sh", [script, role]);
        start.Environment["CONNTRACKD"] = daemon;
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return File.ReadAllLines(calls);
    }
}
