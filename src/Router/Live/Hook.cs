using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using TwinTrack.Daemon.Control;

namespace TwinTrack.Router.Live;

/// <summary>What happens when the failover program gives this router another role.</summary>
internal sealed class Hook(RouterPaths paths, Action<string> log)
{
    private const int MostTransitions = 32;

    private static readonly (string Name, ControlRequest Request)[] _master =
    [
        ("commit", ControlRequest.Commit), ("commit-expect", ControlRequest.CommitExpectations),
        ("flush-caches", ControlRequest.FlushCaches), ("refill", ControlRequest.ResyncKernel),
        ("send-bulk", ControlRequest.SendBulk),
    ];

    private static readonly (string Name, ControlRequest Request)[] _backup =
        [
            ("probe", ControlRequest.FlowStatistics), ("purge", ControlRequest.Purge),
            ("resync", ControlRequest.RequestResync),
        ];

    private static readonly (string Name, ControlRequest Request)[] _fault = [("purge", ControlRequest.Purge)];

    private readonly DaemonControl _daemon = new(paths);

    /// <summary>Follows a transition.</summary>
    /// <param name="state">master, backup or fault; start or stop of a cluster.</param>
    /// <param name="group">The group.</param>
    /// <returns>The exit status.</returns>
    public int Run(string state, string group)
    {
        (string word, (string, ControlRequest Request)[] steps) = state switch
        {
            "master" => ("MASTER", _master),
            "backup" => ("BACKUP", _backup),
            "fault" => ("FAULT", _fault),
            "start" => ("PRIMARY", _master),
            "stop" => ("SECONDARY", _backup),
            _ => ("UNKNOWN", []),
        };
        DateTime now = DateTime.UtcNow;
        long turn = Arrive(
            string.Create(CultureInfo.InvariantCulture, $"{word} at {now:ddd MMM d HH:mm:ss} UTC {now:yyyy}\n"));
        log($"state={word} group={group}");
        if (steps.Length == 0) return 1;

        string? own;
        using (Gate.Enter(paths.Gate))
        {
            own = OwnScript(state, group);
            bool isOvertaken = Turns() != turn;
            if (isOvertaken) log($"state={word} group={group} left out: another transition came since");
            else if (steps == _backup && !_daemon.Answers && !TryStart()) return 1;
            Remember(word, group, now, isOvertaken ? [] : Carry(steps), isOvertaken);
        }

        return own is null || RunOwn(own) ? 0 : 1;
    }

    // The state is told before the turn comes: whoever looks must not see a role that is over.
    private long Arrive(string state)
    {
        using Gate door = Gate.Enter(paths.Turn + ".lock");
        long turn = Turns() + 1;
        FileStore.Write(paths.Turn, turn.ToString(CultureInfo.InvariantCulture));
        FileStore.Write(paths.State, state);
        return turn;
    }

    private long Turns() =>
        long.TryParse(FileStore.Read(paths.Turn), CultureInfo.InvariantCulture, out long turns) ? turns : 0;

    private JsonArray Carry((string Name, ControlRequest Request)[] steps)
    {
        var results = new JsonArray();
        foreach ((string name, ControlRequest request) in steps)
        {
            ControlResult result = _daemon.Request(request, out _);
            results.Add((JsonNode)new JsonObject { ["step"] = name, ["result"] = result.ToString() });
            if (result != ControlResult.Done) log($"step={name} failed=\"{ControlClient.Message(result)}\"");
        }

        return results;
    }

    // keepalived runs one program for a state, and that is the hook: the operator's own is run from here.
    private string? OwnScript(string state, string group) =>
        FileStore.ReadConfig(paths.Running).At("high-availability", "vrrp", "sync-group", group)
            ?.ValueAt("transition-script", state);

    // What it starts may go on for long: it must not hold our ends of pipes.
    private bool RunOwn(string script)
    {
        CommandOutcome ended = Programs.Run("/bin/sh", ["-c", $"exec >/dev/null 2>&1\n{script}"]);
        if (ended.Status != 0) log($"transition-script=\"{script}\" status={ended.Status}");
        return ended.Status == 0;
    }

    private bool TryStart()
    {
        try
        {
            _daemon.Start();
            return true;
        }
        catch (RouterException e)
        {
            log($"start failed=\"{e.Message}\"");
            return false;
        }
    }

    private void Remember(string word, string group, DateTime since, JsonArray steps, bool isOvertaken)
    {
        JsonArray past = History(paths);
        while (past.Count >= MostTransitions) past.RemoveAt(past.Count - 1);
        past.Insert(0, new JsonObject
        {
            ["state"] = word,
            ["group"] = group,
            ["since"] = since.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["duration_ms"] = (long)(DateTime.UtcNow - since).TotalMilliseconds,
            ["overtaken"] = isOvertaken,
            ["steps"] = steps,
        });
        FileStore.Write(paths.History, past.ToJsonString() + "\n");
    }

    /// <summary>The last transitions, the latest first.</summary>
    public static JsonArray History(RouterPaths paths)
    {
        try
        {
            return JsonNode.Parse(FileStore.Read(paths.History) ?? "[]") as JsonArray ?? [];
        }
        catch (JsonException)
        {
            return []; // half a file of before a crash tells nothing
        }
    }
}
