using TwinTrack.Daemon.Control;
using TwinTrack.Router.Config;
using TwinTrack.Router.Live;
using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Shell;

/// <summary>Operational commands: show, reset, restart, delete, monitor, test.</summary>
internal static class Operations
{
    private static readonly string[] _commands =
    [
        "show conntrack-sync statistics", "show conntrack-sync statistics main",
        "show conntrack-sync statistics expect",
        "show conntrack-sync status", "show conntrack-sync internal-cache", "show conntrack-sync external-cache",
        "show conntrack-sync cache internal", "show conntrack-sync cache external", "show conntrack-sync link",
        "show conntrack-sync queue", "show conntrack-sync runtime", "show conntrack-sync history",
        "show conntrack-sync peer", "show conntrack-sync diff", "test conntrack-sync failover",
        "show log conntrack-sync", "monitor log conntrack-sync",
        "show conntrack table ipv4", "show conntrack table ipv6", "show conntrack statistics", "show configuration",
        "show configuration commands", "reset conntrack-sync internal-cache", "reset conntrack-sync external-cache",
        "restart conntrack-sync", "reset conntrack", "delete conntrack table ipv4", "delete conntrack table ipv6",
    ];

    /// <summary>Words that may come next, for completion.</summary>
    public static IEnumerable<string> Next(IReadOnlyList<string> words) => _commands
        .Select(command => command.Split(' '))
        .Where(command => command.Length > words.Count
            && command.Take(words.Count).SequenceEqual(words, StringComparer.Ordinal))
        .Select(command => command[words.Count])
        .Distinct(StringComparer.Ordinal);

    /// <summary>Carries a command out.</summary>
    /// <returns>The exit status.</returns>
    public static int Run(IReadOnlyList<string> typed, RouterPaths paths, TextWriter output, TextWriter errors)
    {
        try
        {
            PipedCommand command = Pipes.Split(typed);
            output.Write(command.Filter(Answer(command with { Words = Completed(command.Words) }, paths, errors)));
            return 0;
        }
        catch (Exception e) when (e is RouterException or PathException or IOException or FormatException)
        {
            errors.WriteLine(e.Message);
            return 1;
        }
    }

    private static List<string> Completed(List<string> words)
    {
        List<string> full = [];
        foreach (string word in words)
        {
            List<string> next = [.. Next(full)];
            List<string> fitting = [.. next.Where(one => one.StartsWith(word, StringComparison.Ordinal))];
            full.Add(next.Contains(word, StringComparer.Ordinal) || fitting.Count != 1 ? word : fitting[0]);
        }

        return full;
    }

    private static string Answer(PipedCommand command, RouterPaths paths, TextWriter errors)
    {
        (List<string> words, _, bool isJson, bool isOld) = command;
        string area = string.Join(' ', words.Take(2));
        List<string> rest = words[Math.Min(2, words.Count)..];
        switch (area)
        {
            case "show conntrack" when rest.FirstOrDefault() == "table":
                return TableCommands.Show(rest[1..], isJson, errors);
            case "show conntrack" when rest.FirstOrDefault() == "statistics": return TableCommands.Counters(isJson);
            case "delete conntrack" when rest.FirstOrDefault() == "table":
                return TableCommands.Delete(rest[1..], isJson);
            case "reset conntrack" when rest.Count == 0: return TableCommands.Reset(Console.In, Console.Out);
            case "show configuration": return Configuration(rest, paths, isJson, isOld);
            case "show log" when rest is ["conntrack-sync"]: return LogCommands.Show(isJson);
            case "monitor log" when rest is ["conntrack-sync"]: return LogCommands.Follow();
        }

        ConfigNode running = FileStore.ReadConfig(paths.Running);
        SyncSettings sync = SyncSettings.Of(running)
            ?? throw new RouterException("O01: conntrack-sync is not configured");
        var daemon = new DaemonControl(paths);
        return area switch
        {
            "show conntrack-sync" => new SyncViews(paths, sync, daemon, errors).Show(rest, isJson),
            "reset conntrack-sync" => Reset(rest, daemon),
            "test conntrack-sync" when rest is ["failover"] =>
                new SyncViews(paths, sync, daemon, errors).TestFailover(isJson),
            "restart conntrack-sync" => Restart(paths, daemon),
            _ => throw new RouterException($"[{string.Join(' ', words)}] is not a command"),
        };
    }

    private static string Configuration(List<string> words, RouterPaths paths, bool isJson, bool isOld)
    {
        ConfigNode running = FileStore.ReadConfig(paths.Running);
        if (isJson) return ConfigText.Json(running).ToJsonString() + "\n";
        if (words.FirstOrDefault() != "commands")
            return isOld ? OldDialect.File(running) : ConfigText.Braces(running);
        IEnumerable<string> lines = isOld ? OldDialect.SetLines(running) : ConfigText.SetLines(running);
        return string.Concat(lines.Select(line => line + "\n"));
    }

    private static string Reset(List<string> words, DaemonControl daemon)
    {
        switch (words.FirstOrDefault())
        {
            case "internal-cache":
                Step(daemon, ControlRequest.FlushInternalCaches, "O04: the cache could not be emptied");
                ControlResult refilled = daemon.Request(ControlRequest.ResyncKernel, out _);
                Step(daemon, ControlRequest.SendBulk, "O06: the bulk update failed");
                return refilled == ControlResult.Done
                    ? ""
                    : throw new RouterException("O07: the refill from the kernel failed");
            case "external-cache":
                Step(daemon, ControlRequest.FlushExternalCaches, "O04: the cache could not be emptied");
                Step(daemon, ControlRequest.RequestResync, "O05: the partner could not be asked");
                return "";
            default:
                throw new RouterException("reset conntrack-sync: internal-cache or external-cache expected");
        }
    }

    private static string Restart(RouterPaths paths, DaemonControl daemon)
    {
        if (Gate.IsCommitting(paths.Gate)) throw new RouterException("O03: a commit is in progress");
        using Gate gate = Gate.Enter(paths.Gate);
        daemon.Stop();
        daemon.Start();
        Step(daemon, ControlRequest.RequestResync, "O05: the partner could not be asked");
        Step(daemon, ControlRequest.SendBulk, "O06: the bulk update failed");
        return "";
    }

    private static void Step(DaemonControl daemon, ControlRequest request, string failure)
    {
        ControlResult result = daemon.Request(request, out _);
        if (result == ControlResult.CannotConnect) throw new RouterException($"O02: {ControlClient.Message(result)}");
        if (result != ControlResult.Done) throw new RouterException($"{failure}: {ControlClient.Message(result)}");
    }
}
