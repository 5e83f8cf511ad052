using System.Diagnostics;
using System.Globalization;
using System.Text;
using TwinTrack.Daemon.Control;

namespace TwinTrack.Router.Live;

/// <summary>Starts, stops and asks conntrackd.</summary>
internal sealed class DaemonControl(RouterPaths paths)
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether it answers.</summary>
    public bool Answers => Request(ControlRequest.FlowStatistics, out _) == ControlResult.Done;

    /// <summary>Sends a request.</summary>
    public ControlResult Request(ControlRequest request, out string answer, bool isJson = false)
    {
        using var output = new MemoryStream();
        ControlResult result = ControlClient.Run(
            paths.Daemon.Control, request, output, ControlClient.SilenceLimit(request), isJson);
        answer = Encoding.UTF8.GetString(output.GetBuffer(), 0, (int)output.Length);
        return result;
    }

    /// <summary>The answer to a request.</summary>
    /// <exception cref="RouterException">There is none (O02).</exception>
    public string Ask(ControlRequest request, bool isJson = false)
    {
        ControlResult result = Request(request, out string answer, isJson);
        return result == ControlResult.Done
            ? answer
            : throw new RouterException($"O02: {ControlClient.Message(result)}");
    }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <exception cref="RouterException">It does not.</exception>
    public void Start()
    {
        CommandOutcome started = Programs.Run(Programs.Find("conntrackd"), ["-C", paths.Daemon.Config, "-d"]);
        if (started.Status != 0) throw new RouterException($"conntrackd does not start: {started.Errors.Trim()}");
        var watch = Stopwatch.StartNew();
        while (!Answers)
        {
            if (watch.Elapsed > _startLimit)
                throw new RouterException("conntrackd was started, but does not answer");
            Thread.Sleep(_pause);
        }
    }

    /// <summary>Stops it and waits until it has ended; nothing happens if it does not run.</summary>
    /// <exception cref="RouterException">It does not end.</exception>
    public void Stop()
    {
        if (Request(ControlRequest.Stop, out _) == ControlResult.CannotConnect) return;
        var watch = Stopwatch.StartNew();
        while (Request(ControlRequest.FlowStatistics, out _) != ControlResult.CannotConnect || ProcessId is not null)
        {
            if (watch.Elapsed > _stopLimit) throw new RouterException("conntrackd does not end");
            Thread.Sleep(_pause);
        }
    }

    /// <summary>Makes it read its configuration again.</summary>
    /// <exception cref="RouterException">It does not run.</exception>
    public void Reload()
    {
        if (ProcessId is not { } process) throw new RouterException("conntrackd does not run");
        Programs.Signal(process, "HUP");
    }

    /// <summary>Which process it is, as its lock file says; after a crash it may say so still.</summary>
    public int? ProcessId =>
        int.TryParse(FileStore.Read(paths.Daemon.Lock)?.Trim(), CultureInfo.InvariantCulture, out int id)
            && Directory.Exists($"/proc/{id}")
            ? id
            : null;
}
