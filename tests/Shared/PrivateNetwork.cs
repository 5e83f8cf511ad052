using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace TwinTrack.Testing;

/// <summary>Runs code inside a network namespace of its own, which vanishes with it. Needs root.</summary>
internal static partial class PrivateNetwork
{
    private const int CloneNewNet = 0x40000000; // CLONE_NEWNET

    /// <summary>
    /// Runs the code on a fresh thread: namespaces belong to threads, sockets and children inherit them.
    /// </summary>
    public static void Run(Action code)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (Unshare(CloneNewNet) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "unshare");
                code();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>Loads an nftables ruleset into the namespace of the calling thread.</summary>
    public static void LoadRules(string ruleset)
    {
        var start = new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true, UseShellExecute = false };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("nft does not start");
        process.StandardInput.Write(ruleset);
        process.StandardInput.Close();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException("nft refused the rules");
    }

    /// <summary>Runs a program in the namespace of the calling thread and returns what it printed.</summary>
    public static string Execute(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false };
        using Process process =
            Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
        return output;
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
