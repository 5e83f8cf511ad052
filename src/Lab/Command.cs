using System.ComponentModel;
using System.Diagnostics;

namespace TwinTrack.Lab;

/// <summary>What a finished program left.</summary>
/// <param name="ExitCode">Its exit code; 128 and the signal's number if one killed it.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
/// <param name="Elapsed">From before the start until it was collected.</param>
public sealed record CommandResult(int ExitCode, string Output, string Errors, TimeSpan Elapsed)
{
    /// <summary>The first line of the errors, or of the output if there are none: the tools explain below it.</summary>
    public string FirstLine =>
        (Errors.Trim() is { Length: > 0 } errors ? errors : Output.Trim()).Split('\n')[0].Trim();
}

/// <summary>Runs the programs the lab is built with and waits for them.</summary>
public static class Command
{
    /// <summary>How long a program may take unless the call says otherwise.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program and collects what it prints.</summary>
    /// <param name="program">Name or path.</param>
    /// <param name="arguments">Its arguments, each passed on as it is.</param>
    /// <param name="input">Text for its standard input.</param>
    /// <param name="timeout">When to kill it; null for <see cref="DefaultTimeout"/>.</param>
    /// <exception cref="LabException">The program is missing, or took too long.</exception>
    public static CommandResult Run(
        string program, IEnumerable<string> arguments, string input = "", TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        var watch = Stopwatch.StartNew();
        using Process process = Start(program, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        WriteInput(process, input);
        TimeSpan limit = timeout ?? DefaultTimeout;
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            throw new LabException($"{program} did not finish within {limit.TotalSeconds:0.#} s");
        }

        TimeSpan elapsed = watch.Elapsed;
        return new(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult(), elapsed);
    }

    /// <summary>As <see cref="Run"/>, for a program that has to succeed.</summary>
    /// <exception cref="LabException">It is missing, took too long, or its exit code is not 0.</exception>
    public static CommandResult Require(string program, IEnumerable<string> arguments, string input = "")
    {
        string[] list = [.. arguments];
        CommandResult result = Run(program, list, input);
        return result.ExitCode == 0
            ? result
            : throw new LabException($"{program} {string.Join(' ', list)}: {result.FirstLine}");
    }

    /// <summary>Finds a program in PATH and in the places of system programs.</summary>
    /// <returns>Its path, or null.</returns>
    public static string? Find(string program)
    {
        return SearchPath().Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, program))
            .FirstOrDefault(File.Exists);
    }

    internal static Process Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(program) ?? program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Their messages are read: translations would not be understood.
        start.Environment["LC_ALL"] = "C";
        start.Environment["PATH"] = SearchPath();
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new LabException($"cannot run {program}: {e.Message}", e);
        }
    }

    // A root shell that was not logged in may lack the folders of system programs.
    private static string SearchPath() =>
        Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin:/usr/bin:/bin";

    private static void WriteInput(Process process, string input)
    {
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It left without reading everything; its exit code and errors tell why.
            process.StandardInput.BaseStream.Dispose();
        }
    }
}
