using System.Globalization;
using System.Text.Json.Nodes;
using TwinTrack.Daemon.Config;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;
using TwinTrack.Router.Views;

namespace TwinTrack.Router.Live;

/// <summary>Commits: checks, applies, remembers, and goes back.</summary>
internal sealed class Committer(RouterPaths paths, TextWriter output, TextWriter errors)
{
    /// <summary>Makes a configuration the one in effect.</summary>
    /// <exception cref="RouterException">It is refused, or could not be applied; nothing has changed.</exception>
    /// <returns>Whether there was anything to commit.</returns>
    public bool Commit(ConfigNode candidate)
    {
        using Gate gate = Gate.Enter(paths.Gate, isCommit: true);
        ConfigNode running = FileStore.ReadConfig(paths.Running);
        if (ConfigDiff.Between(running, candidate).Count == 0)
        {
            output.WriteLine("No configuration changes to commit");
            return false;
        }

        Machine machine = Check(candidate, running);
        var applier = new Applier(paths, output.WriteLine);
        applier.Apply(applier.Files(running, machine), applier.Files(candidate, machine));
        FileStore.Archive(paths.Archive, ConfigText.File(running));
        FileStore.Write(paths.Running, ConfigText.File(candidate));
        File.Delete(paths.Confirm); // who commits again has seen that the one before is good
        CheckEffects(candidate);
        return true;
    }

    /// <summary>The conntrackd.conf that the generator of a former router makes of a configuration.</summary>
    /// <exception cref="RouterException">The service is not configured.</exception>
    public static string Reference(ConfigNode running, ReferenceGeneration generation) =>
        running.At("service", "conntrack-sync") is null
            ? throw new RouterException("service conntrack-sync is not configured")
            : Printer.Print(ReferenceProfile.Make(running, Machine.Read(), generation));

    /// <summary>Tells what a commit would do, and does nothing.</summary>
    /// <exception cref="RouterException">It would be refused.</exception>
    public void DryRun(ConfigNode candidate, bool isJson)
    {
        ConfigNode running = FileStore.ReadConfig(paths.Running);
        Machine machine = Check(candidate, running);
        var applier = new Applier(paths, output.WriteLine);
        RouterFiles before = applier.Files(running, machine);
        RouterFiles after = applier.Files(candidate, machine);
        IReadOnlyList<string> actions = ChangePlan.Between(before, after);
        (string File, IReadOnlyList<string> Lines)[] files =
        [
            (paths.Daemon.Config, Difference(before.DaemonText, after.DaemonText)),
            (paths.Failover, Difference(before.Failover, after.Failover)),
            (paths.Cluster, Difference(Text(before.Cluster), Text(after.Cluster))),
            ("nft", Difference(before.Rules, after.Rules)),
        ];
        if (isJson)
        {
            output.WriteLine(new JsonObject
            {
                ["files"] = new JsonObject(files.Where(file => file.Lines.Count > 0).Select(
                    file => KeyValuePair.Create(file.File, (JsonNode?)Json.List(file.Lines)))),
                ["actions"] = Json.List(actions),
            }.ToJsonString());
            return;
        }

        foreach ((string file, IReadOnlyList<string> lines) in files.Where(file => file.Lines.Count > 0))
        {
            output.WriteLine($"{file}:");
            foreach (string line in lines) output.WriteLine($"  {line}");
        }

        output.WriteLine("actions:");
        foreach (string action in actions) output.WriteLine($"  {action}");
    }

    /// <summary>Keeps what the operator says about the last commit.</summary>
    public void Note(string comment) => File.AppendAllText(
        Path.Combine(paths.Archive, "comments"),
        string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ssZ} {Environment.UserName} {comment}\n"));

    /// <summary>Commits, and goes back unless it is confirmed in time.</summary>
    /// <exception cref="RouterException">It is refused.</exception>
    public void CommitUntilConfirmed(ConfigNode candidate, TimeSpan time)
    {
        if (!Commit(candidate)) return;
        string token = Guid.NewGuid().ToString("N");
        FileStore.Write(paths.Confirm, token);
        string folder = paths.Folder is { } given ? $" --folder '{given}'" : "";
        string seconds = ((long)time.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        string later = $"exec >/dev/null 2>&1 </dev/null; sleep {seconds}; "
            + $"exec '{Environment.ProcessPath}' configure{folder} revert {token}";
        Programs.Run(Programs.Find("setsid"), ["-f", "/bin/sh", "-c", later]);
        string limit = time.TotalSeconds % 60 == 0 ? $"{time.TotalMinutes} minutes" : $"{seconds} seconds";
        output.WriteLine($"without 'confirm' within {limit} the configuration before comes back");
    }

    /// <summary>Confirms the commit that waits for it.</summary>
    /// <exception cref="RouterException">None does.</exception>
    public void Confirm()
    {
        if (!File.Exists(paths.Confirm)) throw new RouterException("no commit waits to be confirmed");
        File.Delete(paths.Confirm);
    }

    /// <summary>Goes back, if the commit was not confirmed.</summary>
    /// <param name="token">Which commit.</param>
    public void Revert(string token)
    {
        if (FileStore.Read(paths.Confirm) != token) return;
        File.Delete(paths.Confirm);
        string told = "commit not confirmed: the configuration before is back";
        try
        {
            Commit(FileStore.ReadConfig(FileStore.Revision(paths.Archive, 0)));
        }
        catch (RouterException e)
        {
            told = $"commit not confirmed, but the configuration before cannot be put back: {e.Message}";
        }

        string time = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        FileStore.Write(paths.Notice, $"{time} {told}\n");
        Programs.Run(Programs.Find("logger"), ["-t", "twintrack", told]);
    }

    private Machine Check(ConfigNode candidate, ConfigNode running)
    {
        Machine machine = Machine.Read();
        IReadOnlyList<Finding> findings = new CommitCheck(candidate, machine, running).Run();
        Tell(findings);
        return findings.Any(finding => finding.IsError) ? throw new RouterException("Commit failed") : machine;
    }

    // What can be seen only when everything runs.
    private void CheckEffects(ConfigNode candidate)
    {
        Machine machine = Machine.Read() with
        {
            FailoverRuns = new FailoverControl(paths).Runs,
            ClusterRuns = new ClusterControl(paths).Runs,
            Tracking = Tracking.Read(),
        };
        Tell(new CommitCheck(candidate, machine).Effects());
    }

    private void Tell(IReadOnlyList<Finding> findings)
    {
        foreach (Finding finding in findings)
        {
            string kind = finding.IsError ? "" : "warning: ";
            errors.WriteLine($"  {kind}[ service conntrack-sync ] {finding.Id}: {finding.Text}");
        }
    }

    // Without the keys.
    private static string Text(ClusterText? cluster) =>
        cluster is null ? "" : cluster.Settings + cluster.Resources + cluster.Script;

    private static IReadOnlyList<string> Difference(string before, string after) =>
        ConfigDiff.Between(before.Split('\n'), after.Split('\n'));
}
