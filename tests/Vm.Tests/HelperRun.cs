using System.Diagnostics;
using TwinTrack.Testing;

namespace TwinTrack.Vm.Tests;

/// <summary>What every test run does in tests/vm, nfct and some scenarios, all in one virtual machine: booting takes longest.</summary>
public sealed class HelperRun
{
    /// <summary>Scenario and with what: <c>none</c> or <c>ours</c>.</summary>
    public static readonly IReadOnlyList<string> Scenarios = ["ftp-pasv", "ftp-port-snat", "tftp"];

    private const string Packages = "vsftpd curl tftpd-hpa tftp-hpa";

    // An emulated machine on a slow, busy host: a limit for what hangs, not a budget.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly Lazy<string> _output = new(Play);

    /// <summary>Everything the run printed.</summary>
    public string Output => _output.Value;

    /// <summary>What came of a scenario: <c>passed</c> or <c>refused</c>; empty when it was not played.</summary>
    public string Result(string scenario, string with) => Output.Split('\n')
        .Select(line => line.Split(' '))
        .Where(words => words is ["RESULT", var name, var daemon, ..] && name == scenario && daemon == with)
        .Select(words => words[3])
        .FirstOrDefault("");

    private static string Play()
    {
        const string script = "tests/vm/nfct.sh; exec /usr/bin/python3 tests/vm/scenarios.py \"$@\"";
        string[] words =
            ["--packages", Packages, "/bin/sh", "-c", script, "scenarios", "--with", "none,ours", .. Scenarios];
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "tests", "vm", "vm.sh"), words)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("vm.sh does not start");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Limit)) process.Kill(entireProcessTree: true);
        return output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult();
    }
}
