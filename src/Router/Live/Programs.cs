using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace TwinTrack.Router.Live;

/// <summary>What a program left.</summary>
internal readonly record struct CommandOutcome(int Status, string Output, string Errors);

/// <summary>Runs other programs.</summary>
internal static class Programs
{
    private static readonly string[] _places = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"];

    /// <summary>A program: ours beside this one, else one of the system.</summary>
    /// <exception cref="RouterException">There is none.</exception>
    public static string Find(string name)
    {
        IEnumerable<string> path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        string here = Path.GetDirectoryName(Environment.ProcessPath) ?? "";
        IEnumerable<string> places = [here, Path.GetFullPath(Path.Combine(here, "../sbin")), .. path, .. _places];
        return places.Select(place => Path.Combine(place, name)).FirstOrDefault(File.Exists)
            ?? throw new RouterException($"{name} is not installed");
    }

    /// <summary>Runs a program to its end. What it leaves running must not hold its output.</summary>
    /// <exception cref="RouterException">It cannot be run.</exception>
    public static CommandOutcome Run(string program, IEnumerable<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return new(process.ExitCode, output, errors.GetAwaiter().GetResult());
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            throw new RouterException($"cannot run {program}: {e.Message}");
        }
    }

    /// <summary>Sends a signal.</summary>
    public static bool Signal(int process, string signal) =>
        Run(Find("kill"), [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]).Status == 0;
}
