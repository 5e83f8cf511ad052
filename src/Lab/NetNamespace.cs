using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>A named network namespace, as <c>ip netns</c> knows it.</summary>
/// <remarks>
/// A thread is in one namespace, a socket stays in the one where it was made: make sockets inside
/// <see cref="Run{T}"/>, use them anywhere. Disposing removes the name; the kernel frees the rest when the last
/// socket and process are gone.
/// </remarks>
public sealed class NetNamespace : IDisposable
{
    private const string Folder = "/run/netns";

    private static readonly StringComparer Ordinal = StringComparer.Ordinal;
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan KillPause = TimeSpan.FromMilliseconds(10);

    private int _descriptor;

    private NetNamespace(string name)
    {
        Name = name;
        _descriptor = Libc.Open(PathOf(name), Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        if (_descriptor < 0) throw new LabException($"cannot open namespace {name}: {LastError()}");

        Id = Run(() => ReadLink("/proc/thread-self/ns/net"));
    }

    /// <summary>The name for <c>ip netns exec</c>.</summary>
    public string Name { get; }

    /// <summary>What <c>/proc/PID/ns/net</c> of a process in this namespace points to.</summary>
    public string Id { get; }

    /// <summary>Makes a namespace.</summary>
    /// <exception cref="LabException">The name is taken, or the right to do it is missing.</exception>
    public static NetNamespace Create(string name)
    {
        Command.Require("ip", ["netns", "add", name]);
        return new(name);
    }

    /// <summary>Opens a namespace that exists.</summary>
    /// <exception cref="LabException">It does not, or is not a namespace.</exception>
    public static NetNamespace Open(string name) => new(name);

    /// <summary>The names of all namespaces that begin with <paramref name="prefix"/>.</summary>
    public static IReadOnlyList<string> Names(string prefix) =>
        Directory.Exists(Folder)
            ? [.. Directory.GetFiles(Folder, prefix + "*").Select(path => Path.GetFileName(path)).Order(Ordinal)]
            : [];

    /// <summary>Runs a function on a thread of its own inside the namespace and waits for it.</summary>
    /// <remarks>
    /// It must not touch the thread pool: a pool thread made from in there would stay in there, and keep the
    /// namespace alive.
    /// </remarks>
    public T Run<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = function();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e); // thrown again by the thread that waits
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    /// <inheritdoc cref="Run{T}"/>
    public void Run(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Run(() =>
        {
            action();
            return 0;
        });
    }

    /// <summary>Runs a program in the namespace and waits for it, whatever its exit code.</summary>
    public CommandResult Execute(params string[] command) => Command.Run("ip", ["netns", "exec", Name, .. command]);

    /// <summary>Runs a program in the namespace that has to succeed.</summary>
    /// <exception cref="LabException">It did not.</exception>
    public CommandResult Require(IEnumerable<string> command, string input = "") =>
        Command.Require("ip", ["netns", "exec", Name, .. command], input);

    /// <summary>Runs lines of <c>ip -batch</c> in the namespace.</summary>
    /// <exception cref="LabException">One of them failed.</exception>
    public void Ip(string lines) => Command.Require("ip", ["-n", Name, "-batch", "-"], lines);

    /// <summary>Starts a program in the namespace that goes on running; it writes to a file.</summary>
    /// <param name="outputPath">Receives standard output and error, appended.</param>
    /// <param name="command">Program and arguments. The process id is the program's own.</param>
    public Process Start(string outputPath, params string[] command)
    {
        // The shell only redirects: a pipe would tie the program's life to ours.
        const string Redirect = "out=$1; shift; exec \"$@\" >>\"$out\" 2>&1 </dev/null";
        string[] arguments = ["netns", "exec", Name, "/bin/sh", "-c", Redirect, "sh", outputPath, .. command];
        Process process = Command.Start("ip", arguments);
        process.StandardInput.Close();
        process.StandardOutput.Close();
        process.StandardError.Close();
        return process;
    }

    /// <summary>Writes a kernel setting of the namespace.</summary>
    /// <param name="name">Path below /proc/sys, such as <c>net/ipv4/ip_forward</c>.</param>
    /// <param name="value">The text to write.</param>
    /// <exception cref="LabException">The kernel has no such setting, or refuses the value.</exception>
    public void WriteSetting(string name, string value)
    {
        try
        {
            Run(() => File.WriteAllText("/proc/sys/" + name, value));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"cannot set {name} to {value}: {e.Message}", e);
        }
    }

    /// <summary>Reads a kernel setting of the namespace.</summary>
    /// <exception cref="LabException">The kernel has no such setting.</exception>
    public string ReadSetting(string name)
    {
        try
        {
            return Run(() => File.ReadAllText("/proc/sys/" + name).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"cannot read {name}: {e.Message}", e);
        }
    }

    /// <summary>Kills every process in the namespace, and waits until they are gone.</summary>
    /// <exception cref="LabException">Some do not go.</exception>
    public void KillProcesses()
    {
        var watch = Stopwatch.StartNew();
        // Again and again: one that was not yet killed may have started another, and a killed one takes a while to end.
        while (Processes() is { Count: > 0 } left)
        {
            if (watch.Elapsed > KillPatience)
                throw new LabException($"processes of {Name} do not end: {string.Join(' ', left)}");
            foreach (int id in left) _ = Libc.Kill(id, Libc.SignalKill); // gone already: as good
            Thread.Sleep(KillPause);
        }
    }

    // A process leaves its namespace after it has closed its files. Its first thread may end before the others.
    private List<int> Processes()
    {
        List<int> found = [];
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out int id) || id == Environment.ProcessId) continue;
            if (Threads(directory).Any(thread => ReadLink($"{thread}/ns/net") == Id)) found.Add(id);
        }

        return found;
    }

    private static string[] Threads(string process)
    {
        try
        {
            return Directory.GetDirectories($"{process}/task");
        }
        catch (IOException)
        {
            return []; // it ended
        }
    }

    /// <summary>Removes the name.</summary>
    public void Dispose()
    {
        Close();
        Remove(Name);
    }

    /// <summary>Lets go of the namespace without removing it.</summary>
    public void Close()
    {
        if (_descriptor >= 0) _ = Libc.Close(_descriptor);
        _descriptor = -1;
    }

    internal static void Remove(string name)
    {
        // Without a child process, so that a second Ctrl-C cannot stop it half-way.
        _ = Libc.Unmount(PathOf(name), Libc.DetachMount);
        File.Delete(PathOf(name));
    }

    private void Enter()
    {
        if (Libc.SetNamespace(_descriptor, Libc.CloneNewNet) != 0)
            throw new LabException($"cannot enter namespace {Name}: {LastError()}");
    }

    private static string ReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (IOException)
        {
            return ""; // the process ended, or is a kernel thread
        }
    }

    private static string PathOf(string name) => $"{Folder}/{name}";

    private static string LastError() => Marshal.GetLastPInvokeErrorMessage();
}
